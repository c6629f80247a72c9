package client_test

import (
	"context"
	"fmt"
	"time"

	"github.com/confab-chat/confab/pkg/chat"
	"github.com/confab-chat/confab/pkg/client"
)

// Two people talk until a minute has passed.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.New(client.Options{
		URL:      "http://localhost:3000",
		OnTokens: func(client.Tokens) {}, // keep them, and give them back as Options.Tokens
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := c.Login(ctx, "ann@example.com", "correct horse"); err != nil {
		fmt.Println(err)
		return
	}
	bob, found, err := c.UserByEmail(ctx, "bob@example.com")
	if err != nil || !found {
		fmt.Println("Bob has no account, or", err)
		return
	}
	started, err := c.Start(ctx, client.Start{Type: client.Direct, MemberIDs: []string{bob.ID}, Body: "Hi Bob", ClientMsgID: "hi-bob"})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := c.Socket(client.SocketOptions{
		OnMessage: func(e chat.Event) { fmt.Println(e.Rev, e.Type, e.Message.Body) },
		OnRefused: func(r client.Refused) { fmt.Println(r.ConversationID, r.Err) },
	})
	s.Join(started.Conversation.ID, 0) // all that was ever said; client.FromNow: what comes
	go func() {
		if _, err := s.Send(ctx, client.Draft{ConversationID: started.Conversation.ID, Body: "Lunch?"}); err != nil {
			fmt.Println(err)
		}
	}()
	fmt.Println(s.Run(ctx))
}
