package bench

import "testing"

const (
	// exchanges is how many codes are exchanged in a turn.
	exchanges = 500
	// exchangers is how many exchange at the same time.
	exchangers = 64
)

// BenchmarkExchangeCode exchanges codes for tokens: a whole call of the core with client authentication, PKCE, the rows of
// code, grant and client written and an ES256 signature. The limit is what the store can commit: as many plain rows, and
// those same rows.
func BenchmarkExchangeCode(b *testing.B) {
	onStores(b, func(b *testing.B, s store) {
		gatehouse, plain, rows := openExchange(b, s.another(b)), s.plainExchange(b), openLimit(b, s)
		b.Run("limit=plain", func(b *testing.B) { duel(b, share(exchangers, exchanges, plain), gatehouse) })
		b.Run("limit=same", func(b *testing.B) {
			write := share(exchangers, exchanges, func(i int) error { return rows.exchange(rows.codes[i]) })
			duel(b, rows.turn(write), gatehouse)
		})
	})
}

// openExchange is the side of Gatehouse.
func openExchange(b *testing.B, s store) side {
	b.Helper()
	client := register(b, openCore(b, s))
	codes := make([]string, exchanges)
	authorize := share(exchangers, exchanges, func(i int) (err error) {
		codes[i], err = client.authorize(b.Context(), passThrough)
		return err
	})
	exchange := share(exchangers, exchanges, func(i int) error {
		_, err := client.exchange(b.Context(), codes[i])
		return err
	})
	return func(b *testing.B) float64 {
		b.Helper()
		authorize(b)
		return exchange(b)
	}
}
