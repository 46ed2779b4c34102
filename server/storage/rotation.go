package storage

import (
	"slices"
	"time"
)

// MarkInterval is how long a mark of use is good for. One costs a row and an index.
const MarkInterval = time.Minute

// MarksClient reports whether the rotation has to mark its client as used, too.
func (r Rotation) MarksClient() bool { return r.Now.Sub(r.ClientUsedTime) > MarkInterval }

// Moved completes a grant whose line the rotation has moved. The store has read what the rotation does not say: user,
// credential, resource, scopes, and when the grant was created and ends.
func (r Rotation) Moved(grant Grant) Grant {
	grant.ID, grant.ClientID, grant.LastUsedTime = r.GrantID, r.ClientID, r.Now
	grant.Refresh = &Refresh{Generation: r.Generation + 1, Hash: r.Next, RotateTime: r.Now, ExpireTime: r.NextExpire}
	return grant
}

// Missed says what a rotation means that did not find the head of its line, from the grant as it stands. A store asks
// after its guarded statement changed nothing and in the same step, so that all backends judge alike.
//
// nil is a repetition within the grace window. ErrUsed is a replay, for which the store revokes the grant. All others change
// nothing.
func (r Rotation) Missed(grant Grant) error {
	head := grant.Refresh
	switch {
	case head == nil, r.ClientID != grant.ClientID: // a stranger can end nothing
		return ErrNotFound
	case !grant.RevokeTime.IsZero():
		return ErrRevoked
	case !r.Now.Before(grant.ExpireTime), !r.Now.Before(head.ExpireTime):
		return ErrExpired
	case r.Generation == head.Generation && r.Hash.Equal(head.Hash):
		return r.excess(grant)
	case r.Generation >= head.Generation:
		return ErrNotFound
	case r.Generation == head.Generation-1 && r.inGrace(*head):
		return r.excess(grant)
	default:
		return ErrUsed
	}
}

// Presents reports whether the rotation shows the head of the line of a grant that stands.
func (r Rotation) Presents(grant Grant) bool {
	head := grant.Refresh
	return head != nil && r.ClientID == grant.ClientID && r.Generation == head.Generation && r.Hash.Equal(head.Hash) &&
		grant.RevokeTime.IsZero() && r.Now.Before(grant.ExpireTime) && r.Now.Before(head.ExpireTime) && r.excess(grant) == nil
}

// excess says what is asked for beyond the grant (RFC 6749 section 6, RFC 8707 section 2.2).
func (r Rotation) excess(grant Grant) error {
	if r.Resource != "" && r.Resource != grant.Resource {
		return ErrResource
	}
	if slices.ContainsFunc(r.Scopes, func(scope string) bool { return !slices.Contains(grant.Scopes, scope) }) {
		return ErrScope
	}
	return nil
}

// inGrace reports whether the head took its place less than Grace ago. A window of zero is none, also for a server whose
// clock lags behind that of the one that rotated.
func (r Rotation) inGrace(head Refresh) bool {
	return r.Grace > 0 && r.Now.Before(head.RotateTime.Add(r.Grace))
}
