package e2e_test

// access is a row: an operation, a request to it, and what becomes of it.
type access struct {
	operation string // the document's operationId, which has the method
	path      string // see scene.fill
	body      string
	to        func(who caller) outcome
	fresh     bool // each try that is let in needs people of its own: it ends a session, or must find a short inbox
}

var (
	refused              = outcome{401, "token_refused"}
	unauthorized         = outcome{401, "Unauthorized"}
	conversationNotFound = outcome{404, "conversation_not_found"}
	messageNotFound      = outcome{404, "message_not_found"}
	notOwner             = outcome{403, "not_owner"}
	notTheAuthor         = outcome{403, "not_the_author"}
	noConversation       = outcome{404, "There is no such conversation, or you are not in it."}
	noMessage            = outcome{404, "There is no such message, or you are not in its conversation."}
)

// anyone is a route for which a token makes no difference.
func anyone(o outcome) func(caller) outcome { return func(caller) outcome { return o } }

// users is a route for whoever has a good token.
func users(without, with outcome) func(caller) outcome {
	return members(without, with, with, with)
}

// members is a route for those who are in the conversation; the owner may fare differently.
func members(without, outside, inside, boss outcome) func(caller) outcome {
	return func(who caller) outcome {
		switch who {
		case nobody, forger, lapsed:
			return without
		case stranger, former:
			return outside
		case plain:
			return inside
		default:
			return boss
		}
	}
}

func ok(status int) outcome { return outcome{status: status} }

var accessTable = []access{
	{operation: "register", path: "/v1/auth/register", to: anyone(ok(201)),
		body: `{"email":"$new","password":"correct horse","first_name":"A","last_name":"B"}`},
	{operation: "login", path: "/v1/auth/login", body: `{"email":"$email","password":"$password"}`, to: anyone(ok(200))},
	{operation: "refresh", path: "/v1/auth/refresh", body: `{"refresh_token":"$refresh"}`, to: anyone(ok(200))},
	{operation: "logout", path: "/v1/auth/logout", to: users(refused, ok(204)), fresh: true},
	{operation: "logout_all", path: "/v1/auth/logout-all", to: users(refused, ok(204)), fresh: true},
	{operation: "list_sessions", path: "/v1/auth/sessions", to: users(refused, ok(200))},
	{operation: "end_session", path: "/v1/auth/sessions/$session", fresh: true,
		to: members(refused, outcome{404, "session_not_found"}, ok(204), outcome{404, "session_not_found"})},
	{operation: "change_password", path: "/v1/auth/password", fresh: true,
		body: `{"current_password":"$password","new_password":"battery staple"}`, to: users(refused, ok(204))},
	{operation: "forgot_password", path: "/v1/auth/password/forgot", body: `{"email":"$new"}`, to: anyone(ok(204))},
	{operation: "reset_password", path: "/v1/auth/password/reset", // a good token: TestForgottenPasswordIsResetOnce
		body: `{"token":"wrong","password":"battery staple"}`, to: anyone(outcome{422, "reset_token_refused"})},
	{operation: "get_me", path: "/v1/users/me", to: users(refused, ok(200))},
	{operation: "edit_me", path: "/v1/users/me", body: `{"first_name":"Anna"}`, to: users(refused, ok(200))},
	{operation: "find_users", path: "/v1/users?ids=$member", to: users(refused, ok(200))},
	{operation: "jwks", path: "/.well-known/jwks.json", to: anyone(ok(200))},

	{operation: "start_conversation", path: "/v1/conversations",
		body: `{"type":"group","title":"T","member_ids":["$bystander"],"message":{"body":"$secret"}}`, to: users(refused, ok(201))},
	{operation: "list_conversations", path: "/v1/conversations", to: users(refused, ok(200))},
	{operation: "get_conversation", path: "/v1/conversations/$conversation", to: members(refused, conversationNotFound, ok(200), ok(200))},
	{operation: "rename_conversation", path: "/v1/conversations/$conversation", body: `{"title":"New"}`,
		to: members(refused, conversationNotFound, notOwner, ok(200))},
	{operation: "delete_conversation", path: "/v1/conversations/$conversation", to: members(refused, conversationNotFound, ok(204), ok(204))},
	{operation: "delete_conversation", path: "/v1/conversations/$conversation?for=all",
		to: members(refused, conversationNotFound, notOwner, ok(204))},
	{operation: "add_member", path: "/v1/conversations/$conversation/members", body: `{"user_id":"$bystander"}`,
		to: members(refused, conversationNotFound, notOwner, ok(200))},
	{operation: "remove_member", path: "/v1/conversations/$conversation/members/$bystander",
		to: members(refused, conversationNotFound, notOwner, ok(204))},
	{operation: "remove_member", path: "/v1/conversations/$conversation/members/$me",
		to: members(refused, conversationNotFound, ok(204), ok(204))},
	{operation: "leave_conversation", path: "/v1/conversations/$conversation/leave",
		to: members(refused, conversationNotFound, ok(204), ok(204))},
	{operation: "mark_read", path: "/v1/conversations/$conversation/read", body: `{"seq":1}`,
		to: members(refused, conversationNotFound, ok(200), ok(200))},

	{operation: "send_message", path: "/v1/messages", body: `{"conversation_id":"$conversation","body":"$secret"}`,
		to: members(refused, conversationNotFound, ok(201), ok(201))},
	{operation: "list_messages", path: "/v1/messages?conversation_id=$conversation", to: members(refused, conversationNotFound, ok(200), ok(200))},
	{operation: "list_messages", path: "/v1/messages?conversation_id=$conversation&after_rev=0",
		to: members(refused, conversationNotFound, ok(200), ok(200))},
	{operation: "get_message", path: "/v1/messages/$message", to: members(refused, messageNotFound, ok(200), ok(200))},
	{operation: "edit_message", path: "/v1/messages/$message", body: `{"body":"$secret edited"}`,
		to: members(refused, messageNotFound, ok(200), notTheAuthor)},
	{operation: "delete_message", path: "/v1/messages/$message", to: members(refused, messageNotFound, ok(200), ok(200))},

	{operation: "tutorial_register", path: "/api/auth/register", to: anyone(ok(201)),
		body: `{"email":"$new","password":"correct horse","firstName":"A","lastName":"B"}`},
	{operation: "tutorial_login", path: "/api/auth/login", body: `{"email":"$email","password":"$password"}`, to: anyone(ok(200))},
	{operation: "tutorial_forgot_password", path: "/api/auth/forgot-password", body: `{"email":"$new"}`, to: anyone(ok(200))},
	{operation: "tutorial_reset_password", path: "/api/auth/reset-password/wrong", body: `{"password":"battery staple"}`,
		to: anyone(outcome{422, "Your token has expired. Please attempt to reset your password again."})},
	{operation: "tutorial_user", path: "/api/user/$member", to: members(unauthorized,
		outcome{401, "You are not authorized to view this user profile."}, ok(200), outcome{401, "You are not authorized to view this user profile."})},
	{operation: "tutorial_protected", path: "/api/protected", to: users(unauthorized, ok(200))},
	{operation: "tutorial_admins_only", path: "/api/admins-only", // an admin: TestAdminsAloneSeeTheAdminRoute
		to: users(unauthorized, outcome{401, "You are not authorized to view this content."})},
	{operation: "tutorial_list_conversations", path: "/api/chat", to: users(unauthorized, ok(200)), fresh: true},
	{operation: "tutorial_list_recipients", path: "/api/chat/recipients", to: users(unauthorized, ok(200))},
	{operation: "tutorial_get_conversation", path: "/api/chat/$conversation", to: members(unauthorized, noConversation, ok(200), ok(200))},
	{operation: "tutorial_send_message", path: "/api/chat/$conversation", body: `{"composedMessage":"$secret"}`,
		to: members(unauthorized, noConversation, ok(200), ok(200))},
	{operation: "tutorial_start_conversation", path: "/api/chat/new/$bystander", body: `{"composedMessage":"$secret"}`,
		to: users(unauthorized, ok(200))},
	{operation: "tutorial_delete_conversation", path: "/api/chat/$conversation", to: members(unauthorized, noConversation, ok(200), ok(200))},
	{operation: "tutorial_edit_message", path: "/api/chat/message/$message", body: `{"composedMessage":"$secret edited"}`,
		to: members(unauthorized, noMessage, ok(200), outcome{404, "Only the author of a message can do this."})},
}
