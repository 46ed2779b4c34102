package tour

import (
	"context"
	"fmt"

	gatehousev1 "github.com/gatehouse-auth/gatehouse/gen/gatehouse/v1"
)

// verify asks as a service behind the server would.
func (w *walk) verify(ctx context.Context) (string, error) {
	verdict, err := w.verifyFor(ctx, w.target.Resource)
	if err != nil {
		return "", err
	}
	switch {
	case !verdict.GetActive():
		return "", unlike("active", verdict.GetReason().String())
	case verdict.GetClientId() != w.oauth.ClientID:
		return "", unlike("the client "+w.oauth.ClientID, verdict.GetClientId())
	case verdict.GetSubject() == "" || verdict.GetIdentity().GetEmail() != w.target.User.Email:
		return "", unlike("a subject with the address "+w.target.User.Email, verdict.GetIdentity().GetEmail())
	}
	return fmt.Sprintf("active: %s, by client %s", verdict.GetIdentity().GetEmail(), verdict.GetClientId()), nil
}

// verifyElsewhere asks as a service would that got a token for somebody else (RFC 8707 section 2).
func (w *walk) verifyElsewhere(ctx context.Context) (string, error) {
	resource := w.target.BaseURL + "/another"
	verdict, err := w.verifyFor(ctx, resource)
	if err != nil {
		return "", err
	}
	return "inactive for " + resource, expectReason(verdict, gatehousev1.InactiveReason_INACTIVE_REASON_AUDIENCE)
}

func (w *walk) expectRevoked(ctx context.Context) error {
	verdict, err := w.verifyFor(ctx, w.target.Resource)
	if err != nil {
		return err
	}
	return expectReason(verdict, gatehousev1.InactiveReason_INACTIVE_REASON_REVOKED)
}

func (w *walk) verifyFor(ctx context.Context, resource string) (*gatehousev1.VerifyTokenResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return w.auth.VerifyToken(ctx, &gatehousev1.VerifyTokenRequest{Token: w.tokens.AccessToken, Resource: resource})
}

func expectReason(verdict *gatehousev1.VerifyTokenResponse, want gatehousev1.InactiveReason) error {
	if verdict.GetActive() {
		return unlike("inactive: "+want.String(), "active")
	}
	if verdict.GetReason() != want {
		return unlike("inactive: "+want.String(), verdict.GetReason().String())
	}
	return nil
}
