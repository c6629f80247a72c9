// Package client speaks to Confab: typed calls of its HTTP API, and a socket that loses nothing.
//
//	c, err := client.New(client.Options{URL: "http://localhost:3000"})
//	me, err := c.Login(ctx, "ann@example.com", "correct horse")
//	started, err := c.Start(ctx, client.Start{Type: client.Direct, MemberIDs: []string{bob}, Body: "Hi Bob"})
//
// A call is tried again, until its context ends, where that does no harm: give each a deadline. What the server refuses is an *Error.
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
// message the one of the highest Rev. To go on where an earlier process ended, Join with the Rev of the last event that it handled.
//
// Keep a session by storing what OnTokens tells, and give it back as Options.Tokens.
package client
