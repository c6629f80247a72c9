package peer_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
	"github.com/confab-chat/confab/pkg/peer"
	"github.com/confab-chat/confab/pkg/server/servertest"
	"github.com/confab-chat/confab/pkg/tracing"
)

func TestCallCarriesWhoActsAndWhichRequestItIs(t *testing.T) {
	const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	var who identity.Identity
	var info httpkit.Info
	var traceParent string
	s := callee(t, func(ctx context.Context, r peer.LastRequest) (peer.Lasts, error) {
		onward := http.Header{}
		tracing.SetHeader(ctx, onward)
		who, info, traceParent = identity.From(ctx), *httpkit.InfoFrom(ctx), onward.Get("Traceparent")
		return peer.Lasts{Items: make([]peer.Last, len(r.ConversationIDs))}, nil
	})
	ctx := httpkit.WithInfo(identity.With(t.Context(), identity.Identity{UserID: "ann", Role: "Admin"}), &httpkit.Info{RequestID: "r1", Token: "ann's own"})
	ctx = tracing.FromHeader(ctx, http.Header{"Traceparent": {trace}})
	lasts, err := peer.NewMessages(s.URL+"/", keys).Last(ctx, peer.LastRequest{ConversationIDs: []string{"a", "b"}})
	if err != nil || len(lasts.Items) != 2 {
		t.Fatalf("got %+v, %v", lasts, err)
	}
	if who != (identity.Identity{UserID: "ann"}) || info.RequestID != "r1" || traceParent != trace || strings.Contains(info.Token, "ann's own") {
		t.Fatalf("the callee saw %+v, %+v, the trace %q", who, info, traceParent)
	}
	_, err = peer.NewMessages(s.URL, keys).Last(t.Context(), peer.LastRequest{ConversationIDs: []string{"a"}})
	if err != nil || who.UserID != "" || info.RequestID == "" || traceParent != "" {
		t.Fatalf("the system acts: the callee saw %+v, %+v, the trace %q; %v", who, info, traceParent, err)
	}
}

func TestCalleesFaultComesBackAsItWas(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want fault.Error
	}{
		"a field's":               {fault.BadField("limit", "Too many."), fault.Error{Kind: fault.Invalid, Code: "invalid_field", Detail: "Too many.", Field: "limit"}},
		"what is not there":       {fault.New(fault.NotFound, "no_such_message", "No."), fault.Error{Kind: fault.NotFound, Code: "no_such_message", Detail: "No."}},
		"a conflict":              {fault.New(fault.Conflict, "taken", "No."), fault.Error{Kind: fault.Conflict, Code: "taken", Detail: "No."}},
		"one with a wait":         {fault.New(fault.Unavailable, "busy", "No.").After(3 * time.Second), fault.Error{Kind: fault.Unavailable, Code: "busy", Detail: "No.", RetryAfter: 3 * time.Second}},
		"a limit's":               {fault.New(fault.RateLimited, "limited", "No.").After(time.Minute), fault.Error{Kind: fault.RateLimited, Code: "limited", Detail: "No.", RetryAfter: time.Minute}},
		"its own failure":         {errors.New("no such table"), unavailable},
		"its own lack of a right": {fault.New(fault.Unauthenticated, "x", "No."), unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := callee(t, func(context.Context, peer.LastRequest) (peer.Lasts, error) { return peer.Lasts{}, test.err })
			_, err := peer.NewMessages(s.URL, keys).Last(t.Context(), peer.LastRequest{})
			requireFault(t, err, test.want)
		})
	}
}

// unavailable is what a caller is told where the callee did not do its part.
var unavailable = fault.Error{
	Kind: fault.Unavailable, Code: "service_unavailable", Detail: "A part of the server is out of reach. Try again.", RetryAfter: time.Second,
}

func requireFault(t *testing.T, err error, want fault.Error) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("the error is %v", err)
	}
	if f.Kind != want.Kind || f.Code != want.Code || f.Detail != want.Detail || f.Field != want.Field || f.RetryAfter != want.RetryAfter {
		t.Fatalf("the fault is %+v, want %+v", f, want)
	}
}

func TestServiceThatDoesNotDoItsPartIsUnavailable(t *testing.T) {
	answering := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, h := range map[string]http.Handler{
		"it refuses the token":          answering(401, `{"code":"service_token","detail":"No."}`),
		"it fails":                      answering(500, `{"code":"internal","detail":"No."}`),
		"a proxy answers":               answering(404, "<html>Not Found</html>"),
		"another server answers":        answering(404, `{"message":"Not Found"}`),
		"it answers a status of no use": answering(304, ""),
		"a proxy cannot reach it":       answering(502, `{"code":"x"}`),
		"it has no such route":          servertest.Env(t, nil).InternalHandler(nil),
		"it answers nothing":            answering(200, ""),
		"it answers what is no JSON":    answering(200, "ok"),
		"it answers another type":       answering(200, `{"items":{}}`),
		"it breaks off":                 http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		"it breaks off in the middle": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"items":`))
		}),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := peer.NewMessages(listen(t, h).URL, keys).Last(t.Context(), peer.LastRequest{})
			requireFault(t, err, unavailable)
		})
	}
	t.Run("it is not there", func(t *testing.T) {
		s := listen(t, http.NotFoundHandler())
		s.Close()
		_, err := peer.NewMessages(s.URL, keys).Last(t.Context(), peer.LastRequest{})
		requireFault(t, err, unavailable)
		if !strings.Contains(err.Error(), peer.MessageService) {
			t.Fatalf("the log does not name the service: %v", err)
		}
	})
}

func TestCallEndsWithItsCaller(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	s := listen(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	}))
	defer close(release)
	messages := peer.NewMessages(s.URL, keys)
	left, leave := context.WithCancel(t.Context())
	go func() {
		<-arrived
		leave()
		<-arrived
	}()
	if _, err := messages.Last(left, peer.LastRequest{}); fault.From(err).Kind != fault.Canceled {
		t.Fatalf("the caller left: %v", err)
	}
	late, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := messages.Last(late, peer.LastRequest{}); fault.From(err).Code != "timeout" {
		t.Fatalf("the caller's time is over: %v", err)
	}
}

func TestEachMethodHasItsRoute(t *testing.T) {
	var path, audience string
	s := listen(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, audience = r.URL.Path, ""
		for _, service := range []string{peer.AuthService, peer.ConversationService, peer.MessageService} {
			if _, err := (peer.Lock{Service: service, Keys: keys}).Verify(r.Context(), httpkit.BearerToken(r)); err == nil {
				audience = service
			}
		}
		_, _ = w.Write([]byte("{}"))
	}))
	auth, conversations, messages := peer.NewAuth(s.URL, keys), peer.NewConversations(s.URL, keys), peer.NewMessages(s.URL, keys)
	ctx := t.Context()
	for want, call := range map[string]func() error{
		"auth-svc " + peer.PathKeys:                   func() error { _, err := auth.Keys(ctx, peer.KeysRequest{}); return err },
		"auth-svc " + peer.PathRevocations:            func() error { _, err := auth.Revocations(ctx, peer.RevocationsRequest{}); return err },
		"auth-svc " + peer.PathUsers:                  func() error { _, err := auth.Users(ctx, peer.UsersRequest{}); return err },
		"auth-svc " + peer.PathRecipients:             func() error { _, err := auth.Recipients(ctx, peer.RecipientsRequest{}); return err },
		"conversation-svc " + peer.PathMemberships:    func() error { _, err := conversations.Memberships(ctx, peer.MembershipsRequest{}); return err },
		"conversation-svc " + peer.PathMemberSets:     func() error { _, err := conversations.MemberSets(ctx, peer.MemberSetsRequest{}); return err },
		"conversation-svc " + peer.PathMemberVersions: func() error { _, err := conversations.MemberVersions(ctx, peer.MemberVersionsRequest{}); return err },
		"conversation-svc " + peer.PathRaiseHeads:     func() error { _, err := conversations.RaiseHeads(ctx, peer.RaiseHeadsRequest{}); return err },
		"conversation-svc " + peer.PathMarkRead:       func() error { _, err := conversations.MarkRead(ctx, peer.MarkReadRequest{}); return err },
		"message-svc " + peer.PathSend:                func() error { _, err := messages.Send(ctx, peer.SendRequest{}); return err },
		"message-svc " + peer.PathEdit:                func() error { _, err := messages.Edit(ctx, peer.EditRequest{}); return err },
		"message-svc " + peer.PathStoreFirst:          func() error { _, err := messages.StoreFirst(ctx, peer.SendRequest{}); return err },
		"message-svc " + peer.PathLast:                func() error { _, err := messages.Last(ctx, peer.LastRequest{}); return err },
		"message-svc " + peer.PathFeed:                func() error { _, err := messages.Feed(ctx, peer.FeedRequest{}); return err },
		"message-svc " + peer.PathNewest:              func() error { _, err := messages.Newest(ctx, peer.NewestRequest{}); return err },
	} {
		if err := call(); err != nil || audience+" "+path != want {
			t.Errorf("%s came to %s %s, %v", want, audience, path, err)
		}
	}
}
