package ratelimit

import (
	"hash/maphash"
	"time"
)

// The table has sets*ways places: enough for more sources than a server of this kind sees in the time of a limit, in
// less than a megabyte.
const (
	sets = 4096
	ways = 8
)

// table remembers the buckets of many networks in memory that is taken once and never grows. A network has its place in
// one set, which is chosen under a secret seed, so that nobody can aim at the set of somebody else.
//
// A place that is needed is taken from the bucket of its set that is full first. A full bucket is a new one, so that
// forgetting it loses nothing; and a flood of new networks, of which each has spent little, forgets itself before it
// forgets the one that has spent much. To be forgotten, a source that is over its limit needs seven other networks that
// happen to be in its set and have spent as much as it has: whoever has those gains nothing by it.
type table struct {
	seed   maphash.Seed
	places []place
}

type place struct {
	network Network
	full    time.Duration
}

func newTable() *table {
	return &table{seed: maphash.MakeSeed(), places: make([]place, sets*ways)}
}

// full returns when the bucket of a network is full, which is long ago for one that is not known.
func (t *table) full(n Network) time.Duration {
	for _, p := range t.set(n) {
		if p.network == n {
			return p.full
		}
	}
	return 0
}

// put remembers when the bucket of a network is full.
func (t *table) put(n Network, full time.Duration) {
	set := t.set(n)
	taken := &set[0]
	for i := range set {
		if set[i].network == n {
			taken = &set[i]
			break
		}
		if set[i].full < taken.full {
			taken = &set[i]
		}
	}
	*taken = place{n, full}
}

func (t *table) set(n Network) []place {
	first := maphash.Comparable(t.seed, n) % sets * ways
	return t.places[first : first+ways]
}
