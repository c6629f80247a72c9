package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/confab-chat/confab/pkg/chat"
)

const (
	resetLife     = time.Hour
	resetTokenLen = 32  // bytes
	resetQueueLen = 256 // requests that wait
	mailTimeout   = 30 * time.Second
	drainTimeout  = 5 * time.Second // for what still waits when the service stops
)

// resetMails mails links to those who forgot their password. It works beside the requests, so that the time of an answer does
// not tell whether an address has a user. What waits when the process dies is lost: the user asks again.
type resetMails struct {
	repo   Repository
	mailer Mailer
	url    string // the token is appended
	log    *slog.Logger
	queue  chan string // email addresses
	mails  *prometheus.CounterVec
}

func newResetMails(repo Repository, mailer Mailer, url string, log *slog.Logger, registerer prometheus.Registerer) *resetMails {
	m := &resetMails{
		repo: repo, mailer: mailer, url: url, log: log, queue: make(chan string, resetQueueLen),
		mails: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "confab_reset_mails_total",
			Help: "Mails to those who forgot their password, by outcome: sent, no_user or failed.",
		}, []string{"outcome"}),
	}
	registerer.MustRegister(m.mails)
	return m
}

// ask has a mail sent to the address if a user has it; false where too many wait.
func (m *resetMails) ask(email string) bool {
	select {
	case m.queue <- email:
		return true
	default:
		return false
	}
}

// run sends the mails one after another, until ctx ends and then what waits already.
func (m *resetMails) run(ctx context.Context) {
	for {
		select {
		case email := <-m.queue:
			m.handle(context.WithoutCancel(ctx), email)
		case <-ctx.Done():
			m.drain(context.WithoutCancel(ctx))
			return
		}
	}
}

func (m *resetMails) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	for ctx.Err() == nil {
		select {
		case email := <-m.queue:
			m.handle(ctx, email)
		default:
			return
		}
	}
}

func (m *resetMails) handle(ctx context.Context, email string) {
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	outcome := "sent"
	switch err := m.send(ctx, email); {
	case errors.Is(err, ErrNoUser):
		outcome = "no_user"
	case err != nil:
		outcome = "failed"
		m.log.ErrorContext(ctx, "reset mail not sent", "error", err.Error())
	}
	m.mails.WithLabelValues(outcome).Inc()
}

func (m *resetMails) send(ctx context.Context, email string) error {
	u, err := m.repo.UserByEmail(ctx, email)
	if err != nil {
		return err
	}
	token := base64.RawURLEncoding.EncodeToString(randomBytes(resetTokenLen))
	expires := chat.TimeOf(time.Now().Add(resetLife))
	if err := m.repo.SetReset(ctx, Reset{UserID: u.ID, TokenHash: hashOf(token), ExpiresAt: expires}); err != nil {
		return err
	}
	return m.mailer.Send(ctx, Mail{
		To:      u.Email,
		Subject: "Reset your password",
		Text: "Someone, hopefully you, asked to reset the password of your account.\r\n\r\n" +
			"To choose a new one, open this link within an hour:\r\n\r\n" + m.url + token + "\r\n\r\n" +
			"If it was not you, ignore this mail: your password stays as it is.\r\n",
	})
}
