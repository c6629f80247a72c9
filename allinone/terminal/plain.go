package terminal

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/confab-chat/confab/pkg/chat"
)

// plain makes text of others fit for a terminal, on one line: escape sequences and other control characters become �, as do those that
// turn the direction of writing around, and ends of lines become spaces.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case r == '\r':
			return -1
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// body is plain for a message, whose further lines are indented: none can pass for somebody else's message.
func body(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\r\n"), "\n")
	for i, line := range lines {
		lines[i] = plain(line)
	}
	return strings.Join(lines, "\n      | ")
}

// show formats a message.
func show(m chat.Message, author string) string {
	at := m.CreatedAt.Local().Format("15:04")
	switch {
	case m.DeletedAt != nil:
		return fmt.Sprintf("%s #%d %s: (deleted)", at, m.Seq, author)
	case m.EditedAt != nil:
		return fmt.Sprintf("%s #%d %s (edited): %s", at, m.Seq, author, body(m.Body))
	}
	return fmt.Sprintf("%s #%d %s: %s", at, m.Seq, author, body(m.Body))
}
