package connect

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxMetadata is the most that is read of a metadata document.
const maxMetadata = 1 << 20

// announcesIssuer reports whether the authorization server says that it names itself in every answer (RFC 9207 section
// 3). The library reads the same document and drops the member. A document that cannot be read announces nothing.
func (c *connection) announcesIssuer(ctx context.Context, issuer string) bool {
	for _, address := range metadataURLs(issuer) {
		var metadata struct {
			Issuer    string `json:"issuer"`
			Announces bool   `json:"authorization_response_iss_parameter_supported"`
		}
		if c.getJSON(ctx, address, &metadata) && metadata.Issuer == issuer {
			return metadata.Announces
		}
	}
	return false
}

// metadataURLs are the places of the document: RFC 8414 section 3.1 first, then OpenID Connect Discovery.
func metadataURLs(issuer string) []string {
	u, err := url.Parse(issuer)
	if err != nil {
		return nil
	}
	origin, path := u.Scheme+"://"+u.Host, strings.TrimSuffix(u.EscapedPath(), "/")
	return []string{
		origin + "/.well-known/oauth-authorization-server" + path,
		origin + "/.well-known/openid-configuration" + path,
		origin + path + "/.well-known/openid-configuration",
	}
}

func (c *connection) getJSON(ctx context.Context, address string, into any) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	request.Header.Set("Accept", "application/json")
	answer, err := c.http.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK &&
		json.NewDecoder(io.LimitReader(answer.Body, maxMetadata)).Decode(into) == nil
}
