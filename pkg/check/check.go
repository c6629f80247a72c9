// Package check holds the validations that requests share. Each returns a fault that names the field, or nil.
package check

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/id"
)

// ID wants an identifier.
func ID(field, value string) error {
	if !id.Valid(value) {
		return fault.BadField(field, "An id is 1 to 64 characters of A-Z a-z 0-9 _ - and dot.")
	}
	return nil
}

// OptionalID wants an identifier or nothing.
func OptionalID(field, value string) error {
	if value == "" {
		return nil
	}
	return ID(field, value)
}

// IDs wants 1 to limit identifiers.
func IDs(field string, values []string, limit int) error {
	if len(values) == 0 || len(values) > limit {
		return fault.BadField(field, fmt.Sprintf("Give 1 to %d ids.", limit))
	}
	for _, v := range values {
		if err := ID(field, v); err != nil {
			return err
		}
	}
	return nil
}

// Text wants UTF-8 without NUL that is not blank and at most limit bytes long.
func Text(field, value string, limit int) error {
	if strings.TrimSpace(value) == "" {
		return fault.BadField(field, "The text is empty.")
	}
	return OptionalText(field, value, limit)
}

// OptionalText wants UTF-8 without NUL, at most limit bytes long.
func OptionalText(field, value string, limit int) error {
	switch {
	case len(value) > limit:
		return fault.BadField(field, fmt.Sprintf("The text is longer than %d bytes.", limit))
	case !utf8.ValidString(value):
		return fault.BadField(field, "The text is not UTF-8.")
	case strings.IndexByte(value, 0) >= 0:
		return fault.BadField(field, "The text holds a NUL character.")
	}
	return nil
}

// Seq wants a position in a conversation: 0 (before the first) to 2^53-1, which every JSON client can hold.
func Seq(field string, value int64) error {
	if value < 0 || value > 1<<53-1 {
		return fault.BadField(field, "A position is 0 to 9007199254740991.")
	}
	return nil
}

// Limit returns the page size that was asked for, chat.DefaultPage for zero. It refuses what is not 1 to chat.MaxPage.
func Limit(value int) (int, error) {
	if value == 0 {
		return chat.DefaultPage, nil
	}
	if value < 0 || value > chat.MaxPage {
		return 0, fault.BadField("limit", fmt.Sprintf("A page has 1 to %d items.", chat.MaxPage))
	}
	return value, nil
}

// All returns the first error of the list, nil where there is none.
func All(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
