package config

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Rate is how often something may happen: Burst times at once, and as often again in each Per. The zero value is no limit.
type Rate struct {
	Burst int
	Per   time.Duration
}

// maxBurst bounds a rate. Whoever wants more wants no limit.
const maxBurst = 1_000_000

// String returns the form of the setting.
func (r Rate) String() string {
	if r.Burst == 0 {
		return "0"
	}
	return strconv.Itoa(r.Burst) + "/" + r.Per.String()
}

func parseRate(v string) (Rate, error) {
	if v == "0" {
		return Rate{}, nil
	}
	count, per, _ := strings.Cut(v, "/")
	burst, errBurst := strconv.Atoi(count)
	period, errPeriod := time.ParseDuration(per)
	if errBurst != nil || errPeriod != nil || burst < 1 || burst > maxBurst || period < time.Second || period > 24*time.Hour {
		return Rate{}, fmt.Errorf("must be a number and a period of 1s to 24h, for example 600/10m, or 0 for no limit")
	}
	return Rate{burst, period}, nil
}

func rate(env, value, group, doc string, field func(*Config) *Rate) Setting {
	return Setting{
		Env: env, Default: value, Group: group, Doc: doc,
		set: func(c *Config, v string) (err error) { *field(c), err = parseRate(v); return err },
		get: func(c *Config) string { return field(c).String() },
	}
}

// checkTotal refuses a limit for all that one network can use up alone.
func checkTotal(report func(key, message string), key string, source, total Rate) {
	if source.Burst == 0 || total.Burst == 0 {
		return
	}
	perSecond := func(r Rate) float64 { return float64(r.Burst) / r.Per.Seconds() }
	if total.Burst < 2*source.Burst || perSecond(total) < 2*perSecond(source) {
		report(key+"_TOTAL", "must be at least twice "+key+", at once and over time: otherwise one address can use up what all share")
	}
}

// networks takes networks, and addresses for networks of one. One that holds every address is a mistake: everybody could then
// claim to be anybody.
func networks(env, group, doc string, field func(*Config) *[]netip.Prefix) Setting {
	return Setting{
		Env: env, Group: group, Doc: doc,
		set: func(c *Config, v string) error {
			var all []netip.Prefix
			for word := range strings.FieldsSeq(v) {
				network, err := parseNetwork(word)
				if err != nil {
					return err
				}
				all = append(all, network)
			}
			*field(c) = all
			return nil
		},
		get: func(c *Config) string {
			var words []string
			for _, network := range *field(c) {
				words = append(words, network.String())
			}
			return strings.Join(words, " ")
		},
	}
}

func parseNetwork(word string) (netip.Prefix, error) {
	network, err := netip.ParsePrefix(word)
	if addr, errAddr := netip.ParseAddr(word); errAddr == nil {
		network, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
	}
	if err != nil || !network.IsValid() || network.Bits() == 0 || network.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("must be networks such as 10.0.0.0/8 or fd00::/8, separated by spaces, and none that holds every address")
	}
	return network.Masked(), nil
}
