package main

import (
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"strings"
)

// parseMixed parses flags before and after arguments, and returns the arguments. An id of a signing key is an argument,
// also where it looks like a flag.
func parseMixed(set *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		end := beforeKeyID(set, args)
		if err := set.Parse(args[:end]); err != nil {
			return nil, fmt.Errorf("%w: %w", errReported, err)
		}
		args = args[end-set.NArg():]
		if len(args) == 0 {
			return rest, nil
		}
		rest = append(rest, args[0])
		args = args[1:]
	}
}

// beforeKeyID returns how many arguments stand before the first id of a signing key: all, where there is none.
func beforeKeyID(set *flag.FlagSet, args []string) int {
	for i, arg := range args {
		if isKeyID(arg) && (i == 0 || !takesValue(set, args[i-1])) {
			return i
		}
	}
	return len(args)
}

// isKeyID tells whether an argument has the form of a thumbprint (RFC 7638, section 3.1). One in 64 begins with a dash.
func isKeyID(arg string) bool {
	sum, err := base64.RawURLEncoding.DecodeString(arg)
	return err == nil && len(sum) == sha256.Size
}

// takesValue tells whether an argument is a flag whose value is the next argument.
func takesValue(set *flag.FlagSet, arg string) bool {
	name, isFlag := strings.CutPrefix(arg, "-")
	known := set.Lookup(strings.TrimPrefix(name, "-"))
	if !isFlag || known == nil {
		return false
	}
	boolean, ok := known.Value.(interface{ IsBoolFlag() bool })
	return !ok || !boolean.IsBoolFlag()
}
