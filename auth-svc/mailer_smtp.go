package auth

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"time"

	"github.com/confab-chat/confab/pkg/config"
)

// SMTPConfig is the mail server that takes the service's mails.
type SMTPConfig struct {
	Addr     string // host:port; empty: mails go to a file
	From     string
	User     string // empty: the server asks for no login
	Password config.Secret
}

// RegisterFlags declares the flags.
func (c *SMTPConfig) RegisterFlags(fs *flag.FlagSet) {
	fs.StringVar(&c.Addr, "smtp-addr", "", "`host:port` of the mail server, which must offer STARTTLS unless it is on this host")
	fs.StringVar(&c.From, "smtp-from", "", "`address` that mails are from")
	fs.StringVar(&c.User, "smtp-user", "", "`user` of the mail server, if it asks for one")
	fs.Var(&c.Password, "smtp-password", "`password` of the mail server")
}

type smtpMailer struct {
	config   SMTPConfig
	host     string
	from     string      // the bare address of config.From
	tls      *tls.Config // beside the server's name
	loopback bool
}

// newSMTPMailer returns an error where a flag is wrong. It does not try to reach the server.
func newSMTPMailer(c SMTPConfig) (*smtpMailer, error) {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, fmt.Errorf("-smtp-addr: %w", err)
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("-smtp-from: %w", err)
	}
	ip := net.ParseIP(host)
	return &smtpMailer{
		config: c, host: host, from: from.Address, loopback: host == "localhost" || ip != nil && ip.IsLoopback(),
		tls: &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12},
	}, nil
}

func (s *smtpMailer) Send(ctx context.Context, m Mail) error {
	err := s.send(ctx, m)
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return fmt.Errorf("the mail server answered %d", answer.Code) // its text may hold the address
	}
	return err
}

func (s *smtpMailer) send(ctx context.Context, m Mail) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", s.config.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return err
	}
	if err := s.secure(c); err != nil {
		return err
	}
	if err := errors.Join(c.Mail(s.from), c.Rcpt(m.To)); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	_, err = w.Write(m.format(s.config.From, time.Now()))
	if err := errors.Join(err, w.Close()); err != nil {
		return err
	}
	return c.Quit()
}

// secure encrypts the connection, since a mail holds a token, and logs in.
func (s *smtpMailer) secure(c *smtp.Client) error {
	if offered, _ := c.Extension("STARTTLS"); offered {
		if err := c.StartTLS(s.tls); err != nil {
			return err
		}
	} else if !s.loopback {
		return errors.New("the mail server does not offer STARTTLS")
	}
	if s.config.User == "" {
		return nil
	}
	return c.Auth(smtp.PlainAuth("", s.config.User, string(s.config.Password), s.host))
}
