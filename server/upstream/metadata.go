package upstream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
)

// metadataMaxAge is how long provider metadata is used before it is loaded again.
const metadataMaxAge = time.Hour

// metadata is what we use of a provider's discovery document (OpenID Connect Discovery section 3, RFC 8414 section 2).
type metadata struct {
	authorizationEndpoint string
	tokenEndpoint         string
	keysEndpoint          string
	userinfoEndpoint      string // this and the next two are empty when there is none
	introspectionEndpoint string // RFC 7662
	revocationEndpoint    string // RFC 7009
	issuerParameter       bool   // callbacks carry iss (RFC 9207 section 3)
}

// discovery loads metadata and decides which of it can be believed.
type discovery struct {
	issuer string
	hosts  []string // that endpoints may be on
	fetch  func(ctx context.Context, url string) ([]byte, error)
	logger *slog.Logger
	last   *metadata // touched by one load at a time
}

func (d *discovery) load(ctx context.Context) (metadata, error) {
	location := strings.TrimSuffix(d.issuer, "/") + "/.well-known/openid-configuration"
	body, err := d.fetch(ctx, location)
	if err != nil {
		return metadata{}, err
	}
	m, err := d.parse(body)
	if err != nil {
		return metadata{}, err
	}
	if d.last != nil && *d.last != m {
		d.logger.WarnContext(ctx, "provider metadata changed", "issuer", d.issuer)
	}
	d.last = &m
	return m, nil
}

// parse reads a document. The issuer must be ours to the byte (OpenID Connect Discovery section 4.3). Whoever controls
// an endpoint gets our codes and our secret, so endpoints elsewhere need the operator's word.
func (d *discovery) parse(body []byte) (metadata, error) {
	o, err := parseObject(body)
	if err != nil {
		return metadata{}, newError(KindGarbage, "metadata: %w", err)
	}
	if issuer, err := o.text("issuer"); err != nil || issuer != d.issuer {
		return metadata{}, newError(KindMisconfigured, "metadata: it names another issuer than %q", d.issuer)
	}
	m := metadata{issuerParameter: o.flag("authorization_response_iss_parameter_supported")}
	for _, endpoint := range []struct {
		name     string
		to       *string
		required bool
	}{
		{"authorization_endpoint", &m.authorizationEndpoint, true},
		{"token_endpoint", &m.tokenEndpoint, true},
		{"jwks_uri", &m.keysEndpoint, true},
		{"userinfo_endpoint", &m.userinfoEndpoint, false},
		{"introspection_endpoint", &m.introspectionEndpoint, false},
		{"revocation_endpoint", &m.revocationEndpoint, false},
	} {
		value, err := o.text(endpoint.name)
		if err != nil || value == "" && endpoint.required {
			return metadata{}, newError(KindGarbage, "metadata: %s is missing or not a string", endpoint.name)
		}
		if value == "" {
			continue
		}
		if err := d.checkEndpoint(value); err != nil {
			return metadata{}, newError(KindMisconfigured, "metadata: %s: %w", endpoint.name, err)
		}
		*endpoint.to = value
	}
	return m, nil
}

func (d *discovery) checkEndpoint(endpoint string) error {
	issuer, err := url.Parse(d.issuer)
	if err != nil {
		return err
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil:
		return errors.New("it is not a URL")
	case u.Scheme != issuer.Scheme && u.Scheme != "https":
		return errors.New("its scheme is not that of the issuer")
	case u.User != nil || u.Fragment != "":
		return errors.New("it has user information or a fragment")
	case u.Host != issuer.Host && !slices.Contains(d.hosts, u.Host):
		return fmt.Errorf("its host %q is neither the issuer's nor on the list of allowed hosts", u.Host)
	}
	return nil
}
