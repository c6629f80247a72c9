package auth

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/config"
)

// mailServer takes one conversation and keeps what was said in it.
type mailServer struct {
	addr  string
	tls   *tls.Config // nil: it offers no STARTTLS
	rcpt  string      // its answer to RCPT
	said  chan []string
	trust *tls.Config // what its clients trust
}

func newMailServer(t *testing.T, withTLS bool, rcpt string) *mailServer {
	t.Helper()
	s := &mailServer{rcpt: rcpt, said: make(chan []string, 1)}
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	defer certified.Close()
	s.trust = certified.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	s.trust.ServerName = "127.0.0.1"
	if withTLS {
		s.tls = &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { conn.Close() }()
		s.said <- s.talk(conn)
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return s
}

// talk answers until the client leaves, and returns its lines.
func (s *mailServer) talk(conn net.Conn) (said []string) {
	fmt.Fprint(conn, "220 ready\r\n")
	answers := map[string]string{"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "235 ok", "MAIL": "250 ok", "RCPT": s.rcpt, "DATA": "354 go on", "QUIT": "221 bye"}
	if s.tls != nil {
		answers["EHLO"] = "250-here\r\n250-STARTTLS\r\n250 AUTH PLAIN"
	}
	lines := bufio.NewScanner(conn)
	data := false
	for lines.Scan() {
		line := lines.Text()
		said = append(said, line)
		verb, _, _ := strings.Cut(line, " ")
		switch {
		case data && line == ".":
			data = false
			fmt.Fprint(conn, "250 taken\r\n")
		case data:
		case verb == "STARTTLS" && s.tls != nil:
			fmt.Fprint(conn, "220 go on\r\n")
			conn = tls.Server(conn, s.tls)
			lines = bufio.NewScanner(conn)
		default:
			data = verb == "DATA"
			fmt.Fprint(conn, answers[verb]+"\r\n")
		}
	}
	return said
}

func (s *mailServer) mailer(t *testing.T, user string) *smtpMailer {
	t.Helper()
	m, err := newSMTPMailer(SMTPConfig{Addr: s.addr, From: "Confab <confab@example.com>", User: user, Password: config.Secret("secret")})
	if err != nil {
		t.Fatal(err)
	}
	m.tls = s.trust
	return m
}

var testMail = Mail{To: "ann@example.com", Subject: "Reset your password", Text: "https://example.com/token\r\n"}

func sendTestMail(t *testing.T, m Mailer) error {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return m.Send(ctx, testMail)
}

func TestMailGoesEncryptedToTheServer(t *testing.T) {
	s := newMailServer(t, true, "250 ok")
	if err := sendTestMail(t, s.mailer(t, "confab")); err != nil {
		t.Fatal(err)
	}
	said := strings.Join(<-s.said, "\n")
	for _, line := range []string{
		"STARTTLS", "AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00confab\x00secret")),
		"MAIL FROM:<confab@example.com>", "RCPT TO:<ann@example.com>", "From: Confab <confab@example.com>", "To: ann@example.com",
		"Subject: Reset your password", "https://example.com/token", ".", "QUIT",
	} {
		if !strings.Contains("\n"+said+"\n", "\n"+line) {
			t.Errorf("%q was not said:\n%s", line, said)
		}
	}
	if strings.Index(said, "STARTTLS") > strings.Index(said, "AUTH") {
		t.Error("the login was not encrypted")
	}
}

func TestMailGoesUnencryptedToThisHostAlone(t *testing.T) {
	m := newMailServer(t, false, "250 ok").mailer(t, "")
	if err := sendTestMail(t, m); err != nil {
		t.Errorf("to this host: %v", err)
	}
	m = newMailServer(t, false, "250 ok").mailer(t, "")
	m.loopback = false
	if err := sendTestMail(t, m); err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("to another host: %v", err)
	}
}

func TestAMailServersRefusalDoesNotTellTheAddress(t *testing.T) {
	s := newMailServer(t, true, "550 ann@example.com is unknown")
	if err := sendTestMail(t, s.mailer(t, "")); err == nil || err.Error() != "the mail server answered 550" {
		t.Errorf("got %v", err)
	}
}

func TestAMailServerThatCannotBeTrustedGetsNoMail(t *testing.T) {
	s := newMailServer(t, true, "250 ok")
	m := s.mailer(t, "")
	m.tls = &tls.Config{ServerName: "mail.example.com", MinVersion: tls.VersionTLS12}
	if err := sendTestMail(t, m); err == nil {
		t.Error("it was sent")
	}
}
