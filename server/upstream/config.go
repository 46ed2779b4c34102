package upstream

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"golang.org/x/oauth2"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// AuthStyle says how we authenticate at the token endpoint. It is never guessed: a guess that fails presents the code
// twice.
type AuthStyle string

// Styles of client authentication (RFC 6749 section 2.3.1).
const (
	AuthBasic AuthStyle = "basic" // client_secret_basic, the default
	AuthPost  AuthStyle = "post"  // client_secret_post
)

func (s AuthStyle) oauth2() oauth2.AuthStyle {
	if s == AuthPost {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// OIDCConfig configures a provider. Issuer, Name, ClientID, ClientSecret and RedirectURL are required.
type OIDCConfig struct {
	// Name is the id of the provider in this installation. Changing it makes everybody a new person.
	Name string
	// DisplayName is the name for people; Name when empty.
	DisplayName string
	// Issuer is compared with the provider's metadata and tokens to the byte.
	Issuer string
	// ClientID and ClientSecret are the app that the operator registered at the provider.
	ClientID     string
	ClientSecret secret.Text
	// RedirectURL is our callback.
	RedirectURL string
	// Scopes to request; openid, profile and email when empty.
	Scopes []string
	// AuthStyle defaults to AuthBasic.
	AuthStyle AuthStyle
	// Algorithms that tokens may be signed with; RS256, PS256, ES256 and EdDSA when empty.
	Algorithms []string
	// LogoutTokenAge is how long after its time of issue a logout token is accepted; three minutes when zero.
	LogoutTokenAge time.Duration
	// AllowedHosts lists hosts, with their port if any, that endpoints may be on besides the issuer's own.
	AllowedHosts []string
	// AllowHTTP accepts an http issuer that is not on loopback: for a provider in a private network that is trusted.
	AllowHTTP bool
	// HTTPClient brings a transport, for a private CA say. Limits, and the refusal to retry or to follow redirects,
	// apply to it as well.
	HTTPClient *http.Client
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Logger gets what goes wrong without failing a call; silent when nil.
	Logger *slog.Logger
}

func (c OIDCConfig) withDefaults() OIDCConfig {
	if c.DisplayName == "" {
		c.DisplayName = c.Name
	}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "profile", "email"}
	}
	if c.AuthStyle == "" {
		c.AuthStyle = AuthBasic
	}
	if len(c.Algorithms) == 0 {
		c.Algorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}
	}
	if c.LogoutTokenAge == 0 {
		c.LogoutTokenAge = 3 * time.Minute
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{}
	}
	if c.HTTPClient.Transport == nil {
		c.HTTPClient = &http.Client{Transport: newTransport(), Timeout: c.HTTPClient.Timeout}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// validate reports every problem at once.
func (c OIDCConfig) validate() error {
	var problems []error
	complain := func(bad bool, problem string) {
		if bad {
			problems = append(problems, errors.New("upstream: "+problem))
		}
	}
	complain(c.Name == "", "the provider needs a name")
	complain(c.ClientID == "", "the client id is missing")
	complain(c.ClientSecret.IsEmpty(), "the client secret is missing")
	complain(!slices.Contains(c.Scopes, "openid"), "the scopes must include openid")
	complain(c.AuthStyle != AuthBasic && c.AuthStyle != AuthPost, "the auth style must be basic or post")
	complain(c.LogoutTokenAge < 0, "the age of logout tokens must not be negative")
	for _, algorithm := range c.Algorithms {
		complain(!isAsymmetric(jwa.SignatureAlgorithm(algorithm)), fmt.Sprintf("algorithm %q cannot be allowed", algorithm))
	}
	if err := checkURL(c.Issuer, c.AllowHTTP); err != nil {
		problems = append(problems, fmt.Errorf("upstream: issuer: %w", err))
	}
	if u, err := url.Parse(c.RedirectURL); err != nil || u.Host == "" || u.Fragment != "" {
		problems = append(problems, errors.New("upstream: the redirect URL must be absolute and without a fragment"))
	}
	return errors.Join(problems...)
}

func (c OIDCConfig) algorithms() []jwa.SignatureAlgorithm {
	list := make([]jwa.SignatureAlgorithm, len(c.Algorithms))
	for i, algorithm := range c.Algorithms {
		list[i] = jwa.SignatureAlgorithm(algorithm)
	}
	return list
}

// isAsymmetric names what can be allowed at all. With "none" or an HMAC, whoever can read our configuration or the
// provider's public keys could make tokens.
func isAsymmetric(algorithm jwa.SignatureAlgorithm) bool {
	return slices.Contains([]jwa.SignatureAlgorithm{
		jwa.RS256, jwa.RS384, jwa.RS512, jwa.PS256, jwa.PS384, jwa.PS512, jwa.ES256, jwa.ES384, jwa.ES512, jwa.EdDSA,
	}, algorithm)
}

// checkURL accepts an absolute https URL without query and fragment (OpenID Connect Discovery section 3), and http where
// nobody else listens.
func checkURL(raw string, allowHTTP bool) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.ContainsAny(raw, "?#"):
		return errors.New("it must be an absolute URL without user, query and fragment")
	case u.Scheme == "https", u.Scheme == "http" && (allowHTTP || isLoopback(u.Hostname())):
		return nil
	}
	return errors.New("it must be an https URL; http is for loopback")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
