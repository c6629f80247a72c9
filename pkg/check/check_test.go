package check_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/id"
)

func TestWhatIsTakenAndWhatIsRefused(t *testing.T) {
	longID := strings.Repeat("x", id.MaxLen+1)
	for name, test := range map[string]struct {
		err   error
		taken bool
	}{
		"an id":                                 {check.ID("f", "c1"), true},
		"no id":                                 {check.ID("f", ""), false},
		"an id too long":                        {check.ID("f", longID), false},
		"an operator for an id":                 {check.ID("f", `{"$gt":""}`), false},
		"an optional id":                        {check.OptionalID("f", "c1"), true},
		"an optional id that is not there":      {check.OptionalID("f", ""), true},
		"an optional id that is none":           {check.OptionalID("f", "c/1"), false},
		"as many ids as allowed":                {check.IDs("f", []string{"a", "b"}, 2), true},
		"an id too many":                        {check.IDs("f", []string{"a", "b", "c"}, 2), false},
		"no ids":                                {check.IDs("f", nil, 2), false},
		"a bad id among good ones":              {check.IDs("f", []string{"a", ""}, 2), false},
		"a text as long as allowed":             {check.Text("f", "éé", 4), true},
		"a text a byte too long":                {check.Text("f", "éé", 3), false},
		"no text":                               {check.Text("f", "", 4), false},
		"a blank text":                          {check.Text("f", " \t\r\n\u00a0\u3000", 40), false},
		"a text that is not UTF-8":              {check.Text("f", "a\xff", 4), false},
		"a text with NUL":                       {check.Text("f", "a\x00", 4), false},
		"an optional text that is not there":    {check.OptionalText("f", "", 4), true},
		"an optional text that is blank":        {check.OptionalText("f", " ", 4), true},
		"an optional text a byte too long":      {check.OptionalText("f", "12345", 4), false},
		"an optional text that is not UTF-8":    {check.OptionalText("f", "\xff", 4), false},
		"an optional text with NUL":             {check.OptionalText("f", "\x00", 4), false},
		"the position before the first":         {check.Seq("f", 0), true},
		"the last position a JSON client holds": {check.Seq("f", 1<<53-1), true},
		"a position beyond it":                  {check.Seq("f", 1<<53), false},
		"a negative position":                   {check.Seq("f", -1), false},
		"all of nothing":                        {check.All(), true},
		"all good":                              {check.All(nil, nil), true},
		"one bad among all":                     {check.All(nil, check.Seq("f", -1), check.Seq("g", -1)), false},
	} {
		t.Run(name, func(t *testing.T) {
			var f *fault.Error
			switch {
			case test.taken && test.err != nil, !test.taken && !errors.As(test.err, &f):
				t.Fatalf("the error is %v", test.err)
			case !test.taken && (f.Kind != fault.Invalid || f.Code != "invalid_field" || f.Field != "f"):
				t.Fatalf("the fault is %+v", f)
			}
		})
	}
}

func TestPageHasALimit(t *testing.T) {
	for asked, want := range map[int]int{0: chat.DefaultPage, 1: 1, chat.MaxPage: chat.MaxPage} {
		if got, err := check.Limit(asked); got != want || err != nil {
			t.Errorf("asked for %d: %d, %v", asked, got, err)
		}
	}
	for _, asked := range []int{-1, chat.MaxPage + 1} {
		if got, err := check.Limit(asked); fault.From(err).Field != "limit" {
			t.Errorf("asked for %d: %d, %v", asked, got, err)
		}
	}
}
