// Package client speaks to Confab: typed calls of its HTTP API, and a socket that loses nothing. It needs Go 1.26:
//
//	go get github.com/confab-chat/confab/pkg
//
// and import "github.com/confab-chat/confab/pkg/client", with "github.com/confab-chat/confab/pkg/chat" for events and messages.
//
//	c, err := client.New(client.Options{URL: "http://localhost:3000"})
//	me, err := c.Login(ctx, "ann@example.com", "correct horse")
//	started, err := c.Start(ctx, client.Start{Type: client.Direct, MemberIDs: []string{bob}, Body: "Hi Bob"})
//
// A call is tried again, until its context ends, where that does no harm: give each a deadline. What the server refuses is an *Error:
//
//	errors.Is(err, &client.Error{Code: "conversation_not_found"}) // this refusal
//	errors.Is(err, context.DeadlineExceeded)                      // no answer in time; the error tells of the last try as well
//
// Other errors are of the network. There is nothing to close on a Client, and it may have several Sockets.
//
//	s := c.Socket(client.SocketOptions{
//		OnMessage: func(e chat.Event) { fmt.Println(e.Message.Body) },
//	})
//	s.Join(started.Conversation.ID, client.FromNow)
//	go s.Run(ctx)
//	sent, err := s.Send(ctx, client.Draft{ConversationID: started.Conversation.ID, Body: "Lunch?"})
//
// A Socket connects again as often as it takes, and hands over each event of a joined conversation once and in order of Rev, whatever
// was lost between. To show a conversation, Join it FromNow, and once OnJoined says so read History: merge the two by keeping of each
// message the one of the highest Rev. To go on where an earlier process ended, Join with the Rev of the last event that it handled, or of
// Joined where none came since. Conversations that are new to the user are not joined by themselves: OnMember tells that she was added,
// OnInbox that something was said.
//
// Keep a session by storing what OnTokens tells, and give it back as Options.Tokens.
package client
