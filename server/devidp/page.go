package devidp

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"net/http"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

//go:embed page.html page.css
var assets embed.FS

// loginPage is what the login page shows.
type loginPage struct {
	Action   string
	Users    []User
	Username string // as typed
	Wrong    bool
}

// errorPage is what the error page shows.
type errorPage struct {
	Code        string
	Description string
}

// pages renders HTML that needs nothing but itself.
type pages struct {
	template *template.Template
	policy   string // Content-Security-Policy
}

func newPages() (*pages, error) {
	css, err := assets.ReadFile("page.css")
	if err != nil {
		return nil, fmt.Errorf("devidp: %w", err)
	}
	parsed, err := template.New("").
		Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(css) }}). //nolint:gosec // G203: our own file
		ParseFS(assets, "page.html")
	if err != nil {
		return nil, fmt.Errorf("devidp: %w", err)
	}
	digest := sha256.Sum256(css)
	return &pages{
		template: parsed,
		// There is no form-action: browsers apply it to the redirects after the form as well, and those lead over our
		// callback to wherever the client is.
		policy: "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-" +
			base64.StdEncoding.EncodeToString(digest[:]) + "'",
	}, nil
}

func (p *pages) render(w http.ResponseWriter, status int, name string, data any) error {
	var body bytes.Buffer
	if err := p.template.ExecuteTemplate(&body, name, data); err != nil {
		return fmt.Errorf("devidp: %w", err)
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Security-Policy", p.policy)
	header.Set("X-Frame-Options", "DENY")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // a browser that has gone away needs no page
	return nil
}

// renderError answers an authorization request that must not be redirected.
func (p *pages) renderError(w http.ResponseWriter, _ *http.Request, cause error) error {
	failure, ok := errors.AsType[goidc.Error](cause)
	if !ok {
		return p.render(w, http.StatusInternalServerError, "error", errorPage{Code: "server_error"})
	}
	return p.render(w, failure.StatusCode(), "error", errorPage{Code: string(failure.Code), Description: failure.Description})
}
