package auth

import (
	"net/mail"
	"strings"
	"unicode"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/check"
	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/peer"
)

// The roles of users, as the tutorial's clients know them.
const (
	RoleMember = "Member"
	RoleClient = "Client"
	RoleOwner  = "Owner"
	RoleAdmin  = "Admin"
)

const (
	maxEmail = 254 // bytes, as RFC 5321 has it
	maxName  = 200 // bytes of each name
)

// User is an account.
type User struct {
	ID              string
	Email           string // lower-cased; nobody else has it
	PasswordHash    string // in PHC format
	PasswordVersion int64  // one more with each new password; sessions of an older one are dead
	FirstName       string
	LastName        string
	Role            string
	CreatedAt       chat.Time
}

// nameKeySeparator is below every character that a name may hold, so that keys sort as names do.
const nameKeySeparator = "\x1f"

// nameKey orders users by name without regard to case. The id makes it unique, so that it is a cursor too.
func (u User) nameKey() string {
	return strings.ToLower(u.FirstName+" "+u.LastName) + nameKeySeparator + u.ID
}

func (u User) profile() Profile {
	return Profile{ID: u.ID, Email: u.Email, FirstName: u.FirstName, LastName: u.LastName, Role: u.Role, CreatedAt: u.CreatedAt}
}

// public returns what others may know of the users.
func public(users []User) []peer.User {
	out := make([]peer.User, len(users))
	for i, u := range users {
		out[i] = peer.User{ID: u.ID, FirstName: u.FirstName, LastName: u.LastName}
	}
	return out
}

// normalEmail returns the address as it is stored: trimmed and lower-cased. It wants a bare address of at most maxEmail bytes.
func normalEmail(email string) (string, error) {
	email, err := lowerCase("email", strings.TrimSpace(email), maxEmail)
	if err != nil {
		return "", err
	}
	// The parser takes quoted names, comments and address literals too.
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || strings.ContainsAny(email, "\"()<>[]:;,\\ ") {
		return "", fault.BadField("email", "Please enter a valid email address.")
	}
	return email, nil
}

// lowerCase wants a text of at most limit bytes, in either case. It looks at the text first since strings.ToLower mends UTF-8.
func lowerCase(field, text string, limit int) (string, error) {
	lower := strings.ToLower(text)
	return lower, check.All(check.Text(field, text, limit), check.Text(field, lower, limit))
}

// normalName returns the name as it is stored: trimmed, with single spaces.
func normalName(field, name string) (string, error) {
	if err := check.Text(field, name, maxName); err != nil {
		return "", err
	}
	name = strings.Join(strings.Fields(name), " ")
	if strings.ContainsFunc(name, unicode.IsControl) {
		return "", fault.BadField(field, "The name holds a control character.")
	}
	return name, nil
}
