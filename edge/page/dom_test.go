package page

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// dom is a page as a browser reads it.
type dom struct{ *html.Node }

func parseHTML(t *testing.T, res answer) dom {
	t.Helper()
	if got := res.Header.Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Fatalf("status %d, Content-Type %q: not a page", res.StatusCode, got)
	}
	node, err := html.Parse(strings.NewReader(res.Body))
	if err != nil {
		t.Fatal(err)
	}
	return dom{node}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// all returns the elements that match.
func (d dom) all(match func(*html.Node) bool) []*html.Node {
	var found []*html.Node
	for n := range d.Descendants() {
		if n.Type == html.ElementNode && match(n) {
			found = append(found, n)
		}
	}
	return found
}

// test returns the elements with a data-test attribute.
func (d dom) test(id string) []*html.Node {
	return d.all(func(n *html.Node) bool { return attr(n, "data-test") == id })
}

// text returns the text of the first element with a data-test attribute, and an empty string when there is none.
func (d dom) text(id string) string {
	for _, n := range d.test(id) {
		return textOf(n)
	}
	return ""
}

// input returns the value of a form field.
func (d dom) input(name string) string {
	for _, n := range d.all(func(n *html.Node) bool { return n.Data == "input" && attr(n, "name") == name }) {
		return attr(n, "value")
	}
	return ""
}

// attribute returns an attribute of the first element with a data-test attribute.
func (d dom) attribute(id, name string) string {
	for _, n := range d.test(id) {
		return attr(n, name)
	}
	return ""
}

// refresh returns where the page moves on to by itself.
func (d dom) refresh() string {
	for _, n := range d.all(func(n *html.Node) bool { return attr(n, "http-equiv") == "refresh" }) {
		return strings.TrimPrefix(attr(n, "content"), "0; url=")
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}
