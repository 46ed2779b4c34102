package upstream

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

const (
	// minLifetime and maxLifetime clamp the expires_in of an access token that does not carry its own expiry.
	minLifetime = time.Minute
	maxLifetime = 24 * time.Hour
	// maxRefreshLifetime is the longest refresh token lifetime that we note; beyond it there is no fixed end.
	maxRefreshLifetime = 10 * 365 * 24 * time.Hour
	// maxScope bounds a scope value in bytes.
	maxScope = 4096
)

// parseTokens reads a token response (RFC 6749 section 5.1) that the oauth2 package let through. That package fills
// fields under names of any case; the raw values must be there under the right name and of the right type.
func parseTokens(response *oauth2.Token, now time.Time) (Tokens, error) {
	tokens := Tokens{}
	for _, field := range []struct {
		name     string
		to       *secret.Text
		required bool
	}{
		{"access_token", &tokens.AccessToken, true},
		{"refresh_token", &tokens.RefreshToken, false},
		{"id_token", &tokens.IDToken, false},
	} {
		value, err := textOf(response, field.name, maxToken)
		if err != nil {
			return Tokens{}, err
		}
		if field.required && value == "" {
			return Tokens{}, newError(KindGarbage, "token response: %s is missing", field.name)
		}
		if strings.Contains(value, " ") {
			return Tokens{}, newError(KindGarbage, "token response: %s has a blank", field.name)
		}
		*field.to = secret.NewText(value)
	}
	kind, err := textOf(response, "token_type", maxScope)
	if err != nil {
		return Tokens{}, err
	}
	if !strings.EqualFold(kind, "bearer") {
		return Tokens{}, newError(KindGarbage, "token response: the token is not a bearer token")
	}
	if tokens.Scope, err = textOf(response, "scope", maxScope); err != nil {
		return Tokens{}, err
	}
	return tokens.withLifetimes(response, now)
}

func (t Tokens) withLifetimes(response *oauth2.Token, now time.Time) (Tokens, error) {
	access, err := lifetimeOf(response, "expires_in")
	if err != nil {
		return Tokens{}, err
	}
	if response.Extra("expires_in") != nil {
		t.AccessExpireTime = now.Add(min(max(access, minLifetime), maxLifetime))
	}
	for _, name := range []string{"refresh_expires_in", "refresh_token_expires_in"} {
		refresh, err := lifetimeOf(response, name)
		if err != nil {
			return Tokens{}, err
		}
		if 0 < refresh && refresh <= maxRefreshLifetime {
			t.RefreshExpireTime = now.Add(refresh)
			break
		}
	}
	return t, nil
}

// textOf returns a member that is printable ASCII; empty when it is absent.
func textOf(response *oauth2.Token, name string, limit int) (string, error) {
	raw := response.Extra(name)
	if raw == nil {
		return "", nil
	}
	value, ok := raw.(string)
	if !ok || len(value) > limit || !isPrintable(value) {
		return "", newError(KindGarbage, "token response: %s is not a printable string", name)
	}
	return value, nil
}

// lifetimeOf returns a member that is a number of seconds, which some providers write as a string.
func lifetimeOf(response *oauth2.Token, name string) (time.Duration, error) {
	var seconds float64
	switch raw := response.Extra(name).(type) {
	case nil:
		return 0, nil
	case float64:
		seconds = raw
	case string:
		number, err := strconv.ParseFloat(raw, 64)
		if err != nil || math.IsNaN(number) {
			return 0, newError(KindGarbage, "token response: %s is not a number", name)
		}
		seconds = number
	default:
		return 0, newError(KindGarbage, "token response: %s is not a number", name)
	}
	return time.Duration(max(min(seconds, math.MaxInt32), math.MinInt32)) * time.Second, nil
}

// tokenError maps what the oauth2 package could not turn into a token.
func tokenError(err error, now time.Time) *Error {
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return refusalError(refusal, now)
	}
	if failure, ok := errors.AsType[*url.Error](err); ok {
		return transportError("token endpoint", failure)
	}
	// What is left is a success with a body that is no token response. Its text could quote the body.
	return newError(KindGarbage, "token endpoint: the answer is not a token response")
}

// refusalError maps an OAuth error (RFC 6749 section 5.2). Only well-formed ones mean what they say: proxies and error
// pages answer 400, too.
func refusalError(refusal *oauth2.RetrieveError, now time.Time) *Error {
	status := refusal.Response.StatusCode
	code := errorCode(refusal.Body)
	refused := status == http.StatusBadRequest || status == http.StatusUnauthorized
	switch {
	case refused && code == "invalid_grant",
		status == http.StatusOK && (code == "bad_verification_code" || code == "bad_refresh_token"): // GitHub
		return newError(KindInvalidGrant, "token endpoint answered %d %s", status, code)
	case refused && (code == "invalid_client" || code == "unauthorized_client"):
		return newError(KindMisconfigured, "token endpoint answered %d %s", status, code)
	}
	return statusError("token endpoint", status, refusal.Response.Header, now)
}

// errorCode returns the error member of a JSON object; empty when there is no such thing.
func errorCode(body []byte) string {
	o, err := parseObject(body)
	if err != nil {
		return ""
	}
	code, _ := o.text("error")
	return code
}
