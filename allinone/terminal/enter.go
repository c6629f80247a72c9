package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/confab-chat/confab/pkg/client"
)

// callWait bounds a call of the API, its retries included.
const callWait = 10 * time.Second

var (
	errCredentials = &client.Error{Code: "credentials_refused"}
	errTaken       = &client.Error{Code: "email_taken"}
)

// enter logs in or makes an account, and asks for what it needs to know.
func enter(ctx context.Context, c *client.Client, cfg Config, s screen) (client.Profile, error) {
	email, err := given(cfg.Email, func() (string, error) { return s.line("Email: ") })
	if err != nil {
		return client.Profile{}, err
	}
	password, err := given(string(cfg.Password), func() (string, error) { return s.secret("Password: ") })
	if err != nil {
		return client.Profile{}, err
	}
	if cfg.Register != "" {
		return register(ctx, c, email, password, cfg.Register)
	}
	me, err := login(ctx, c, email, password)
	if !errors.Is(err, errCredentials) || cfg.Email != "" {
		return me, err
	}
	fmt.Fprintln(s, "That password is wrong, or there is no such account.")
	name, asked := s.line("Your name, to make an account (Enter: leave): ")
	switch {
	case asked != nil:
		return me, err
	case strings.TrimSpace(name) == "":
		return me, io.EOF // as Ctrl-C does
	}
	return signUp(ctx, c, s, email, password, name)
}

// signUp makes an account, and asks for another password where the server wants a better one.
func signUp(ctx context.Context, c *client.Client, s screen, email, password, name string) (client.Profile, error) {
	for {
		me, err := register(ctx, c, email, password, name)
		refused, ok := errors.AsType[*client.Error](err)
		if !ok || refused.Field != "password" {
			return me, err
		}
		fmt.Fprintln(s, plain(refused.Detail))
		var asked error
		if password, asked = s.secret("Password: "); asked != nil {
			return me, err
		}
	}
}

func login(ctx context.Context, c *client.Client, email, password string) (client.Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	return c.Login(ctx, email, password)
}

// reached makes plain that there was no answer, where there was none.
func reached(address string, err error) error {
	if lost, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("cannot reach %s: is it running? (%w)", address, lost.Err)
	}
	return err
}

// given returns a value, or asks for it.
func given(value string, ask func() (string, error)) (string, error) {
	if value != "" {
		return value, nil
	}
	return ask()
}

func register(ctx context.Context, c *client.Client, email, password, name string) (client.Profile, error) {
	ctx, cancel := context.WithTimeout(ctx, callWait)
	defer cancel()
	first, last, _ := strings.Cut(strings.TrimSpace(name), " ")
	if last = strings.TrimSpace(last); last == "" {
		last = "-" // the server wants both
	}
	me, err := c.Register(ctx, client.Registration{Email: email, Password: password, FirstName: first, LastName: last})
	if errors.Is(err, errTaken) {
		return me, errors.New("this address has an account already: the password was wrong")
	}
	return me, err
}
