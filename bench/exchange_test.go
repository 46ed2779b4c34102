package bench

import "testing"

const (
	// exchanges is how many codes are exchanged in a turn.
	exchanges = 500
	// exchangers is how many exchange at the same time.
	exchangers = 64
)

// BenchmarkExchangeCode exchanges codes for tokens: a whole call of the core with client authentication, PKCE, the rows of
// code, grant and client written and an ES256 signature. The limit is group commit alone, on the same disk: of as many
// plain rows, and of those same rows.
func BenchmarkExchangeCode(b *testing.B) {
	b.Run("limit=plain", func(b *testing.B) {
		duel(b, share(exchangers, exchanges, openLedger(b, exchangeEntry()).write), openExchange(b))
	})
	b.Run("limit=same", func(b *testing.B) {
		rows := openSameRows(b)
		write := share(exchangers, exchanges, rows.write)
		duel(b, func(b *testing.B) float64 {
			b.Helper()
			rows.issue(b)
			return write(b)
		}, openExchange(b))
	})
}

// openExchange is the side of Gatehouse.
func openExchange(b *testing.B) side {
	b.Helper()
	client := register(b, openCore(b, store{}))
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
