package auth

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"
)

// Mailer sends mail to users.
type Mailer interface {
	// Send returns once the mail is in other hands. Its errors do not hold the address.
	Send(ctx context.Context, m Mail) error
}

// Mail is one mail. Its lines end in CR LF.
type Mail struct {
	To      string // a bare address
	Subject string // ASCII
	Text    string
}

// format returns the mail as RFC 5322 has it.
func (m Mail) format(from string, now time.Time) []byte {
	return []byte(strings.Join([]string{
		"From: " + from,
		"To: " + m.To,
		"Subject: " + m.Subject,
		"Date: " + now.Format(time.RFC1123Z),
		"MIME-Version: 1.0",
		"Content-Type: text/plain; charset=utf-8",
		"",
		m.Text,
	}, "\r\n"))
}

// fileMailer appends mails to a file, which its owner alone can read, until the operator sets up SMTP.
type fileMailer struct {
	path string
}

func (f fileMailer) Send(_ context.Context, m Mail) error {
	file, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// A file that was there before may have another mode. One write keeps the mails of several processes apart.
	_, err = file.Write(append(m.format("confab", time.Now()), "\r\n"...))
	return errors.Join(file.Chmod(0o600), err, file.Close())
}
