package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/gatehouse-auth/gatehouse/edge/verifier"
	"github.com/gatehouse-auth/gatehouse/edge/verifier/verifiertest"
	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	resource    = "https://mcp.example.com/mcp"
	metadataURL = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"
)

var start = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

func clock() time.Time { return start }

func config() verifier.Config {
	return verifier.Config{Resource: resource, RequiredScopes: []string{"mcp"}, MetadataURL: metadataURL}
}

// ada is a token of a user with all that the tests need.
func ada() verifiertest.Token {
	return verifiertest.Token{
		Resource:   resource,
		Subject:    "user-ada",
		ClientID:   "client-1",
		GrantID:    "grant-1",
		Scopes:     []string{"mcp", "profile"},
		ExpireTime: start.Add(time.Hour),
		Identity: &gatehousev1.Identity{
			Provider: "keycloak", Issuer: "https://idp.example.com", Subject: "42", Name: "Ada Lovelace",
			GivenName: "Ada", FamilyName: "Lovelace", Email: "ada@example.com", EmailVerified: true,
			PreferredUsername: "ada", Groups: []string{"engines"},
		},
	}
}

// answering is a core that always gives the same answer.
type answering struct {
	answer *gatehousev1.VerifyTokenResponse
	err    error
}

func (a answering) VerifyToken(
	context.Context, *gatehousev1.VerifyTokenRequest, ...grpc.CallOption,
) (*gatehousev1.VerifyTokenResponse, error) {
	return a.answer, a.err
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestVerifyTellsWhoseTheTokenIs(t *testing.T) {
	core := verifiertest.NewClient(clock)
	core.Issue("good", ada())
	v := verifier.New(core, config(), verifier.WithClock(clock))

	p, err := v.Verify(t.Context(), "good")
	if err != nil {
		t.Fatal(err)
	}
	got := []any{p.Subject(), p.ClientID(), p.GrantID(), p.Scopes(), p.ExpireTime(), p.HasScope("profile"), p.HasScope("MCP")}
	want := []any{"user-ada", "client-1", "grant-1", []string{"mcp", "profile"}, start.Add(time.Hour), true, false}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantIdentity := verifier.Identity{
		Provider: "keycloak", Issuer: "https://idp.example.com", Subject: "42", Name: "Ada Lovelace",
		GivenName: "Ada", FamilyName: "Lovelace", Email: "ada@example.com", EmailVerified: true,
		PreferredUsername: "ada", Groups: []string{"engines"},
	}
	if diff := cmp.Diff(wantIdentity, p.Identity()); diff != "" {
		t.Error(diff)
	}
}

func TestVerifyAsksForTheConfiguredResourceScopesAndFreshness(t *testing.T) {
	var asked *gatehousev1.VerifyTokenRequest
	core := recording{&asked}
	c := config()
	c.Freshness = gatehousev1.Freshness_FRESHNESS_STRICT
	_, _ = verifier.New(core, c, verifier.WithCache(8, time.Second)).Verify(t.Context(), "good")

	if asked.GetToken() != "good" || asked.GetResource() != resource ||
		asked.GetFreshness() != gatehousev1.Freshness_FRESHNESS_STRICT ||
		!cmp.Equal(asked.GetRequiredScopes(), []string{"mcp"}) {
		t.Errorf("asked %v", asked)
	}
}

type recording struct {
	asked **gatehousev1.VerifyTokenRequest
}

func (r recording) VerifyToken(
	_ context.Context, in *gatehousev1.VerifyTokenRequest, _ ...grpc.CallOption,
) (*gatehousev1.VerifyTokenResponse, error) {
	*r.asked = in
	return &gatehousev1.VerifyTokenResponse{}, nil
}

// Covers verify-fail-open and jwt-size-dos.
func TestVerifyNeverTakesAnythingButACompleteActiveAnswer(t *testing.T) {
	complete := func(change func(*gatehousev1.VerifyTokenResponse)) *gatehousev1.VerifyTokenResponse {
		r := &gatehousev1.VerifyTokenResponse{
			Active: true, Subject: "s", ClientId: "c", Scopes: []string{"mcp"},
			ExpireTime: timestamppb.New(start.Add(time.Minute)),
		}
		change(r)
		return r
	}
	const inactive, scope, outage = "inactive", "scope", "outage"
	tests := map[string]struct {
		token string
		core  answering
		want  string
	}{
		"no token":             {"", answering{answer: complete(func(*gatehousev1.VerifyTokenResponse) {})}, inactive},
		"too long":             {strings.Repeat("a", verifier.MaxTokenBytes+1), answering{}, inactive},
		"inactive":             {"t", answering{answer: &gatehousev1.VerifyTokenResponse{}}, inactive},
		"claims, not active":   {"t", answering{answer: complete(func(r *gatehousev1.VerifyTokenResponse) { r.Active = false })}, inactive},
		"lacks a scope":        {"t", answering{answer: &gatehousev1.VerifyTokenResponse{Reason: gatehousev1.InactiveReason_INACTIVE_REASON_INSUFFICIENT_SCOPE}}, scope},
		"active, lacks scope":  {"t", answering{answer: complete(func(r *gatehousev1.VerifyTokenResponse) { r.Scopes = []string{"MCP"} })}, scope},
		"active but expired":   {"t", answering{answer: complete(func(r *gatehousev1.VerifyTokenResponse) { r.ExpireTime = timestamppb.New(start) })}, inactive},
		"active, no subject":   {"t", answering{answer: complete(func(r *gatehousev1.VerifyTokenResponse) { r.Subject = "" })}, outage},
		"active, no client":    {"t", answering{answer: complete(func(r *gatehousev1.VerifyTokenResponse) { r.ClientId = "" })}, outage},
		"active, no expiry":    {"t", answering{answer: complete(func(r *gatehousev1.VerifyTokenResponse) { r.ExpireTime = nil })}, outage},
		"neither answer":       {"t", answering{}, outage},
		"unavailable":          {"t", answering{err: status.Error(codes.Unavailable, "down")}, outage},
		"not allowed to ask":   {"t", answering{err: status.Error(codes.PermissionDenied, "no")}, outage},
		"no such method":       {"t", answering{err: status.Error(codes.Unimplemented, "no")}, outage},
		"resource not in core": {"t", answering{err: status.Error(codes.InvalidArgument, "no")}, outage},
		"not a status":         {"t", answering{err: errors.New("boom")}, outage},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p, err := verifier.New(tt.core, config(), verifier.WithClock(clock)).Verify(t.Context(), tt.token)
			if got := kind(err); got != tt.want {
				t.Errorf("got %s (%v), want %s", got, err, tt.want)
			}
			if p != (verifier.Principal{}) {
				t.Errorf("got %v beside an error", p)
			}
		})
	}
}

func kind(err error) string {
	if _, ok := errors.AsType[*verifier.Inactive](err); ok {
		return "inactive"
	}
	if missing, ok := errors.AsType[*verifier.InsufficientScope](err); ok && cmp.Equal(missing.Required, []string{"mcp"}) {
		return "scope"
	}
	if outage, ok := errors.AsType[*verifier.Unavailable](err); ok && outage.RetryAfter > 0 {
		return "outage"
	}
	return fmt.Sprint(err)
}

func TestVerifyPassesOnHowLongTheCoreWillBeAway(t *testing.T) {
	s, err := status.New(codes.Unavailable, "draining").
		WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(7 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = verifier.New(answering{err: s.Err()}, config()).Verify(t.Context(), "t")
	if outage, ok := errors.AsType[*verifier.Unavailable](err); !ok || outage.RetryAfter != 7*time.Second {
		t.Errorf("got %v", err)
	}
	if status.Code(errors.Unwrap(err)) != codes.Unavailable {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestAPrincipalPrintsNoIdentity(t *testing.T) {
	core := verifiertest.NewClient(clock)
	core.Issue("good", ada())
	p, err := verifier.New(core, config(), verifier.WithClock(clock)).Verify(t.Context(), "good")
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "who", p)
	for _, printed := range []string{fmt.Sprint(p), fmt.Sprintf("%+v", p), fmt.Sprintf("%#v", p), log.String()} {
		if strings.Contains(printed, "ada@example.com") || !strings.Contains(printed, "user-ada") {
			t.Error(printed)
		}
	}
}
