package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

// views holds the parsed templates, one complete document for each view.
type views struct {
	byName map[string]*template.Template
}

// document is one HTML document. The layout renders everything but the body.
type document struct {
	view  string
	Title string
	// Server is the name of this server.
	Server string
	// Refresh is where the document moves on to by itself. Usually empty.
	Refresh template.URL
	// Body is what the view itself shows.
	Body any
}

func parseViews() (*views, error) {
	layout, err := template.ParseFS(templateFiles, "templates/layout.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	v := &views{byName: make(map[string]*template.Template)}
	for _, entry := range entries {
		page, err := layout.Clone()
		if err != nil {
			return nil, fmt.Errorf("clone layout: %w", err)
		}
		if _, err := page.ParseFS(templateFiles, "templates/"+entry.Name()); err != nil {
			return nil, fmt.Errorf("parse %s: %w", entry.Name(), err)
		}
		v.byName[strings.TrimSuffix(entry.Name(), ".html")] = page
	}
	return v, nil
}

// renderForms writes a document whose forms come back to this origin. With no-referrer a browser would send "Origin: null"
// with them (Fetch standard, "append a request Origin header"), and the origin check could not tell this page from another.
// Other sites still learn nothing.
func (p *Pages) renderForms(w http.ResponseWriter, r *http.Request, status int, doc document) {
	w.Header().Set("Referrer-Policy", "same-origin")
	p.render(w, r, status, doc)
}

// render writes a document. It is complete before the first byte goes out, so that a template error never leaves half a
// page.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, doc document) {
	doc.Server = p.server
	var b bytes.Buffer
	if err := p.views.byName[doc.view].ExecuteTemplate(&b, "layout", doc); err != nil {
		p.logger.ErrorContext(r.Context(), "page not rendered", "view", doc.view, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
