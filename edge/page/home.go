package page

import (
	"html/template"
	"net/http"

	"github.com/gatehouse-auth/gatehouse/edge/page/clients"
)

// homeView is the page that says what this server is and how to use it.
type homeView struct {
	MCPURL  string
	Clients []clientView
}

// clientView is a command with its link made ready for the page.
type clientView struct {
	clients.Command

	// InstallURL is the install link; its scheme comes from this program, not from a visitor.
	InstallURL template.URL
}

// home answers the root of the origin.
func (p *Pages) home(w http.ResponseWriter, r *http.Request) {
	body := homeView{MCPURL: p.mcpURL}
	for _, command := range clients.Commands(p.server, p.mcpURL) {
		install := template.URL(command.Install) //nolint:gosec // made of constants and configuration
		body.Clients = append(body.Clients, clientView{Command: command, InstallURL: install})
	}
	p.render(w, r, http.StatusOK, document{view: "home", Title: "Connect a client", Body: body})
}
