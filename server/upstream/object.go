package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
)

// object is a JSON object from the network. Unlike a decoded struct it tells absent from empty, compares names with
// case, and has refused repeated names: two readers of one document must not see different values (RFC 8725
// section 2.4).
type object map[string]json.RawMessage

// latest is the last second that a NumericDate may name, in the year 9999.
const latest = 253402300799

var errNotObject = errors.New("not one JSON object")

// parseObject reads exactly one JSON object.
func parseObject(data []byte) (object, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errNotObject
	}
	o := object{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, errNotObject
		}
		key, ok := name.(string)
		if !ok {
			return nil, errNotObject
		}
		if _, repeated := o[key]; repeated {
			return nil, errors.New("repeated member in a JSON object")
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, errNotObject
		}
		o[key] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, errNotObject
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotObject
	}
	return o, nil
}

// has reports whether a member is there and not null.
func (o object) has(name string) bool {
	value, ok := o[name]
	return ok && string(value) != "null"
}

// text returns a string member; empty when it is absent.
func (o object) text(name string) (string, error) {
	if !o.has(name) {
		return "", nil
	}
	var s string
	if err := json.Unmarshal(o[name], &s); err != nil {
		return "", fmt.Errorf("%s is not a string", name)
	}
	return s, nil
}

// texts returns a member that is a string or an array of strings, as "aud" may be (RFC 7519 section 4.1.3).
func (o object) texts(name string) ([]string, error) {
	if !o.has(name) {
		return nil, nil
	}
	if s, err := o.text(name); err == nil {
		return []string{s}, nil
	}
	var raw []*string
	if err := json.Unmarshal(o[name], &raw); err != nil {
		return nil, fmt.Errorf("%s is not a list of strings", name)
	}
	list := make([]string, len(raw))
	for i, s := range raw {
		if s == nil {
			return nil, fmt.Errorf("%s is not a list of strings", name)
		}
		list[i] = *s
	}
	return list, nil
}

// flag returns a boolean member; false when it is absent. Some providers write it as a string.
func (o object) flag(name string) bool {
	return string(o[name]) == "true" || string(o[name]) == `"true"`
}

// boolean returns a member that must be there and be true or false.
func (o object) boolean(name string) (bool, error) {
	switch string(o[name]) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%s is missing or not a boolean", name)
}

// date returns a NumericDate (RFC 7519 section 2); zero when it is absent.
func (o object) date(name string) (time.Time, error) {
	if !o.has(name) {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseFloat(string(o[name]), 64)
	if err != nil || math.IsNaN(seconds) || seconds < 0 || seconds > latest {
		return time.Time{}, fmt.Errorf("%s is not a date", name)
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}
