package peer

import "context"

type authClient struct{ *client }

// NewAuth returns auth-svc behind its internal address.
func NewAuth(baseURL string, keys Keys) Auth {
	return authClient{newClient(AuthService, baseURL, keys)}
}

func (c authClient) Keys(ctx context.Context, r KeysRequest) (JWKS, error) {
	return call[JWKS](ctx, c.client, PathKeys, r)
}

func (c authClient) Revocations(ctx context.Context, r RevocationsRequest) (Revocations, error) {
	return call[Revocations](ctx, c.client, PathRevocations, r)
}

func (c authClient) Users(ctx context.Context, r UsersRequest) (Users, error) {
	return call[Users](ctx, c.client, PathUsers, r)
}

func (c authClient) Recipients(ctx context.Context, r RecipientsRequest) (Users, error) {
	return call[Users](ctx, c.client, PathRecipients, r)
}

type conversationsClient struct{ *client }

// NewConversations returns conversation-svc behind its internal address.
func NewConversations(baseURL string, keys Keys) Conversations {
	return conversationsClient{newClient(ConversationService, baseURL, keys)}
}

func (c conversationsClient) Memberships(ctx context.Context, r MembershipsRequest) (Memberships, error) {
	return call[Memberships](ctx, c.client, PathMemberships, r)
}

func (c conversationsClient) MemberSets(ctx context.Context, r MemberSetsRequest) (MemberSets, error) {
	return call[MemberSets](ctx, c.client, PathMemberSets, r)
}

func (c conversationsClient) MemberVersions(ctx context.Context, r MemberVersionsRequest) (MemberVersions, error) {
	return call[MemberVersions](ctx, c.client, PathMemberVersions, r)
}

func (c conversationsClient) RaiseHeads(ctx context.Context, r RaiseHeadsRequest) (RaisedHeads, error) {
	return call[RaisedHeads](ctx, c.client, PathRaiseHeads, r)
}

func (c conversationsClient) MarkRead(ctx context.Context, r MarkReadRequest) (ReadPosition, error) {
	return call[ReadPosition](ctx, c.client, PathMarkRead, r)
}

type messagesClient struct{ *client }

// NewMessages returns message-svc behind its internal address.
func NewMessages(baseURL string, keys Keys) Messages {
	return messagesClient{newClient(MessageService, baseURL, keys)}
}

func (c messagesClient) Send(ctx context.Context, r SendRequest) (Sent, error) {
	return call[Sent](ctx, c.client, PathSend, r)
}

func (c messagesClient) Edit(ctx context.Context, r EditRequest) (Sent, error) {
	return call[Sent](ctx, c.client, PathEdit, r)
}

func (c messagesClient) StoreFirst(ctx context.Context, r SendRequest) (Sent, error) {
	return call[Sent](ctx, c.client, PathStoreFirst, r)
}

func (c messagesClient) Last(ctx context.Context, r LastRequest) (Lasts, error) {
	return call[Lasts](ctx, c.client, PathLast, r)
}

func (c messagesClient) Feed(ctx context.Context, r FeedRequest) (Feed, error) {
	return call[Feed](ctx, c.client, PathFeed, r)
}

func (c messagesClient) Newest(ctx context.Context, r NewestRequest) (NewestMessages, error) {
	return call[NewestMessages](ctx, c.client, PathNewest, r)
}
