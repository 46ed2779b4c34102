package page

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// maxName is how much of a client's own text the page shows, in characters. The core stores less; a page that would
// push its warnings out of sight must not depend on that.
const maxName = 64

// consentView is what the consent page shows.
type consentView struct {
	Handle, CSRF string

	ClientName string
	ClientID   string
	// Operator is true for a client that the operator registered.
	Operator bool
	// Document is the host that publishes the client's metadata, for a client whose identifier is a URL.
	Document string
	// Registered says how long ago the client registered. Empty when that is not known.
	Registered string

	Destination  destination
	RedirectURI  string
	ResourceName string
	Resource     string
	Scopes       []scopeView
	Provider     string
	// Until is when the transaction ends, in UTC. Empty when that is not known.
	Until string
}

// scopeView is one thing that the client will be able to do.
type scopeView struct {
	Value, Description string
}

func newConsentView(c *gatehousev1.GetConsentResponse, handle, csrf string, now time.Time) consentView {
	view := consentView{
		Handle:       handle,
		CSRF:         csrf,
		ClientName:   firstNonEmpty(plain(c.GetClientName()), "An app without a name"),
		ClientID:     c.GetClientId(),
		Operator:     c.GetClientOrigin() == gatehousev1.Client_ORIGIN_OPERATOR,
		Document:     documentHost(c.GetClientId()),
		Registered:   ago(c.GetClientCreateTime(), now),
		Destination:  newDestination(c.GetRedirectDestination(), c.GetRedirectKind()),
		RedirectURI:  c.GetRedirectUri(),
		ResourceName: firstNonEmpty(plain(c.GetResourceName()), c.GetResource()),
		Resource:     c.GetResource(),
		Provider:     firstNonEmpty(plain(c.GetProviderName()), "your identity provider"),
	}
	for _, scope := range c.GetScopes() {
		view.Scopes = append(view.Scopes, scopeView{Value: scope.GetValue(), Description: scope.GetDescription()})
	}
	if until := c.GetExpireTime(); until.IsValid() {
		view.Until = until.AsTime().UTC().Format("15:04")
	}
	return view
}

// plain reduces text to one short line without characters that are invisible or turn the direction of what follows.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			return -1
		default:
			return r
		}
	}, text)
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > maxName {
		return string(runes[:maxName-1]) + "…"
	}
	return string(runes)
}

// documentHost returns the host of a client identifier that is an https URL, and an empty string for any other.
func documentHost(clientID string) string {
	u, err := url.Parse(clientID)
	if err != nil || u.Scheme != "https" {
		return ""
	}
	return asciiHost(u.Hostname())
}

// ago says how much time has passed, coarsely: the point is to tell minutes from months.
func ago(then *timestamppb.Timestamp, now time.Time) string {
	if !then.IsValid() || then.GetSeconds() == 0 {
		return ""
	}
	passed := now.Sub(then.AsTime())
	switch {
	case passed < time.Minute:
		return "less than a minute ago"
	case passed < time.Hour:
		return count(int(passed/time.Minute), "minute")
	case passed < 24*time.Hour:
		return count(int(passed/time.Hour), "hour")
	default:
		return count(int(passed/(24*time.Hour)), "day")
	}
}

func count(n int, unit string) string {
	if n == 1 {
		return "1 " + unit + " ago"
	}
	return fmt.Sprintf("%d %ss ago", n, unit)
}
