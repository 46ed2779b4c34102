package storage

import (
	"context"
	"time"
)

// Reasons why a grant was revoked.
const (
	RevokedByOperator      = "operator"
	RevokedByUser          = "user"
	RevokedByClient        = "client"
	RevokedByClientDeleted = "client_deleted"
	RevokedByLogout        = "logout"
	RevokedByCodeReplay    = "code_replay"
	RevokedByRefreshReplay = "refresh_replay"
	RevokedByUpstream      = "upstream"
)

// Grant is what one user allowed one client: one code exchange is one grant.
type Grant struct {
	ID           string
	ClientID     string
	UserID       string
	CredentialID string
	Resource     string
	Scopes       []string
	CreateTime   time.Time
	LastUsedTime time.Time
	ExpireTime   time.Time
	RevokeTime   time.Time // zero while it lives
	RevokeReason string
	Refresh      *Refresh // nil when the client may not refresh
}

// GrantDetail is a grant with what people are shown beside it.
type GrantDetail struct {
	Grant        Grant
	User         User
	ClientName   string // empty when the client is gone, and so is its origin
	ClientOrigin ClientOrigin
}

// Evidence is what an access token is held against: read for every verification that nobody remembers, and so no more than
// that needs.
type Evidence struct {
	Grant        Grant
	User         User
	Confirmation Confirmation // zero when the credential is gone, which it may be once the grant has ended
}

// GrantFilter selects grants. Zero fields do not restrict.
type GrantFilter struct {
	ID           string
	ClientID     string
	UserID       string
	CredentialID string
	CreatedUntil time.Time // created by then
	IncludeEnded bool      // revoked or expired ones too; only for listing
	AtMost       int       // how many in one step, 0 for all; only for revoking
	Now          time.Time
}

// NamesNobody reports whether a filter says nothing about whose grants it selects.
func (f GrantFilter) NamesNobody() bool {
	return f.ID == "" && f.ClientID == "" && f.UserID == "" && f.CredentialID == ""
}

// CoversCodes reports whether a filter selects codes beside grants. One with an ID does not: a grant that can be named has
// come of its code.
func (f GrantFilter) CoversCodes() bool { return f.ID == "" && !f.NamesNobody() }

// Grants stores grants.
type Grants interface {
	// Grant returns a grant in any state, or ErrNotFound.
	Grant(ctx context.Context, id string) (Grant, error)
	// Evidence returns what belongs to a grant in any state, as of one moment, or ErrNotFound.
	Evidence(ctx context.Context, grantID string) (Evidence, error)
	// ListGrants returns a page of grants, newest first.
	ListGrants(ctx context.Context, filter GrantFilter, page Page) ([]GrantDetail, error)
	// RevokeGrants revokes the live grants that the filter selects, with their refresh tokens, and returns their ids.
	// A filter without ID, ClientID, UserID and CredentialID selects nothing. One with AtMost selects some of them.
	//
	// It also burns the unexpired codes that the filter covers, or a login of a minute ago would still become a grant. A
	// code that is being redeemed meanwhile is burned, or its grant is revoked.
	//
	// Every revoked grant, here and in every other method that revokes, is recorded as a Revocation in the same step.
	RevokeGrants(ctx context.Context, filter GrantFilter, reason string) ([]string, error)
	// RotateRefreshToken makes Next the head of the line of a live grant, when the presented token is the head. It also
	// marks the grant as used, and the client when Rotation.MarksClient.
	//
	// When the presented token is the direct predecessor of the head, and the head took its place less than Grace ago, the
	// row stays as it is and Rotated.Repeated is true. Any older token, or the predecessor after that, revokes the grant
	// with RevokedByRefreshReplay and answers ErrUsed. ErrNotFound: there is no such grant, or it is another client's, or it
	// does not refresh, or the presented token is the head's generation with another hash, or a later one (nothing is
	// revoked). ErrRevoked: the grant has ended. ErrExpired: its absolute or idle lifetime is over. A grant that is over says
	// so, whatever token is presented. ErrResource, ErrScope: the token is good, and was presented for more than was granted.
	//
	// One guarded statement decides; Rotation.Missed explains when it found nothing to change. Of racing rotations of one
	// token one wins and the others are repetitions.
	RotateRefreshToken(ctx context.Context, rotation Rotation) (Rotated, error)
}
