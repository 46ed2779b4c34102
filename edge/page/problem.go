package page

import (
	"fmt"
	"net/http"
)

// problem is what an error page says. Every text is a constant: nothing of the request, and nothing of an internal
// error, is ever part of it.
type problem struct {
	// Kind names the problem in DOM tests.
	Kind   string
	Status int
	Title  string
	Text   string
	// Steps say what the visitor can do.
	Steps []string
}

const (
	stepStartAgain = "Go back to your app and connect again."
	stepBeginAgain = "Go back to where you began, your app or your account page, and start again."
	stepCookies    = "Allow cookies for this site."
	stepClose      = "If you came here by a link that somebody sent you, close this tab."
	stepReload     = "Wait a moment, then reload this page."
	stepTell       = "If it stays, tell the people who run this server, with the reference below."
)

func unknownClientProblem() problem {
	return problem{
		Kind: "unknown-client", Status: http.StatusBadRequest,
		Title: "This app cannot connect",
		Text:  "The app is not registered here, or its return address does not match its registration.",
		Steps: []string{"In your app, remove this server and add it again. The app then registers anew.", stepClose},
	}
}

func expiredProblem() problem {
	return problem{
		Kind: "expired", Status: http.StatusBadRequest,
		Title: "This sign-in has expired",
		Text:  "A sign-in has to be finished soon after it began. Nothing was shared.",
		Steps: []string{stepBeginAgain},
	}
}

func usedProblem() problem {
	return problem{
		Kind: "used", Status: http.StatusBadRequest,
		Title: "This sign-in is already finished",
		Text:  "It was answered before, and each answer counts once.",
		Steps: []string{"Look at your app: it may be connected already.", "If it is not, connect again from there."},
	}
}

func unfinishedProblem() problem {
	return problem{
		Kind: "unfinished", Status: http.StatusBadRequest,
		Title: "This sign-in was not finished",
		Text:  "It is still under way in another window, or something came in between after you signed in. The same answer cannot be used again.",
		Steps: []string{"Look at your app: it may be connected in a moment.", "If it is not, connect again from there."},
	}
}

func wrongBrowserProblem() problem {
	return problem{
		Kind: "wrong-browser", Status: http.StatusForbidden,
		Title: "This sign-in belongs to another browser",
		Text:  "It was not approved in this browser window, or its cookie is gone. To keep you safe, it was stopped.",
		Steps: []string{
			"Start again, in your app or on your account page, and finish in the same browser.",
			stepCookies,
			stepClose,
		},
	}
}

func forgedProblem() problem {
	return problem{
		Kind: "forged", Status: http.StatusForbidden,
		Title: "Your answer could not be confirmed",
		Text:  "This server could not tell that the answer came from its own page in this browser. Nothing was changed.",
		Steps: []string{
			"Connect again from your app, and answer in the browser window that opens.",
			stepCookies,
		},
	}
}

func forgedFormProblem() problem {
	p := forgedProblem()
	p.Steps = []string{"Open your account page again, and repeat there what you did.", stepCookies}
	return p
}

func untrustedProblem() problem {
	return problem{
		Kind: "untrusted", Status: http.StatusForbidden,
		Title: "This sign-in could not be trusted",
		Text:  "The answer of the identity provider did not pass the checks of this server. Nothing was shared.",
		Steps: []string{stepBeginAgain, stepTell, stepClose},
	}
}

func deniedProblem() problem {
	return problem{
		Kind: "denied", Status: http.StatusForbidden,
		Title: "You are not signed in",
		Text:  "The identity provider did not let you in, or the sign-in was cancelled there. Nothing was shared.",
		Steps: []string{stepBeginAgain, "If you should have access, ask the people who run this server."},
	}
}

func unavailableProblem() problem {
	return problem{
		Kind: "unavailable", Status: http.StatusServiceUnavailable,
		Title: "Not available at the moment",
		Text:  "This server, or the identity provider behind it, does not answer. You did nothing wrong.",
		Steps: []string{stepReload},
	}
}

// statusProblem returns the problem of a status that needs no further explanation.
func statusProblem(status int) problem {
	p := problem{Kind: fmt.Sprintf("status-%d", status), Status: status}
	switch status {
	case http.StatusBadRequest:
		p.Title = "This link does not work"
		p.Text = "Parts of it are missing, repeated or not readable."
		p.Steps = []string{stepStartAgain, stepClose}
	case http.StatusForbidden:
		p.Title, p.Text = "Not allowed", "You may not see this page."
	case http.StatusNotFound:
		p.Title, p.Text = "There is nothing here", "This server has no page at this address."
	case http.StatusMethodNotAllowed:
		p.Title, p.Text = "Not possible like this", "This address does not answer requests of that kind."
	case http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusRequestHeaderFieldsTooLarge:
		p.Title, p.Text = "Too much at once", "The request is larger than this server accepts."
		p.Steps = []string{stepStartAgain}
	case http.StatusUnsupportedMediaType:
		p.Title, p.Text = "Not readable", "This address takes forms only."
	case http.StatusMisdirectedRequest:
		p.Title, p.Text = "Wrong address", "This server does not answer under the name that was used."
		p.Steps = []string{"Check the address in your app."}
	case http.StatusTooEarly:
		p.Title, p.Text = "Too early", "The request came before the connection was safe."
		p.Steps = []string{"Reload this page."}
	case http.StatusTooManyRequests:
		p.Title, p.Text = "Too many requests", "This server needs a short break before it takes the next one."
		p.Steps = []string{stepReload}
	case http.StatusServiceUnavailable:
		return unavailableProblem()
	default:
		p.Title = "Something went wrong"
		p.Text = "The fault is on our side, and it was recorded."
		p.Steps = []string{stepReload, stepTell}
	}
	return p
}
