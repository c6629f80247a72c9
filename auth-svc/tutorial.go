package auth

import (
	"context"
	"errors"
	"strings"

	"github.com/go-kit/kit/endpoint"

	"github.com/confab-chat/confab/pkg/fault"
	"github.com/confab-chat/confab/pkg/httpkit"
	"github.com/confab-chat/confab/pkg/identity"
)

// The tutorial's routes: its server's bodies, messages and order of checks. Its tokens live for -tutorial-token-ttl, and
// logout ends them sooner.

type tutorialEndpoints struct {
	tutorialRegister, tutorialLogin, tutorialForgot, tutorialReset endpoint.Endpoint
	tutorialUser, tutorialProtected, tutorialAdmins                endpoint.Endpoint
}

func newTutorialEndpoints(s Service, c *httpkit.Chain, p publicMethods) tutorialEndpoints {
	t, l := tutorial{public: p, me: s.Me}, p.limits
	return tutorialEndpoints{
		tutorialRegister:  c.Public("tutorial_register", httpkit.Typed(t.Register), l.register),
		tutorialLogin:     c.Public("tutorial_login", httpkit.Typed(t.Login), l.login),
		tutorialForgot:    c.Public("tutorial_forgot_password", httpkit.Typed(t.ForgotPassword), l.forgot),
		tutorialReset:     c.Public("tutorial_reset_password", httpkit.Typed(t.ResetPassword), l.reset),
		tutorialUser:      c.User("tutorial_user", httpkit.Typed(t.User)),
		tutorialProtected: c.User("tutorial_protected", httpkit.Typed(t.Protected)),
		tutorialAdmins:    c.User("tutorial_admins_only", httpkit.Typed(t.AdminsOnly)),
	}
}

func tutorialRoutes(s *httpkit.Server, e Endpoints) []httpkit.Route {
	return []httpkit.Route{
		{Pattern: "POST /api/auth/register", Handler: s.Tutorial(e.tutorialRegister)},
		{Pattern: "POST /api/auth/login", Handler: s.Tutorial(e.tutorialLogin)},
		{Pattern: "POST /api/auth/forgot-password", Handler: s.Tutorial(e.tutorialForgot)},
		{Pattern: "POST /api/auth/reset-password/{token}", Handler: s.Tutorial(e.tutorialReset)},
		{Pattern: "GET /api/user/{userId}", Handler: s.Tutorial(e.tutorialUser)},
		{Pattern: "GET /api/protected", Handler: s.Tutorial(e.tutorialProtected)},
		{Pattern: "GET /api/admins-only", Handler: s.Tutorial(e.tutorialAdmins)},
	}
}

type tutorialRegisterRequest struct {
	Email     string `json:"email"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Password  string `json:"password"`
}

type tutorialLoginRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type tutorialResetRequest struct {
	Token    string `path:"token"`
	Password string `json:"password"`
}

type tutorialUserRequest struct {
	UserID string `path:"userId"`
}

type tutorialSession struct {
	Token   string       `json:"token"`
	User    tutorialUser `json:"user"`
	created bool
}

// StatusCode is 201 where the account is new.
func (t tutorialSession) StatusCode() int { return Tokens{Registered: t.created}.StatusCode() }

type tutorialUser struct {
	ID        string `json:"_id"`
	FirstName string `json:"firstName"`
	LastName  string `json:"lastName"`
	Email     string `json:"email"`
	Role      string `json:"role"`
}

type tutorialUserResponse struct {
	User tutorialUser `json:"user"`
}

type tutorialMessage struct {
	Message string `json:"message"`
}

type tutorialContent struct {
	Content string `json:"content"`
}

func newTutorialUser(p Profile) tutorialUser {
	return tutorialUser{ID: p.ID, FirstName: p.FirstName, LastName: p.LastName, Email: p.Email, Role: p.Role}
}

func newTutorialSession(t Tokens, err error) (tutorialSession, error) {
	return tutorialSession{Token: "JWT " + t.AccessToken, User: newTutorialUser(t.User), created: t.Registered}, tutorialError(err)
}

// The tutorial's own sentences.
var (
	errTutorialNoEmail    = unprocessable("You must enter an email address.")
	errTutorialNoName     = unprocessable("You must enter your full name.")
	errTutorialNoPassword = unprocessable("You must enter a password.")
	errTutorialForgot     = unprocessable("Your request could not be processed as entered. Please try again.")
	errTutorialReset      = unprocessable("Your token has expired. Please attempt to reset your password again.")
	errTutorialLogin      = fault.New(fault.Invalid, httpkit.CodeBadRequestText, "The email address or the password is missing.")
	errTutorialProfile    = fault.New(fault.Unauthenticated, httpkit.CodeNotAuthorized, "You are not authorized to view this user profile.")
	errTutorialAdmins     = fault.New(fault.Unauthenticated, httpkit.CodeNotAuthorized, "You are not authorized to view this content.")
)

func unprocessable(sentence string) *fault.Error {
	return fault.New(fault.Unprocessable, "unprocessable", sentence)
}

// tutorialError makes what the service says of wrong fields a 422, as the tutorial's server answered it.
func tutorialError(err error) error {
	var f *fault.Error
	if errors.As(err, &f) && (f.Kind == fault.Invalid || f.Kind == fault.Conflict) {
		return unprocessable(f.Detail).Because(err)
	}
	return err
}

// tutorial is the tutorial's view of the service.
type tutorial struct {
	public publicMethods
	me     func(context.Context, None) (ProfileResponse, error)
}

func (t tutorial) Register(ctx context.Context, r tutorialRegisterRequest) (tutorialSession, error) {
	switch {
	case blank(r.Email):
		return tutorialSession{}, errTutorialNoEmail
	case blank(r.FirstName) || blank(r.LastName):
		return tutorialSession{}, errTutorialNoName
	case blank(r.Password):
		return tutorialSession{}, errTutorialNoPassword
	}
	return newTutorialSession(t.public.register(ctx, RegisterRequest{
		Email: r.Email, Password: r.Password, FirstName: r.FirstName, LastName: r.LastName, Client: Client{Tutorial: true},
	}))
}

func (t tutorial) Login(ctx context.Context, r tutorialLoginRequest) (tutorialSession, error) {
	if blank(r.Email) || blank(r.Password) {
		return tutorialSession{}, errTutorialLogin
	}
	tokens, err := t.public.login(ctx, LoginRequest{Email: r.Email, Password: r.Password, Client: Client{Tutorial: true}})
	if f := fault.From(err); err != nil && f.Kind == fault.Invalid {
		err = errCredentials.Because(err) // nobody has such an address or password
	}
	return newTutorialSession(tokens, err)
}

func (t tutorial) ForgotPassword(ctx context.Context, r ForgotPasswordRequest) (tutorialMessage, error) {
	_, err := t.public.forgot(ctx, r)
	if f := fault.From(err); err != nil && f.Kind == fault.Invalid {
		err = errTutorialForgot.Because(err)
	}
	return tutorialMessage{Message: "Please check your email for the link to reset your password."}, err
}

func (t tutorial) ResetPassword(ctx context.Context, r tutorialResetRequest) (tutorialMessage, error) {
	_, err := t.public.reset(ctx, ResetPasswordRequest{Token: r.Token, Password: r.Password})
	if f := fault.From(err); err != nil && (errors.Is(err, ErrNoReset) || f.Field == "token") {
		err = errTutorialReset.Because(err)
	} else if err != nil && f.Kind == fault.Invalid && blank(r.Password) {
		err = errTutorialNoPassword
	}
	return tutorialMessage{Message: "Password changed successfully. Please login with your new password."}, tutorialError(err)
}

func (t tutorial) User(ctx context.Context, r tutorialUserRequest) (tutorialUserResponse, error) {
	if r.UserID != identity.UserID(ctx) {
		return tutorialUserResponse{}, errTutorialProfile
	}
	me, err := t.me(ctx, None{})
	return tutorialUserResponse{User: newTutorialUser(me.User)}, err
}

func (t tutorial) Protected(context.Context, None) (tutorialContent, error) {
	return tutorialContent{Content: "The protected test route is functional!"}, nil
}

func (t tutorial) AdminsOnly(ctx context.Context, _ None) (tutorialContent, error) {
	if identity.From(ctx).Role != RoleAdmin {
		return tutorialContent{}, errTutorialAdmins
	}
	return tutorialContent{Content: "Admin dashboard is working."}, nil
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }
