package check

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// pair is two users with a conversation.
type pair struct {
	sender       *client.Client
	reader       client.Tokens
	conversation string
}

// run returns an error where the message does not come through one of the gateways before ctx ends.
func run(ctx context.Context, cfg Config, out io.Writer) error {
	gateways, err := cfg.gateways(ctx)
	if err != nil {
		return err
	}
	p, err := meet(ctx, cfg.URL)
	if err != nil {
		return fmt.Errorf("two users cannot begin a conversation: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	ears := make([]*ear, len(gateways))
	var sockets sync.WaitGroup
	defer func() {
		stop()
		sockets.Wait()
	}()
	for i, gateway := range gateways {
		if ears[i], err = p.listen(gateway); err != nil {
			return err
		}
		sockets.Go(func() { ears[i].ended <- ears[i].socket.Run(ctx) })
	}
	for _, e := range ears {
		if err := e.wait(ctx, e.joined, "the conversation cannot be joined"); err != nil {
			return err
		}
	}
	sent := time.Now()
	if _, err := p.sender.Send(ctx, client.Draft{ConversationID: p.conversation, Body: "It works."}); err != nil {
		return fmt.Errorf("the message cannot be sent: %w", err)
	}
	for _, e := range ears {
		if err := e.wait(ctx, e.heard, "the message does not come"); err != nil {
			return err
		}
		fmt.Fprintf(out, "The message came through %s within %v.\n", e.gateway, time.Since(sent).Round(time.Millisecond))
	}
	return nil
}

// gateways returns a URL for each address.
func (c Config) gateways(ctx context.Context) ([]string, error) {
	if c.Gateways == "" {
		return []string{c.URL}, nil
	}
	host, port, err := net.SplitHostPort(c.Gateways)
	if err != nil {
		return nil, fmt.Errorf("-gateways is no host:port: %w", err)
	}
	addresses, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil {
		return nil, err
	}
	slices.Sort(addresses)
	for i, address := range addresses {
		addresses[i] = "http://" + net.JoinHostPort(address, port)
	}
	return addresses, nil
}

func meet(ctx context.Context, url string) (*pair, error) {
	var p pair
	var err error
	if p.sender, _, err = register(ctx, url, func(client.Tokens) {}); err != nil {
		return nil, err
	}
	_, reader, err := register(ctx, url, func(t client.Tokens) { p.reader = t })
	if err != nil {
		return nil, err
	}
	started, err := p.sender.Start(ctx, client.Start{Type: client.Direct, MemberIDs: []string{reader.ID}})
	p.conversation = started.Conversation.ID
	return &p, err
}

func register(ctx context.Context, url string, tokens func(client.Tokens)) (*client.Client, client.Profile, error) {
	c, err := client.New(client.Options{URL: url, OnTokens: tokens, UserAgent: "confab check"})
	if err != nil {
		return nil, client.Profile{}, err
	}
	email := strings.ToLower(rand.Text()) + "@check.invalid"
	profile, err := c.Register(ctx, client.Registration{Email: email, Password: rand.Text(), FirstName: "Confab", LastName: "Check"})
	return c, profile, err
}

// ear is the reader's socket at one gateway.
type ear struct {
	gateway       string
	socket        *client.Socket
	joined, heard chan struct{}
	ended         chan error
}

func (p *pair) listen(gateway string) (*ear, error) {
	c, err := client.New(client.Options{URL: gateway, Tokens: p.reader, UserAgent: "confab check"})
	if err != nil {
		return nil, err
	}
	e := &ear{gateway: gateway, joined: make(chan struct{}), heard: make(chan struct{}), ended: make(chan error, 1)}
	var joined, heard sync.Once
	e.socket = c.Socket(client.SocketOptions{
		OnJoined:  func(client.Joined) { joined.Do(func() { close(e.joined) }) },
		OnMessage: func(chat.Event) { heard.Do(func() { close(e.heard) }) },
	})
	e.socket.Join(p.conversation, client.FromNow)
	return e, nil
}

func (e *ear) wait(ctx context.Context, done <-chan struct{}, otherwise string) error {
	select {
	case <-done:
		return nil
	case err := <-e.ended:
		if ctx.Err() == nil {
			return fmt.Errorf("%s through %s: %w", otherwise, e.gateway, err)
		}
	case <-ctx.Done():
	}
	return fmt.Errorf("%s through %s: %w", otherwise, e.gateway, ctx.Err())
}
