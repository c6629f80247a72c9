package e2e_test

import "testing"

func TestTutorialRoutesAnswerAsItsServerDid(t *testing.T) {
	s := newTranscript(underTest.url)
	for _, step := range []struct {
		name, token, method, path, body string
		status                          int
		want                            string
	}{
		{"register asks for an address first", "", "POST", "/auth/register", `{}`, 422, `{"error":"You must enter an email address."}`},
		{"then for the first name", "", "POST", "/auth/register", `{"email":"ann<u>@example.com","lastName":"Lee","password":"correct horse"}`,
			422, `{"error":"You must enter your full name."}`},
		{"and the last name", "", "POST", "/auth/register", `{"email":"ann<u>@example.com","firstName":"Ann"}`,
			422, `{"error":"You must enter your full name."}`},
		{"then for a password", "", "POST", "/auth/register", `{"email":"ann<u>@example.com","firstName":"Ann","lastName":"Lee"}`,
			422, `{"error":"You must enter a password."}`},
		{"register", "", "POST", "/auth/register", `{"email":"Ann<u>@Example.com","firstName":"Ann","lastName":"Lee","password":"correct horse"}`,
			201, `{"token":"<annToken:jwt>","user":{"_id":"<ann:id>","firstName":"Ann","lastName":"Lee","email":"ann<u>@example.com","role":"Member"}}`},
		{"an address is taken once", "", "POST", "/auth/register", `{"email":"aNN<u>@example.com","firstName":"A","lastName":"L","password":"correct horse"}`,
			422, `{"error":"That email address is already in use."}`},
		{"another registers", "", "POST", "/auth/register", `{"email":"bob<u>@example.com","firstName":"Bob","lastName":"Ray","password":"battery staple"}`,
			201, `{"token":"<bobToken:jwt>","user":{"_id":"<bob:id>","firstName":"Bob","lastName":"Ray","email":"bob<u>@example.com","role":"Member"}}`},
		{"login", "", "POST", "/auth/login", `{"email":"ann<u>@example.com","password":"correct horse"}`,
			200, `{"token":"<annToken:jwt>","user":{"_id":"<ann>","firstName":"Ann","lastName":"Lee","email":"ann<u>@example.com","role":"Member"}}`},
		{"login without a password", "", "POST", "/auth/login", `{"email":"ann<u>@example.com"}`, 400, `Bad Request`},
		{"login with a password that is no string", "", "POST", "/auth/login", `{"email":"ann<u>@example.com","password":1}`, 400, `Bad Request`},
		{"login with a wrong password", "", "POST", "/auth/login", `{"email":"ann<u>@example.com","password":"wrong horse"}`, 401, `Unauthorized`},
		{"forgotten password", "", "POST", "/auth/forgot-password", `{"email":"ann<u>@example.com"}`,
			200, `{"message":"Please check your email for the link to reset your password."}`},
		{"forgotten password of no address", "", "POST", "/auth/forgot-password", `{}`,
			422, `{"error":"Your request could not be processed as entered. Please try again."}`},
		{"reset by a wrong token", "", "POST", "/auth/reset-password/0123456789", `{"password":"a new password"}`,
			422, `{"error":"Your token has expired. Please attempt to reset your password again."}`},
		{"profile", "annToken", "GET", "/user/<ann>", "",
			200, `{"user":{"_id":"<ann>","firstName":"Ann","lastName":"Lee","email":"ann<u>@example.com","role":"Member"}}`},
		{"profile of another", "annToken", "GET", "/user/<bob>", "", 401, `{"error":"You are not authorized to view this user profile."}`},
		{"protected", "annToken", "GET", "/protected", "", 200, `{"content":"The protected test route is functional!"}`},
		{"protected without a token", "", "GET", "/protected", "", 401, `Unauthorized`},
		{"admins only", "annToken", "GET", "/admins-only", "", 401, `{"error":"You are not authorized to view this content."}`},

		{"inbox without a conversation", "annToken", "GET", "/chat", "", 200, `{"conversations":[]}`},
		{"start without a message", "annToken", "POST", "/chat/new/<bob>", `{}`, 422, `{"error":"Please enter a message."}`},
		{"start with nobody", "annToken", "POST", "/chat/new/000000000000000000000000", `{"composedMessage":"hi"}`,
			422, `{"error":"Please choose a valid recipient for your message."}`},
		{"start", "annToken", "POST", "/chat/new/<bob>", `{"composedMessage":"psst-secret one"}`,
			200, `{"message":"Conversation started!","conversationId":"<chat:id>"}`},
		{"reply", "bobToken", "POST", "/chat/<chat>", `{"composedMessage":"psst-secret two"}`, 200, `{"message":"Reply successfully sent!"}`},
		{"reply without a message", "bobToken", "POST", "/chat/<chat>", `{"composedMessage":"  "}`, 422, `{"error":"Please enter a message."}`},
		{"conversation, newest first", "annToken", "GET", "/chat/<chat>", "", 200, `{"conversation":[` +
			`{"_id":"<two:id>","createdAt":"<:time>","body":"psst-secret two","author":{"_id":"<bob>","profile":{"firstName":"Bob","lastName":"Ray"}}},` +
			`{"_id":"<one:id>","createdAt":"<:time>","body":"psst-secret one","author":{"_id":"<ann>","profile":{"firstName":"Ann","lastName":"Lee"}}}]}`},
		{"edit", "bobToken", "PUT", "/chat/message/<two>", `{"composedMessage":"psst-secret edited"}`, 200, `{"message":"Message updated!"}`},
		{"edit to nothing", "bobToken", "PUT", "/chat/message/<two>", `{}`, 422, `{"error":"Please enter a message."}`},
		{"edit of another's", "annToken", "PUT", "/chat/message/<two>", `{"composedMessage":"x"}`, 404, `{"error":"Only the author of a message can do this."}`},
		{"inbox", "annToken", "GET", "/chat", "", 200, `{"conversations":[[{"_id":"<two>","conversationId":"<chat>","body":"psst-secret edited",` +
			`"author":{"_id":"<bob>","profile":{"firstName":"Bob","lastName":"Ray"}},"createdAt":"<:time>","updatedAt":"<:time>","__v":0}]]}`},
		{"delete", "annToken", "DELETE", "/chat/<chat>", "", 200, `{"message":"Conversation removed!"}`},
		{"conversation after its deletion", "annToken", "GET", "/chat/<chat>", "", 200, `{"conversation":[]}`},
		{"start again with the same one", "bobToken", "POST", "/chat/new/<ann>", `{"composedMessage":"psst-secret three"}`,
			200, `{"message":"Conversation started!","conversationId":"<chat>"}`},
		{"conversation after its new start", "annToken", "GET", "/chat/<chat>", "", 200, `{"conversation":[` +
			`{"_id":"<:id>","createdAt":"<:time>","body":"psst-secret three","author":{"_id":"<bob>","profile":{"firstName":"Bob","lastName":"Ray"}}}]}`},
		{"a path that is none", "annToken", "GET", "/chats", "", 404, `{"error":"There is nothing at this path."}`},
	} {
		t.Run(step.name, func(t *testing.T) {
			s.expect(t, step.status, step.want, s.say(t, step.token, step.method, step.path, step.body))
		})
	}
}

func TestTutorialRecipientsAreTheOthersByName(t *testing.T) {
	s := newTranscript(own(t).url)
	for _, first := range []string{"Cid", "Ann", "Bob"} {
		a := s.say(t, "", "POST", "/auth/register", `{"email":"`+first+`<u>@example.com","firstName":"`+first+`","lastName":"Lee","password":"correct horse"}`)
		s.expect(t, 201, `{"token":"<`+first+`Token:jwt>","user":{"_id":"<`+first+`:id>","firstName":"`+first+`","lastName":"Lee",`+
			`"email":"`+map[string]string{"Cid": "cid", "Ann": "ann", "Bob": "bob"}[first]+`<u>@example.com","role":"Member"}}`, a)
	}
	s.expect(t, 200, `{"recipients":[{"_id":"<Ann>","profile":{"firstName":"Ann","lastName":"Lee"}},`+
		`{"_id":"<Cid>","profile":{"firstName":"Cid","lastName":"Lee"}}]}`, s.say(t, "BobToken", "GET", "/chat/recipients", ""))
}

func TestTutorialTakesFormsAndIgnoresWhatItDoesNotKnow(t *testing.T) {
	s := newTranscript(underTest.url)
	const form = "application/x-www-form-urlencoded"
	a := s.say(t, "", "POST", "/auth/register", "email=ann<u>%40example.com&firstName=Ann+Maria&lastName=Lee&password=correct+horse&extra=1", "Content-Type", form)
	s.expect(t, 201, `{"token":"<ann:jwt>","user":{"_id":"<:id>","firstName":"Ann Maria","lastName":"Lee","email":"ann<u>@example.com","role":"Member"}}`, a)
	for name, headers := range map[string][]string{
		"a form":                       {"email=ann<u>%40example.com&password=correct+horse", "Content-Type", form},
		"JSON":                         {`{"email":"ann<u>@example.com","password":"correct horse","role":"Admin","extra":{"a":[1]}}`},
		"JSON with a charset":          {`{"email":"ann<u>@example.com","password":"correct horse"}`, "Content-Type", "application/json; charset=utf-8"},
		"an address in another case":   {`{"email":"ANN<u>@EXAMPLE.com","password":"correct horse"}`},
		"an address with spaces round": {`{"email":" ann<u>@example.com ","password":"correct horse"}`},
	} {
		t.Run("login by "+name, func(t *testing.T) {
			if a := s.say(t, "", "POST", "/auth/login", headers[0], headers[1:]...); a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
		})
	}
}

func TestTutorialTokensWorkEverywhereUnderBothSchemes(t *testing.T) {
	s := newTranscript(underTest.url)
	a := s.say(t, "", "POST", "/auth/register", `{"email":"ann<u>@example.com","firstName":"Ann","lastName":"Lee","password":"correct horse"}`)
	s.expect(t, 201, `{"token":"<jwt:jwt>","user":{"_id":"<ann:id>","firstName":"Ann","lastName":"Lee","email":"ann<u>@example.com","role":"Member"}}`, a)
	bare := s.values["jwt"][len("JWT "):]
	own := register(t, underTest.url)
	for _, header := range []string{"JWT " + bare, "Bearer " + bare, "jwt " + bare, "JWT " + own.token, "Bearer " + own.token} {
		for _, path := range []string{"/api/protected", "/api/chat", "/v1/users/me", "/v1/conversations"} {
			if a := s.call(t, "GET", path, nil, "Authorization", header); a.status != 200 {
				t.Errorf("%s with %.10s answers %d %s", path, header, a.status, a.body)
			}
		}
	}
	f, _ := s.dial(t, "Authorization", "JWT "+bare).command(map[string]any{"type": "ping"})
	if f.Type != "reply" {
		t.Fatalf("the socket answers %+v", f)
	}
}

func TestAdminsAloneSeeTheAdminRoute(t *testing.T) {
	dir := t.TempDir()
	first, err := start(dir)
	if err != nil {
		t.Fatal(err)
	}
	admin := register(t, first.url)
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	second, err := start(dir, "-admin-emails", admin.email)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = second.stop() })
	admin.url = second.url
	if a := admin.login(t).call(t, "GET", "/api/admins-only", nil); a.body != `{"content":"Admin dashboard is working."}`+"\n" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	refuse(t, 401, "You are not authorized to view this content.", register(t, second.url).call(t, "GET", "/api/admins-only", nil))
}
