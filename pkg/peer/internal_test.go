package peer

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/confab-chat/confab/pkg/fault"
)

// silence is a service that takes a request and never answers.
type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestSilentServiceIsUnavailableAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(MessageService, "http://message-svc", Keys{make([]byte, minKeyLen)})
		c.http.Transport = silence{}
		start := time.Now()
		_, err := messagesClient{c}.Last(t.Context(), LastRequest{})
		if fault.From(err).Code != "service_unavailable" || time.Since(start) != callTimeout {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestTokenLivesForAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := Keys{make([]byte, minKeyLen)}
		token, err := keys.Token(AuthService, "ann")
		if err != nil {
			t.Fatal(err)
		}
		lock := Lock{Service: AuthService, Keys: keys}
		if who, err := lock.Verify(t.Context(), token); err != nil || who.UserID != "ann" {
			t.Fatalf("fresh: %+v, %v", who, err)
		}
		time.Sleep(serviceTokenLife + clockSlack + time.Second) // its life, and as much for clocks that differ
		if _, err := lock.Verify(t.Context(), token); fault.From(err).Kind != fault.Unauthenticated {
			t.Fatalf("expired: %v", err)
		}
	})
}
