package visitor

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Page is where a visitor is.
type Page struct {
	// URL is its address.
	URL *url.URL
	// Paused is true when the visitor stands before the page. Nothing below is set then.
	Paused bool
	// Status is the HTTP status.
	Status int
	// Title is the title.
	Title string
	// Text is the text of the page, with single spaces.
	Text string
	// Forms are the forms, in order.
	Forms []Form

	location, refresh string
}

// Form is a form of a page.
type Form struct {
	// Page is the page that it stands on.
	Page *url.URL
	// Action is where it is sent.
	Action *url.URL
	// Method is the HTTP method.
	Method string
	// Fields are the values that the page filled in, by name.
	Fields map[string]string
	// Buttons are the buttons that say something when they are pressed: values by name.
	Buttons map[string][]string
}

// String describes the page for a person. The query of its address may be secret, and is left out.
func (p *Page) String() string {
	return fmt.Sprintf("%d %q at %s://%s%s", p.Status, p.Title, p.URL.Scheme, p.URL.Host, p.URL.Path)
}

// Form returns the last form with that field or button. A page may have quicker ways before its real form.
func (p *Page) Form(name string) (form Form, ok bool) {
	for _, candidate := range p.Forms {
		_, field := candidate.Fields[name]
		_, button := candidate.Buttons[name]
		if field || button {
			form, ok = candidate, true
		}
	}
	return form, ok
}

// next is where a browser goes by itself.
func (p *Page) next() (*url.URL, bool) {
	target := p.refresh
	if p.Status >= 300 && p.Status < 400 {
		target = p.location
	}
	if target == "" {
		return nil, false
	}
	address, err := p.URL.Parse(target)
	return address, err == nil
}

func parse(address *url.URL, response *http.Response, body []byte) (*Page, error) {
	root, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	page := &Page{URL: address, Status: response.StatusCode, location: response.Header.Get("Location")}
	for node := range root.Descendants() {
		switch node.DataAtom {
		case atom.Title:
			page.Title = text(node)
		case atom.Body:
			page.Text = text(node)
		case atom.Meta:
			if strings.EqualFold(attribute(node, "http-equiv"), "refresh") {
				page.refresh = refreshTarget(attribute(node, "content"))
			}
		case atom.Form:
			page.Forms = append(page.Forms, newForm(address, node))
		default: // nothing that the visitor reads or uses
		}
	}
	return page, nil
}

func newForm(page *url.URL, node *html.Node) Form {
	form := Form{
		Page:    page,
		Action:  page,
		Method:  strings.ToUpper(attribute(node, "method")),
		Fields:  make(map[string]string),
		Buttons: make(map[string][]string),
	}
	if action, err := page.Parse(attribute(node, "action")); err == nil {
		form.Action = action
	}
	for control := range node.Descendants() {
		name := attribute(control, "name")
		switch {
		case name == "":
		case control.DataAtom == atom.Button:
			form.Buttons[name] = append(form.Buttons[name], attribute(control, "value"))
		case control.DataAtom == atom.Input:
			form.Fields[name] = attribute(control, "value")
		}
	}
	return form
}

// refreshTarget is the address in "0; url=address".
func refreshTarget(content string) string {
	_, target, _ := strings.Cut(content, ";")
	target = strings.TrimSpace(target)
	if len(target) < 4 || !strings.EqualFold(target[:4], "url=") {
		return ""
	}
	return strings.Trim(target[4:], `'" `)
}

func text(node *html.Node) string {
	var words strings.Builder
	for part := range node.Descendants() {
		if part.Type == html.TextNode {
			words.WriteString(part.Data)
			words.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(words.String()), " ")
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
