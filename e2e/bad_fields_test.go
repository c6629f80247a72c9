package e2e_test

import (
	"strings"
	"testing"
)

// badField is a request of which one field is wrong.
type badField struct {
	name, method, path, body string
	field                    string
}

// str is a JSON string of so many letters.
func str(n int) string { return `"` + strings.Repeat("x", n) + `"` }

var badFields = []badField{
	{"an operator for an address", "POST", "/v1/auth/register", `{"email":{"$gt":""},"password":"correct horse","first_name":"A","last_name":"B"}`, "email"},
	{"an operator to log in", "POST", "/v1/auth/login", `{"email":{"$gt":""},"password":{"$gt":""}}`, "email"},
	{"an operator for a password", "POST", "/v1/auth/login", `{"email":"$email","password":{"$ne":null}}`, "password"},
	{"an operator for a refresh token", "POST", "/v1/auth/refresh", `{"refresh_token":{"$ne":1}}`, "refresh_token"},
	{"an address without @", "POST", "/v1/auth/register", `{"email":"ann","password":"correct horse","first_name":"A","last_name":"B"}`, "email"},
	{"two addresses", "POST", "/v1/auth/register", `{"email":"a@b.c, d@e.f","password":"correct horse","first_name":"A","last_name":"B"}`, "email"},
	{"an address with a line end", "POST", "/v1/auth/register", `{"email":"a@b.c\r\nBcc: d@e.f","password":"correct horse","first_name":"A","last_name":"B"}`, "email"},
	{"an address of 255 bytes", "POST", "/v1/auth/register",
		`{"email":"` + strings.Repeat("x", 245) + `@b.example","password":"correct horse","first_name":"A","last_name":"B"}`, "email"},
	{"a short password", "POST", "/v1/auth/register", `{"email":"$new","password":"1234567","first_name":"A","last_name":"B"}`, "password"},
	{"a long password", "POST", "/v1/auth/register", `{"email":"$new","password":` + str(129) + `,"first_name":"A","last_name":"B"}`, "password"},
	{"a password with NUL", "POST", "/v1/auth/register", `{"email":"$new","password":"12345678\u0000","first_name":"A","last_name":"B"}`, "password"},
	{"a blank name", "POST", "/v1/auth/register", `{"email":"$new","password":"correct horse","first_name":" ","last_name":"B"}`, "first_name"},
	{"a long name", "POST", "/v1/auth/register", `{"email":"$new","password":"correct horse","first_name":"A","last_name":` + str(201) + `}`, "last_name"},
	{"a name with a control character", "PATCH", "/v1/users/me", `{"first_name":"A\u0007"}`, "first_name"},
	{"a name that is a number", "PATCH", "/v1/users/me", `{"first_name":7}`, "first_name"},
	{"a new password that is short", "POST", "/v1/auth/password", `{"current_password":"$password","new_password":"x"}`, "new_password"},

	{"a type that is none", "POST", "/v1/conversations", `{"type":"channel","member_ids":["$bystander"]}`, "type"},
	{"no member", "POST", "/v1/conversations", `{"type":"direct","member_ids":[]}`, "member_ids"},
	{"two for a direct one", "POST", "/v1/conversations", `{"type":"direct","member_ids":["$bystander","nobody"]}`, "member_ids"},
	{"members that are no list", "POST", "/v1/conversations", `{"type":"direct","member_ids":"$bystander"}`, "member_ids"},
	{"a member that is an operator", "POST", "/v1/conversations", `{"type":"group","title":"T","member_ids":[{"$gt":""}]}`, "member_ids"},
	{"a member that is no id", "POST", "/v1/conversations", `{"type":"group","title":"T","member_ids":["a b"]}`, "member_ids"},
	{"a title for a direct one", "POST", "/v1/conversations", `{"type":"direct","title":"T","member_ids":["$bystander"]}`, "title"},
	{"a group without a title", "POST", "/v1/conversations", `{"type":"group","title":" ","member_ids":["$bystander"]}`, "title"},
	{"a long title", "POST", "/v1/conversations", `{"type":"group","title":` + str(257) + `,"member_ids":["$bystander"]}`, "title"},
	{"a blank first message", "POST", "/v1/conversations", `{"type":"direct","member_ids":["$bystander"],"message":{"body":"\n"}}`, "message.body"},
	{"a long first message", "POST", "/v1/conversations", `{"type":"direct","member_ids":["$bystander"],"message":{"body":` + str(16<<10+1) + `}}`, "message.body"},
	{"a first message that is a string", "POST", "/v1/conversations", `{"type":"direct","member_ids":["$bystander"],"message":"hi"}`, "message"},
	{"a client id that is none", "POST", "/v1/conversations", `{"type":"group","title":"T","member_ids":["$bystander"],"client_id":"a b"}`, "client_id"},
	{"a key of a first message that is none", "POST", "/v1/conversations",
		`{"type":"direct","member_ids":["$bystander"],"message":{"body":"x","client_msg_id":"é"}}`, "message.client_msg_id"},
	{"a title with NUL", "PATCH", "/v1/conversations/$conversation", `{"title":"a\u0000"}`, "title"},
	{"a title that is null", "PATCH", "/v1/conversations/$conversation", `{"title":null}`, "title"},
	{"a deletion for somebody", "DELETE", "/v1/conversations/$conversation?for=somebody", "", "for"},
	{"a deletion for two", "DELETE", "/v1/conversations/$conversation?for=all&for=all", "", "for"},

	{"a read position below 0", "PUT", "/v1/conversations/$conversation/read", `{"seq":-1}`, "seq"},
	{"a read position above all", "PUT", "/v1/conversations/$conversation/read", `{"seq":9007199254740992}`, "seq"},
	{"a read position above the last message", "PUT", "/v1/conversations/$conversation/read", `{"seq":2}`, "seq"},
	{"half a read position", "PUT", "/v1/conversations/$conversation/read", `{"seq":1.5}`, "seq"},
	{"a read position no integer holds", "PUT", "/v1/conversations/$conversation/read", `{"seq":1e400}`, "seq"},
	{"a read position that is a string", "PUT", "/v1/conversations/$conversation/read", `{"seq":"1"}`, "seq"},

	{"an empty body", "POST", "/v1/messages", `{"conversation_id":"$conversation","body":""}`, "body"},
	{"no body", "POST", "/v1/messages", `{"conversation_id":"$conversation"}`, "body"},
	{"a blank body", "POST", "/v1/messages", `{"conversation_id":"$conversation","body":" \u00a0\u3000\t\n"}`, "body"},
	{"a long body", "POST", "/v1/messages", `{"conversation_id":"$conversation","body":` + str(16<<10+1) + `}`, "body"},
	{"a body with NUL", "POST", "/v1/messages", `{"conversation_id":"$conversation","body":"a\u0000b"}`, "body"},
	{"a body that is an object", "POST", "/v1/messages", `{"conversation_id":"$conversation","body":{"$ne":1}}`, "body"},
	{"a body that is null", "POST", "/v1/messages", `{"conversation_id":"$conversation","body":null}`, "body"},
	{"an operator for a conversation", "POST", "/v1/messages", `{"conversation_id":{"$gt":""},"body":"x"}`, "conversation_id"},
	{"no conversation", "POST", "/v1/messages", `{"body":"x"}`, "conversation_id"},
	{"a key of 65 characters", "POST", "/v1/messages", `{"conversation_id":"$conversation","body":"x","client_msg_id":` + str(65) + `}`, "client_msg_id"},
	{"a key that is a number", "POST", "/v1/messages", `{"conversation_id":"$conversation","body":"x","client_msg_id":1}`, "client_msg_id"},
	{"an edit to nothing", "PATCH", "/v1/messages/$message", `{"body":""}`, "body"},
	{"a long edit", "PATCH", "/v1/messages/$message", `{"body":` + str(16<<10+1) + `}`, "body"},

	{"a page of -1", "GET", "/v1/messages?conversation_id=$conversation&limit=-1", "", "limit"},
	{"a page of 201", "GET", "/v1/messages?conversation_id=$conversation&limit=201", "", "limit"},
	{"a page of many", "GET", "/v1/conversations?limit=99999999999999999999", "", "limit"},
	{"a page of a word", "GET", "/v1/auth/sessions?limit=all", "", "limit"},
	{"no conversation's history", "GET", "/v1/messages", "", "conversation_id"},
	{"an operator for a history", "GET", "/v1/messages?conversation_id=%7B%22$gt%22:%22%22%7D", "", "conversation_id"},
	{"what is before the first", "GET", "/v1/messages?conversation_id=$conversation&before_seq=0", "", "before_seq"},
	{"a position below 0", "GET", "/v1/messages?conversation_id=$conversation&after_seq=-1", "", "after_seq"},
	{"a position above all", "GET", "/v1/messages?conversation_id=$conversation&after_rev=9007199254740992", "", "after_rev"},
	{"a position beyond integers", "GET", "/v1/messages?conversation_id=$conversation&after_rev=9223372036854775808", "", "after_rev"},
	{"a position given twice", "GET", "/v1/messages?conversation_id=$conversation&after_rev=1&after_rev=2", "", "after_rev"},
	{"a cursor of an inbox that is none", "GET", "/v1/conversations?cursor=xyz", "", "cursor"},
	{"a cursor of an inbox with an operator", "GET", "/v1/conversations?cursor=MTp7IiRndCI6IiJ9", "", "cursor"},
	{"a cursor of sessions that is none", "GET", "/v1/auth/sessions?cursor=a%20b", "", "cursor"},
	{"a cursor of users that is none", "GET", "/v1/users?prefix=a&cursor=xyz", "", "cursor"},
	{"an id that is none among good ones", "GET", "/v1/users?ids=$member,a%20b", "", "ids"},
	{"201 ids", "GET", "/v1/users?ids=a" + strings.Repeat(",a", 200), "", "ids"},
	{"a blank prefix", "GET", "/v1/users?prefix=%20", "", "prefix"},
	{"a prefix that is no UTF-8", "GET", "/v1/users?prefix=%ff", "", "prefix"},
	{"an address to look for that is none", "GET", "/v1/users?email=ann", "", "email"},
}

func TestBadFieldIsNamedAndNothingIsChanged(t *testing.T) {
	s := newStage(t, underTest.url)
	for _, bad := range badFields {
		t.Run(bad.name, func(t *testing.T) {
			stage := s
			if strings.Contains(bad.path, "/v1/conversations/") && !strings.HasSuffix(bad.path, "/read") {
				stage.people = map[caller]person{plain: s.people[owner], owner: s.people[owner]} // what a member may not do at all is not looked at
				stage.before = stage.all(t)
			}
			var body any
			if bad.body != "" {
				body = stage.fill(bad.body, plain)
			}
			stage.refuses(t, bad.method, stage.fill(bad.path, plain), body, 400, "invalid_field", bad.field)
		})
	}
}

func TestBadRequestsThatNoFieldIsToBlameFor(t *testing.T) {
	s := newStage(t, underTest.url)
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		code, field              string
	}{
		{"two positions", "GET", "/v1/messages?conversation_id=$conversation&after_seq=1&after_rev=1", "", 400, "too_many_positions", ""},
		{"another message in the body", "PATCH", "/v1/messages/$message", `{"message_id":"other","body":"x"}`, 400, "unknown_field", ""},
		{"another conversation in the body", "PUT", "/v1/conversations/$conversation/read", `{"conversation_id":"other","seq":1}`, 400, "unknown_field", ""},
		{"nobody to look for", "GET", "/v1/users", "", 400, "invalid_query", ""},
		{"two ways to look", "GET", "/v1/users?ids=$member&prefix=a", "", 400, "invalid_query", ""},
		{"a cursor for ids", "GET", "/v1/users?ids=$member&cursor=x", "", 400, "invalid_query", ""},
		{"a member who doesn't exist", "POST", "/v1/conversations", `{"type":"direct","member_ids":["nobody"]}`, 422, "no_such_user", "member_ids"},
		{"one of many who doesn't exist", "POST", "/v1/conversations", `{"type":"group","title":"T","member_ids":["$bystander","nobody"]}`, 422, "no_such_user", "member_ids"},
		{"oneself", "POST", "/v1/conversations", `{"type":"direct","member_ids":["$me"]}`, 422, "recipient_is_self", "member_ids"},
		{"oneself among others", "POST", "/v1/conversations", `{"type":"group","title":"T","member_ids":["$bystander","$me"]}`, 422, "recipient_is_self", "member_ids"},
		{"a refresh token of nobody", "POST", "/v1/auth/refresh", `{"refresh_token":"a.1.b"}`, 401, "refresh_token_refused", ""},
		{"a reset token of nobody", "POST", "/v1/auth/password/reset", `{"token":"x","password":"correct horse"}`, 422, "reset_token_refused", ""},
		{"an address that is taken", "POST", "/v1/auth/register", `{"email":"$email","password":"correct horse","first_name":"A","last_name":"B"}`, 409, "email_taken", ""},
		{"a conversation that is not there", "POST", "/v1/messages", `{"conversation_id":"000000000000000000000000","body":"x"}`, 404, "conversation_not_found", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var body any
			if test.body != "" {
				body = s.fill(test.body, plain)
			}
			s.refuses(t, test.method, s.fill(test.path, plain), body, test.status, test.code, test.field)
		})
	}
}
