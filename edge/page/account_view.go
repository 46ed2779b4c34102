package page

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

const (
	// maxApplications is how many applications the core lists at most. There may be more behind a full list.
	maxApplications = 200
	// recent is how long the page says how long ago something happened; after that, the day tells more.
	recent = 30 * 24 * time.Hour
)

// accountView is the page of a signed-in user.
type accountView struct {
	Name string
	// Login tells accounts of one name apart. Empty when the name is all that is known.
	Login        string
	Applications []applicationView
	// Full is true when the list may lack some.
	Full bool
	CSRF string
}

// applicationView is one grant, for people.
type applicationView struct {
	ID, Name, ClientID string
	// Operator is true for a client that the operator registered.
	Operator bool
	// Document is the host that publishes the client's metadata, for a client whose identifier is a URL.
	Document string
	Resource string
	Scopes   []string
	// Since and Used are empty when they are not known.
	Since, Used string
}

// confirmView asks before everything is disconnected.
type confirmView struct {
	// Count is how many applications there are. Zero when that is not known.
	Count int
	CSRF  string
}

func newAccountView(account *gatehousev1.GetAccountResponse, csrf string, now time.Time) accountView {
	who := account.GetIdentity()
	view := accountView{
		Name:  firstNonEmpty(plain(who.GetName()), plain(who.GetPreferredUsername()), who.GetEmail(), "Signed in"),
		Login: firstNonEmpty(who.GetEmail(), plain(who.GetPreferredUsername())),
		Full:  len(account.GetApplications()) >= maxApplications,
		CSRF:  csrf,
	}
	if view.Login == view.Name {
		view.Login = ""
	}
	for _, application := range account.GetApplications() {
		view.Applications = append(view.Applications, applicationView{
			ID:       application.GetGrantId(),
			Name:     firstNonEmpty(plain(application.GetClientName()), "An app without a name"),
			ClientID: application.GetClientId(),
			Operator: application.GetClientOrigin() == gatehousev1.Client_ORIGIN_OPERATOR,
			Document: documentHost(application.GetClientId()),
			Resource: application.GetResource(),
			Scopes:   application.GetScopes(),
			Since:    day(application.GetCreateTime()),
			Used:     lately(application.GetLastUsedTime(), now),
		})
	}
	return view
}

func newConfirmView(account *gatehousev1.GetAccountResponse, csrf string) confirmView {
	view := confirmView{Count: len(account.GetApplications()), CSRF: csrf}
	if view.Count >= maxApplications {
		view.Count = 0
	}
	return view
}

// lately says when something happened.
func lately(then *timestamppb.Timestamp, now time.Time) string {
	if then.IsValid() && now.Sub(then.AsTime()) > recent {
		return day(then)
	}
	return ago(then, now)
}

// day writes a date that nobody reads the wrong way round.
func day(then *timestamppb.Timestamp) string {
	if !then.IsValid() || then.GetSeconds() == 0 {
		return ""
	}
	return then.AsTime().UTC().Format("2 January 2006")
}
