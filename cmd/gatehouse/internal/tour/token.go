package tour

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// redeem sends the code with the verifier (RFC 7636 section 4.5).
func (w *walk) redeem(ctx context.Context) (*oauth2.Token, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, w.http)
	return w.oauth.Exchange(ctx, w.code,
		oauth2.VerifierOption(w.verifier), oauth2.SetAuthURLParam("resource", w.target.Resource))
}

// exchange gets the tokens.
func (w *walk) exchange(ctx context.Context) (string, error) {
	tokens, err := w.redeem(ctx)
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return "", unlike("tokens", describeRefusal(refusal))
	}
	if err != nil {
		return "", err
	}
	life := time.Duration(tokens.ExpiresIn) * time.Second
	if tokens.Type() != "Bearer" || life <= 0 {
		return "", unlike("a bearer token with a life", fmt.Sprintf("type %q, life %s", tokens.TokenType, life))
	}
	w.tokens = tokens
	detail := fmt.Sprintf("an access token for %s, scope %v", life, tokens.Extra("scope"))
	if tokens.RefreshToken != "" {
		detail += ", and a refresh token"
	}
	return detail, nil
}

// replay exchanges the code once more: somebody has it who should not (RFC 6749 section 4.1.2).
func (w *walk) replay(ctx context.Context) (string, error) {
	_, err := w.redeem(ctx)
	return "refused: invalid_grant", refusedGrant(err, "the code was redeemed twice")
}

// useRevoked finds that everything ended that the first exchange gave.
func (w *walk) useRevoked(ctx context.Context) (string, error) {
	status, params, err := w.callWith(ctx, w.tokens.AccessToken)
	if err != nil {
		return "", err
	}
	if status != http.StatusUnauthorized || params["error"] != "invalid_token" {
		return "", unlike("401 invalid_token from the MCP endpoint", answer(status, params))
	}
	if err := w.expectRevoked(ctx); err != nil {
		return "", err
	}
	if w.tokens.RefreshToken == "" || !slices.Contains(w.server.GrantTypes, "refresh_token") {
		return "the access token is dead for /mcp and for VerifyToken", nil
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, w.http)
	_, err = w.oauth.TokenSource(ctx, &oauth2.Token{RefreshToken: w.tokens.RefreshToken}).Token()
	return "access token and refresh token are dead", refusedGrant(err, "the refresh token gave a new token")
}

// refusedGrant expects the refusal invalid_grant (RFC 6749 section 5.2).
func refusedGrant(err error, otherwise string) error {
	const expected = "400 invalid_grant"
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case err == nil:
		return unlike(expected, otherwise)
	case !ok:
		return err
	case refusal.Response.StatusCode != http.StatusBadRequest || refusal.ErrorCode != "invalid_grant":
		return unlike(expected, describeRefusal(refusal))
	}
	return nil
}

// describeRefusal leaves out the body, which holds tokens when the refusal is none.
func describeRefusal(refusal *oauth2.RetrieveError) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", refusal.Response.Status, refusal.ErrorCode, refusal.ErrorDescription))
}
