// Package session is the room in which MCP sessions live: bounded, and each bound to the principal that opened it.
//
// A session identifier is never authentication. Whoever presents one has been authenticated by a token before, and finds
// the session only if it is theirs; somebody else's session and none at all look the same.
package session

import (
	"container/list"
	"errors"
	"sync"
	"time"
)

// ErrFull means that the room is full of sessions in use.
var ErrFull = errors.New("session: the room is full")

// Owner is whom a session belongs to. It names no token and no grant, so that a session survives a refresh and a new
// login of the same user with the same client.
type Owner struct {
	Subject  string
	ClientID string
	Resource string
}

// Config bounds a room.
type Config struct {
	// Idle is how long a session lives without a request.
	Idle time.Duration
	// Max is how many sessions there may be.
	Max int
	// MaxPerUser is how many of them one subject may have, over all of its clients.
	MaxPerUser int
}

// Room holds sessions. It is safe for concurrent use.
type Room struct {
	config Config
	now    func() time.Time
	newID  func() string

	mu     sync.Mutex
	places map[string]*place
	recent *list.List            // of *place, the most recently used first
	users  map[string]*list.List // the same by subject
}

// place is one session.
type place struct {
	id     string
	owner  Owner
	used   time.Time
	recent *list.Element
	user   *list.Element
}

// NewRoom returns an empty room. newID must return at least 128 bits of randomness as visible ASCII.
func NewRoom(config Config, now func() time.Time, newID func() string) *Room {
	return &Room{
		config: config,
		now:    now,
		newID:  newID,
		places: make(map[string]*place),
		recent: list.New(),
		users:  make(map[string]*list.List),
	}
}

// Open makes a session and returns its identifier, together with the identifiers of the sessions that ended for it:
// those that had been idle for too long, and the least recently used one of the same subject when that has too many. The
// session of another subject is never ended to make room; when there is none the error is ErrFull.
func (r *Room) Open(owner Owner) (id string, ended []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ended = r.sweep()
	if own := r.users[owner.Subject]; own != nil && own.Len() >= r.config.MaxPerUser {
		ended = append(ended, r.remove(own.Back().Value.(*place)))
	}
	if len(r.places) >= r.config.Max {
		return "", ended, ErrFull
	}
	p := &place{id: r.newID(), owner: owner, used: r.now()}
	r.add(p)
	return p.id, ended, nil
}

// Enter reports whether a session exists and belongs to owner, and counts as its use.
func (r *Room) Enter(owner Owner, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.find(owner, id)
	if p == nil {
		return false
	}
	p.used = r.now()
	r.recent.MoveToFront(p.recent)
	r.users[owner.Subject].MoveToFront(p.user)
	return true
}

// Close ends a session and reports whether it existed and belonged to owner.
func (r *Room) Close(owner Owner, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.find(owner, id)
	if p == nil {
		return false
	}
	r.remove(p)
	return true
}

// Len returns how many sessions there are, idle ones included that nobody has looked at since.
func (r *Room) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.places)
}

func (r *Room) find(owner Owner, id string) *place {
	p := r.places[id]
	if p == nil || p.owner != owner || r.expired(p) {
		return nil
	}
	return p
}

func (r *Room) expired(p *place) bool { return r.now().Sub(p.used) >= r.config.Idle }

// sweep ends what has been idle for too long. The list is in the order of use, so it stops at the first that has not.
func (r *Room) sweep() (ended []string) {
	for e := r.recent.Back(); e != nil && r.expired(e.Value.(*place)); e = r.recent.Back() {
		ended = append(ended, r.remove(e.Value.(*place)))
	}
	return ended
}

func (r *Room) add(p *place) {
	own := r.users[p.owner.Subject]
	if own == nil {
		own = list.New()
		r.users[p.owner.Subject] = own
	}
	r.places[p.id] = p
	p.recent = r.recent.PushFront(p)
	p.user = own.PushFront(p)
}

func (r *Room) remove(p *place) string {
	own := r.users[p.owner.Subject]
	own.Remove(p.user)
	if own.Len() == 0 {
		delete(r.users, p.owner.Subject)
	}
	r.recent.Remove(p.recent)
	delete(r.places, p.id)
	return p.id
}
