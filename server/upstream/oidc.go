package upstream

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/oauth2"

	"github.com/gatehouse-auth/gatehouse/server/secret"
)

// keysMaxAge is how long keys are used before they are loaded again.
const keysMaxAge = 10 * time.Minute

// OIDC is a provider that speaks OpenID Connect with discovery.
type OIDC struct {
	name         string
	displayName  string
	clientID     string
	clientSecret secret.Text
	redirectURL  string
	scopes       []string
	authStyle    oauth2.AuthStyle
	client       *http.Client
	now          func() time.Time
	logger       *slog.Logger
	metadata     *lastGood[metadata]
	verifier     *verifier
}

var _ Provider = (*OIDC)(nil)

// NewOIDC returns a provider. It does not touch the network. The error lists everything that is wrong with cfg.
func NewOIDC(cfg OIDCConfig) (*OIDC, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	p := &OIDC{
		name:         cfg.Name,
		displayName:  cfg.DisplayName,
		clientID:     cfg.ClientID,
		clientSecret: cfg.ClientSecret,
		redirectURL:  cfg.RedirectURL,
		scopes:       cfg.Scopes,
		authStyle:    cfg.AuthStyle.oauth2(),
		client:       hardened(cfg.HTTPClient, maxBody),
		now:          cfg.Now,
		logger:       cfg.Logger,
	}
	p.metadata = p.newMetadata(cfg)
	p.verifier = &verifier{
		issuer:     cfg.Issuer,
		clientID:   cfg.ClientID,
		algorithms: cfg.algorithms(),
		keys:       p.newKeys(cfg),
		logoutAge:  cfg.LogoutTokenAge,
		now:        cfg.Now,
	}
	return p, nil
}

func (p *OIDC) newMetadata(cfg OIDCConfig) *lastGood[metadata] {
	d := &discovery{
		issuer: cfg.Issuer,
		hosts:  cfg.AllowedHosts,
		fetch: func(ctx context.Context, url string) ([]byte, error) {
			return fetch(ctx, p.client, "metadata", url, secret.Text{}, p.now())
		},
		logger: cfg.Logger,
	}
	return &lastGood[metadata]{name: "metadata", load: d.load, maxAge: metadataMaxAge, now: cfg.Now, logger: cfg.Logger}
}

func (p *OIDC) newKeys(cfg OIDCConfig) *lastGood[keySet] {
	client := hardened(cfg.HTTPClient, maxKeysBody)
	load := func(ctx context.Context) (keySet, error) {
		md, err := p.metadata.get(ctx)
		if err != nil {
			return nil, err
		}
		body, err := fetch(ctx, client, "keys", md.value.keysEndpoint, secret.Text{}, p.now())
		if err != nil {
			return nil, err
		}
		set, skipped, err := parseKeySet(body)
		if skipped > 0 {
			p.logger.DebugContext(ctx, "provider keys skipped", "provider", p.name, "skipped", skipped, "usable", len(set))
		}
		return set, err
	}
	return &lastGood[keySet]{name: "keys", load: load, maxAge: keysMaxAge, now: cfg.Now, logger: cfg.Logger}
}

// Name implements Provider.
func (p *OIDC) Name() string { return p.name }

// DisplayName implements Provider.
func (p *OIDC) DisplayName() string { return p.displayName }

// Ready implements Provider.
func (p *OIDC) Ready(ctx context.Context) error {
	_, err := p.ready(ctx)
	return err
}

// ready returns the metadata once the keys are there as well. Nothing that can be used once is sent to a provider whose
// answer could not be verified.
func (p *OIDC) ready(ctx context.Context) (metadata, error) {
	if _, err := p.verifier.keys.get(ctx); err != nil {
		return metadata{}, err
	}
	md, err := p.metadata.get(ctx)
	if err != nil {
		return metadata{}, err
	}
	return md.value, nil
}

// AuthorizationURL implements Provider.
func (p *OIDC) AuthorizationURL(ctx context.Context, req AuthorizationRequest) (string, error) {
	if req.State.IsEmpty() || req.Nonce.IsEmpty() || req.Verifier.IsEmpty() {
		return "", errors.New("upstream: an authorization request needs state, nonce and verifier")
	}
	md, err := p.metadata.get(ctx)
	if err != nil {
		return "", err
	}
	return p.oauth2(md.value).AuthCodeURL(
		req.State.Reveal(),
		oauth2.SetAuthURLParam("nonce", req.Nonce.Reveal()),
		oauth2.S256ChallengeOption(req.Verifier.Reveal()),
	), nil
}

func (p *OIDC) oauth2(md metadata) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     p.clientID,
		ClientSecret: p.clientSecret.Reveal(),
		RedirectURL:  p.redirectURL,
		Scopes:       p.scopes,
		Endpoint: oauth2.Endpoint{
			AuthURL:   md.authorizationEndpoint,
			TokenURL:  md.tokenEndpoint,
			AuthStyle: p.authStyle,
		},
	}
}

// redeem sends one request to the token endpoint. Once it is under way a caller who hangs up does not stop it: the
// answer may be the only copy of a rotated refresh token.
func (p *OIDC) redeem(ctx context.Context, send func(context.Context) (*oauth2.Token, error)) (Tokens, error) {
	if err := ctx.Err(); err != nil {
		return Tokens{}, newError(KindUnavailable, "token endpoint: %w", err)
	}
	ctx = context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, p.client)
	response, err := send(ctx)
	if err != nil {
		return Tokens{}, tokenError(err, p.now())
	}
	return parseTokens(response, p.now().UTC().Round(0)) // no monotonic reading: the times are stored
}
