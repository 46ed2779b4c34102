package bench

import "testing"

// benchmarkStartUp measures how long it takes from the start of the process, with an empty data directory, until
// /readyz answers 200 (keys made, store open, metadata of the provider read), and the resident memory then.
func benchmarkStartUp(b *testing.B, path string) {
	var times, sizes []float64
	for b.Loop() {
		g := start(b, path)
		times = append(times, g.starting.Seconds()*1000)
		sizes = append(sizes, g.resident(b))
		g.stop()
	}
	b.ReportMetric(median(times), "ms")
	b.ReportMetric(median(sizes), "MB")
	b.ReportMetric(0, "ns/op")
}

// benchmarkLogins measures whole logins at the built-in provider, and the resident memory after all of them.
func benchmarkLogins(b *testing.B, path string) {
	const perRound = 50
	g := start(b, path)
	client := register(b, g.operator(b))
	login := share(8, perRound, func(int) error {
		code, err := client.authorize(b.Context(), signIn)
		if err != nil {
			return err
		}
		_, err = client.exchange(b.Context(), code)
		return err
	})
	var rates []float64
	for b.Loop() {
		rates = append(rates, login(b))
	}
	b.ReportMetric(median(rates), "logins/s")
	b.ReportMetric(float64(len(rates)*perRound), "logins")
	b.ReportMetric(g.resident(b), "MB")
	b.ReportMetric(0, "ns/op")
}
