package oauth

import "strings"

// Resource is a protected resource for which tokens are issued (RFC 8707, RFC 9728).
type Resource struct {
	// URI identifies the resource: the value of "aud" in its tokens. Absolute, without a fragment.
	URI string
	// Name is for people.
	Name string
	// Scopes are all the scopes that the resource knows.
	Scopes Scopes
	// Descriptions say what scopes allow, for people. A scope may be without one.
	Descriptions map[string]string
}

// Path returns the path of the resource without its leading slash, as it follows the well-known prefix of RFC 9728
// section 3.1.
func (r Resource) Path() string {
	_, rest, _ := strings.Cut(canonicalResource(r.URI), "://")
	_, rest = cutBefore(rest, "/")
	path, _ := cutBefore(rest, "?")
	return strings.TrimPrefix(path, "/")
}

// Resources are the resources of this server. The first is the default.
type Resources []Resource

// Find returns the resource that uri identifies. URIs are compared as strings after this normalisation and no other:
// scheme and host in lower case, the default port dropped, an empty path the same as "/".
func (rs Resources) Find(uri string) (Resource, bool) {
	wanted := canonicalResource(uri)
	for _, r := range rs {
		if canonicalResource(r.URI) == wanted {
			return r, true
		}
	}
	return Resource{}, false
}

// ByPath returns the resource with that path, which is without its leading slash; the empty path is the default
// resource.
func (rs Resources) ByPath(path string) (Resource, bool) {
	for i, r := range rs {
		if path == "" && i == 0 || path != "" && r.Path() == path {
			return r, true
		}
	}
	return Resource{}, false
}

// Select returns the one resource that a request means by its resource parameters (RFC 8707 section 2). Without any,
// or with empty ones, which count as absent (RFC 6749 section 3.1), it is the default. A token is for one resource,
// so several parameters must all name the same. An error is an *Error with InvalidTarget.
func (rs Resources) Select(requested []string) (Resource, error) {
	var selected Resource
	for _, uri := range requested {
		if uri == "" {
			continue
		}
		r, err := rs.resolve(uri)
		if err != nil {
			return Resource{}, err
		}
		if selected.URI != "" && selected.URI != r.URI {
			return Resource{}, NewError(InvalidTarget, "resource must name a single resource")
		}
		selected = r
	}
	if selected.URI != "" {
		return selected, nil
	}
	if len(rs) == 0 {
		return Resource{}, NewError(InvalidTarget, "resource is required")
	}
	return rs[0], nil
}

func (rs Resources) resolve(uri string) (Resource, error) {
	scheme, _, absolute := strings.Cut(uri, "://")
	if !absolute || !isScheme(lowerASCII(scheme)) || strings.Contains(uri, "#") {
		return Resource{}, NewError(InvalidTarget, "resource must be an absolute URI without a fragment")
	}
	r, found := rs.Find(uri)
	if !found {
		return Resource{}, NewError(InvalidTarget, "resource is not one that this server knows")
	}
	return r, nil
}

// canonicalResource applies the normalisation of Find. Text that is no URI comes back in some form that equals no
// configured resource.
func canonicalResource(uri string) string {
	scheme, rest, found := strings.Cut(lowerOrigin(uri), "://")
	if !found {
		return uri
	}
	authority, tail := cutBefore(rest, "/?#")
	switch scheme {
	case "https":
		authority = strings.TrimSuffix(authority, ":443")
	case "http":
		authority = strings.TrimSuffix(authority, ":80")
	}
	if !strings.HasPrefix(tail, "/") {
		tail = "/" + tail
	}
	return scheme + "://" + authority + tail
}
