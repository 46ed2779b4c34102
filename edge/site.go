package edge

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// site is where the edge stands, as far as routing and guarding must know.
type site struct {
	issuer string
	// resourcePath is the path of the MCP endpoint.
	resourcePath string
	hosts        hosts
	// secure is true when browsers come by https.
	secure bool
	// loopback is true when only this machine can reach the issuer.
	loopback bool
}

func newSite(config Config) (*site, error) {
	issuer, err := url.Parse(config.Issuer)
	if err != nil || issuer.Host == "" || issuer.Scheme != "http" && issuer.Scheme != "https" ||
		config.Issuer != issuer.Scheme+"://"+issuer.Host {
		return nil, fmt.Errorf("edge: issuer %q is not an origin; it should look like https://mcp.example.com", config.Issuer)
	}
	resourcePath, ok := strings.CutPrefix(config.Resource, config.Issuer)
	if !ok || !isPlainPath(resourcePath) || strings.HasSuffix(resourcePath, "/") {
		return nil, fmt.Errorf("edge: resource %q is not the issuer with a path, such as %s/mcp", config.Resource, config.Issuer)
	}
	s := &site{
		issuer:       config.Issuer,
		resourcePath: resourcePath,
		hosts:        hosts{},
		secure:       issuer.Scheme == "https",
		loopback:     isLoopback(issuer.Hostname()),
	}
	s.hosts.addURL(issuer, s.loopback)
	for _, host := range config.AllowedHosts {
		s.hosts.add(host)
	}
	return s, nil
}

// metadataURL is where clients find the metadata of the MCP endpoint (RFC 9728 section 3.1).
func (s *site) metadataURL() string {
	return s.issuer + "/.well-known/oauth-protected-resource" + s.resourcePath
}

// hosts are the values of Host that are answered, in lower case.
type hosts map[string]bool

func (h hosts) has(host string) bool { return h[strings.ToLower(host)] }

func (h hosts) add(host string) { h[strings.ToLower(host)] = true }

// addURL adds the host of a URL in each spelling that clients have for it. A loopback name stands for all of them: they
// lead to the same server, and none can be made to lead anywhere else.
func (h hosts) addURL(u *url.URL, loopback bool) {
	names := []string{u.Hostname()}
	if loopback {
		names = append(names, "localhost", "127.0.0.1", "::1")
	}
	defaultPort := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	for _, name := range names {
		port := u.Port()
		if port == "" || port == defaultPort {
			port = defaultPort
			h.add(strings.TrimSuffix(net.JoinHostPort(name, port), ":"+port))
		}
		h.add(net.JoinHostPort(name, port))
	}
}

func isLoopback(name string) bool {
	addr, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && addr.IsLoopback()
}

// isPlainPath tells whether a path, as it stands in a request, has one spelling only: no escapes, no empty or dot
// segments. Every route of the edge has such a path; a trailing slash is part of it.
func isPlainPath(p string) bool {
	if !strings.HasPrefix(p, "/") || strings.ContainsFunc(p, isOddInPath) {
		return false
	}
	return path.Clean(p) == p || path.Clean(p)+"/" == p && p != "//"
}

func isOddInPath(c rune) bool {
	return c <= ' ' || c > '~' || strings.ContainsRune(`%\;?#`, c)
}
