package browser

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Form is a form of a page.
type Form struct {
	// Action is where it is sent.
	Action *url.URL
	// Method is GET or POST.
	Method string
	// Fields are the values that the page filled in.
	Fields url.Values
	// Buttons are what submits it, in document order.
	Buttons []*Button

	page  *Page
	names []string
}

// Button submits a form.
type Button struct {
	// Name and Value are sent with the form when Name is not empty.
	Name, Value string
	// Text is what the user reads.
	Text string
}

// Button returns the first button with that value, or with a text that contains it, or nil.
func (f *Form) Button(label string) *Button {
	for _, button := range f.Buttons {
		if button.Value == label || strings.Contains(strings.ToLower(button.Text), strings.ToLower(label)) {
			return button
		}
	}
	return nil
}

func newForm(page *Page, node *html.Node) *Form {
	form := &Form{Action: page.URL, Method: http.MethodGet, Fields: url.Values{}, page: page}
	if strings.EqualFold(attribute(node, "method"), "post") {
		form.Method = http.MethodPost
	}
	if action, err := page.URL.Parse(attribute(node, "action")); err == nil && attribute(node, "action") != "" {
		form.Action = action
	}
	return form
}

// Has reports whether the form has a field or a button of that name.
func (f *Form) Has(name string) bool {
	return slices.Contains(f.names, name) ||
		slices.ContainsFunc(f.Buttons, func(b *Button) bool { return b.Name == name })
}

// add takes a control into the form.
func (f *Form) add(node *html.Node) {
	name, kind := attribute(node, "name"), strings.ToLower(attribute(node, "type"))
	isButton := node.DataAtom == atom.Button && (kind == "" || kind == "submit") ||
		node.DataAtom == atom.Input && (kind == "submit" || kind == "image")
	if isButton {
		label := text(node)
		if node.DataAtom == atom.Input {
			label = attribute(node, "value")
		}
		f.Buttons = append(f.Buttons, &Button{Name: name, Value: attribute(node, "value"), Text: strings.TrimSpace(label)})
		return
	}
	if name == "" || has(node, "disabled") {
		return
	}
	f.names = append(f.names, name)
	switch {
	case node.DataAtom == atom.Select:
		f.addSelection(name, node)
	case node.DataAtom == atom.Textarea:
		f.Fields.Add(name, text(node))
	case kind == "checkbox" || kind == "radio":
		if has(node, "checked") {
			f.Fields.Add(name, attribute(node, "value"))
		}
	case node.DataAtom == atom.Input:
		f.Fields.Add(name, attribute(node, "value"))
	}
}

// addSelection takes the selected option, or the first, as browsers do.
func (f *Form) addSelection(name string, node *html.Node) {
	var chosen *html.Node
	for option := range node.Descendants() {
		if option.DataAtom == atom.Option && (chosen == nil || has(option, "selected")) {
			chosen = option
		}
	}
	if chosen != nil {
		f.Fields.Add(name, attribute(chosen, "value"))
	}
}

func (f *Form) values(button *Button, fields url.Values) url.Values {
	values := maps.Clone(f.Fields)
	maps.Copy(values, fields)
	if button == nil && len(f.Buttons) > 0 {
		button = f.Buttons[0]
	}
	if button != nil && button.Name != "" {
		values.Set(button.Name, button.Value)
	}
	return values
}
