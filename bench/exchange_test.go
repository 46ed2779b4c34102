package bench

import "testing"

// exchanges is how many codes are exchanged in a turn.
const exchanges = 500

// BenchmarkExchangeCode exchanges codes for tokens: a whole call of the core with client authentication, PKCE, four rows
// written and an ES256 signature. The limit is group commit alone, of as many rows on the same disk.
func BenchmarkExchangeCode(b *testing.B) {
	const callers = 64
	client := register(b, openCore(b, store{}))
	bare := openLedger(b, exchangeEntry())
	codes := make([]string, exchanges)
	authorize := share(callers, exchanges, func(i int) (err error) {
		codes[i], err = client.authorize(b.Context(), passThrough)
		return err
	})
	exchange := share(callers, exchanges, func(i int) error {
		_, err := client.exchange(b.Context(), codes[i])
		return err
	})
	duel(b, share(callers, exchanges, bare.write), func(b *testing.B) float64 {
		b.Helper()
		authorize(b)
		return exchange(b)
	})
}
