package browser

import (
	"bytes"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Page is where a navigation ended.
type Page struct {
	// URL is the address of the page.
	URL *url.URL
	// Left is true when the address belongs to the application. It was not loaded then, and nothing else is set.
	Left bool
	// Status is the HTTP status.
	Status int
	// Header is the response header.
	Header http.Header
	// Body is the response body.
	Body []byte
	// Title is the text of the title element.
	Title string
	// Text is the visible text, with single spaces.
	Text string
	// Forms are the forms in document order.
	Forms []*Form
	// Links are the targets of anchors in document order.
	Links []*url.URL

	refresh string
}

// String describes the page for a failed test, without parameters of its address, which may be secret.
func (p *Page) String() string {
	text := p.Text
	if len(text) > 300 {
		text = text[:300] + "..."
	}
	return fmt.Sprintf("%d %s%s %q: %s", p.Status, p.URL.Host, p.URL.Path, p.Title, text)
}

// Form returns the first form that has a field or a button of that name, or nil.
func (p *Page) Form(name string) *Form {
	for _, form := range p.Forms {
		if form.Has(name) {
			return form
		}
	}
	return nil
}

func newPage(address *url.URL, res *http.Response, body []byte) (*Page, error) {
	page := &Page{URL: address, Status: res.StatusCode, Header: res.Header, Body: body, refresh: res.Header.Get("Refresh")}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "text/html" {
		page.Text = string(body)
		return page, nil
	}
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	page.read(root, nil)
	page.Text = strings.Join(strings.Fields(page.Text), " ")
	return page, nil
}

// read collects what the browser needs from an element and everything below it.
func (p *Page) read(node *html.Node, form *Form) {
	if node.Type == html.TextNode {
		p.Text += " " + node.Data
	}
	switch node.DataAtom {
	case atom.Script, atom.Style, atom.Template:
		return
	case atom.Title:
		p.Title = strings.TrimSpace(text(node))
		return
	case atom.Meta:
		if strings.EqualFold(attribute(node, "http-equiv"), "refresh") {
			p.refresh = attribute(node, "content")
		}
	case atom.A:
		if target, err := p.URL.Parse(attribute(node, "href")); err == nil && attribute(node, "href") != "" {
			p.Links = append(p.Links, target)
		}
	case atom.Form:
		form = newForm(p, node)
		p.Forms = append(p.Forms, form)
	case atom.Input, atom.Button, atom.Select, atom.Textarea:
		if form != nil {
			form.add(node)
		}
	default:
		// Every other element is only its content.
	}
	for child := range node.ChildNodes() {
		p.read(child, form)
	}
}

var refreshTarget = regexp.MustCompile(`(?i)^\s*\d+\s*[;,]\s*url\s*=\s*['"]?([^'"]+)`)

// next is the request that a browser makes by itself after the page, or nil.
func (p *Page) next(last request) *request {
	if location := p.Header.Get("Location"); slices.Contains([]int{301, 302, 303, 307, 308}, p.Status) && location != "" {
		target, err := p.URL.Parse(location)
		if err != nil {
			return nil
		}
		if p.Status >= http.StatusTemporaryRedirect {
			return &request{method: last.method, body: last.body, target: target, from: last.from}
		}
		return &request{method: http.MethodGet, target: target, from: last.from}
	}
	if match := refreshTarget.FindStringSubmatch(p.refresh); match != nil {
		if target, err := p.URL.Parse(strings.TrimSpace(match[1])); err == nil {
			return &request{method: http.MethodGet, target: target, from: p}
		}
	}
	return nil
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(node *html.Node, name string) bool {
	return slices.ContainsFunc(node.Attr, func(a html.Attribute) bool { return a.Key == name })
}

func text(node *html.Node) string {
	var b strings.Builder
	for child := range node.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data)
		}
	}
	return b.String()
}
