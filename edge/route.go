package edge

import (
	"fmt"
	"net/http"
	"net/url"
)

// routes returns the mux of the edge. Adding a route here or in a room changes testdata/routes.golden.
func (r *rooms) routes(site *site) (*http.ServeMux, error) {
	mux := http.NewServeMux()
	r.pages.Register(mux)
	mux.Handle("/register", r.oauth)
	mux.Handle("/token", r.oauth)
	mux.Handle("/revoke", r.oauth)
	mux.Handle("/introspect", r.oauth)
	mux.Handle("/auth/backchannel-logout", r.oauth)
	mux.Handle("/.well-known/", r.oauth)
	mux.HandleFunc(pathAlive, r.probes.alive)
	mux.HandleFunc(pathReady, r.probes.ready)
	mux.Handle("/", r.problems.handler(http.StatusNotFound))
	if pattern := patternOf(mux, site.resourcePath); pattern != "/" {
		return nil, fmt.Errorf("edge: the path %s of the resource is taken by %s", site.resourcePath, pattern)
	}
	mux.Handle(site.resourcePath, unhurried(r.mcp, r.now))
	return mux, nil
}

// patternOf returns the pattern that a path is routed by.
func patternOf(mux *http.ServeMux, path string) string {
	_, pattern := mux.Handler(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}})
	return pattern
}
