package terminal_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestMoreLinesThanMayWaitAreAllSent(t *testing.T) {
	c := serve(t)
	ann, bob := c.as("Ann"), c.as("Bob")
	ann.types("/new bob@example.com")
	ann.sees("── Bob Lee")
	lines := ""
	for i := range 300 {
		lines += fmt.Sprintln("line", i)
	}
	ann.types(strings.TrimSuffix(lines, "\n"))
	bob.types("/open " + bob.sees(`/open (\d)`)[1])
	bob.sees(`#300 Ann Lee: line 299\n`)
	bob.types("Enough")
	ann.sees(`#301 Bob Lee: Enough\n`)
	bob.asks("/members", `Ann Lee \(\w+, has read to #301\)`) // where much waited to be sent, too
	_ = ann.in.Close()
	ann.ends(0)
	for i := range 300 {
		if sent := fmt.Sprintf("#%d You: line %d\n", i+1, i); !strings.Contains(ann.all(), sent) {
			t.Fatalf("%q is not printed; all of it:\n%s", sent, ann.all())
		}
	}
}

func TestWhatIsNotSentAtTheEndIsCounted(t *testing.T) {
	for name, end := range map[string]func(*shell){
		"of the input":    func(s *shell) { _ = s.in.Close() },
		"by an interrupt": func(s *shell) { s.interrupt() },
	} {
		t.Run(name, func(t *testing.T) {
			c := serve(t)
			ann, _ := c.as("Ann"), c.as("Bob")
			ann.types("/new bob@example.com")
			ann.sees("── Bob Lee")
			c.stop()
			ann.types("one", "two", "three", "/dance")
			ann.sees("There is no /dance")
			end(ann)
			ann.ends(1)
			ann.sees("confab chat: as far as is known, 3 of your messages were not sent")
		})
	}
}
