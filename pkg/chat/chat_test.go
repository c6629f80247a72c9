package chat_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/confab-chat/confab/pkg/chat"
)

func TestTimeIsWrittenInUTCWithMilliseconds(t *testing.T) {
	for given, want := range map[string]string{
		`"2024-05-06T07:08:09Z"`:                `"2024-05-06T07:08:09.000Z"`,
		`"2024-05-06T07:08:09.1239Z"`:           `"2024-05-06T07:08:09.123Z"`,
		`"2024-05-06T00:30:00.5+02:00"`:         `"2024-05-05T22:30:00.500Z"`,
		`"1969-12-31T23:59:59.999Z"`:            `"1969-12-31T23:59:59.999Z"`,
		`"0001-01-01T00:00:00Z"`:                `"0001-01-01T00:00:00.000Z"`,
		`"2024-05-06T07:08:09.123456789-00:00"`: `"2024-05-06T07:08:09.123Z"`,
	} {
		var at chat.Time
		if err := json.Unmarshal([]byte(given), &at); err != nil {
			t.Errorf("%s: %v", given, err)
			continue
		}
		written, err := json.Marshal(at)
		if err != nil || string(written) != want || `"`+at.String()+`"` != want {
			t.Errorf("%s is written %s, %v; want %s", given, written, err, want)
		}
		var again chat.Time
		if err := json.Unmarshal(written, &again); err != nil || again != at {
			t.Errorf("%s comes back as %v, %v", written, again, err)
		}
	}
}

func TestWhatIsNoTimeIsRefused(t *testing.T) {
	for _, text := range []string{`1`, `{}`, `""`, `"yesterday"`, `"2024-05-06"`, `"2024-05-06T07:08:09"`, `"2024-13-06T07:08:09Z"`, `"2024-05-06 07:08:09Z"`} {
		var at chat.Time
		if err := json.Unmarshal([]byte(text), &at); err == nil {
			t.Errorf("%s is taken as %v", text, at)
		}
	}
}

func TestTimeSurvivesAStoreThatHoldsMilliseconds(t *testing.T) {
	for _, at := range []chat.Time{chat.Now(), chat.TimeOf(time.Date(2024, 5, 6, 7, 8, 9, 999_999_999, time.FixedZone("", 3600))), {}} {
		if got := chat.FromMillis(at.UnixMilli()); got != at {
			t.Errorf("%v comes back as %v", at, got)
		}
	}
}

func TestExcerptIsOneShortLine(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"nothing":                      {"", ""},
		"a line":                       {"hello", "hello"},
		"lines":                        {"a\nb\tc\rd", "a b c d"},
		"as many characters as fit":    {strings.Repeat("é", chat.MaxExcerpt), strings.Repeat("é", chat.MaxExcerpt)},
		"one character more":           {strings.Repeat("é", chat.MaxExcerpt+1), strings.Repeat("é", chat.MaxExcerpt-1) + "…"},
		"many, the last of which fits": {strings.Repeat("a\n", chat.MaxExcerpt/2), strings.Repeat("a ", chat.MaxExcerpt/2)},
		"a very long body":             {strings.Repeat("x", chat.MaxBody), strings.Repeat("x", chat.MaxExcerpt-1) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := chat.Excerpt(test.body); got != test.want || utf8.RuneCountInString(got) > chat.MaxExcerpt {
				t.Fatalf("the excerpt is %q, want %q", got, test.want)
			}
		})
	}
}

func TestChannelsKeepAConversationInOneClusterSlot(t *testing.T) {
	if got := chat.ConversationChannel("c1") + " " + chat.UserChannel("u1"); got != "confab:conv:{c1} confab:user:{u1}" {
		t.Fatalf("the channels are %s", got)
	}
}
