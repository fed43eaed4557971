package mud_test

import (
	"strings"
	"testing"

	"plimsoll.example/plimsoll/mud"
)

// with is a file with one access list from the device, whose entry matches that.
func with(matches string) string {
	return withEntry(`{"name": "e", "matches": ` + matches + `, "actions": {"forwarding": "accept"}}`)
}

func withEntry(entries string) string {
	return `{"ietf-mud:mud": {"mud-version": 1, "mud-url": "https://lamp.example.com/lamp.json", "last-update": "2026-01-02T03:04:05Z",
		"is-supported": true, "from-device-policy": {"access-lists": {"access-list": [{"name": "from"}]}}},
		"ietf-access-control-list:acls": {"acl": [{"name": "from", "type": "ipv4-acl-type", "aces": {"ace": [` + entries + `]}}]}}`
}

func parsed(t *testing.T, text string) *mud.File {
	t.Helper()
	f, err := mud.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Ignoring an unknown match would let the device talk to more than its maker said: NAMIB's parser ignored
// local-networks, and entries for the house became entries for the world.
func TestUnknownMatchKillsItsEntry(t *testing.T) {
	for name, matches := range map[string]string{
		"a leaf of the header":   `{"ipv4": {"protocol": 6, "colour": 3}}`,
		"a leaf of MUD":          `{"ietf-mud:mud": {"same-street": [null]}, "ipv4": {"protocol": 6}}`,
		"a container":            `{"sctp": {"destination-port": {"port": 9}}}`,
		"a container of another": `{"vendor:geo": {"country": "CA"}}`,
		"a value out of range":   `{"tcp": {"destination-port": {"operator": "eq", "port": 70000}}}`,
		"an unknown operator":    `{"tcp": {"destination-port": {"operator": "about", "port": 7}}}`,
		"a false empty leaf":     `{"ietf-mud:mud": {"local-networks": false}}`,
	} {
		f := parsed(t, with(matches))
		if e := &f.ACLs[0].ACEs[0]; !e.Dead() {
			t.Errorf("%s: the entry lives, and matches %+v", name, e.Matches)
		}
		again := parsed(t, string(f.Canonical()))
		if !again.ACLs[0].ACEs[0].Dead() {
			t.Errorf("%s: canonical text brings it back to life:\n%s", name, f.Canonical())
		}
	}
	f := parsed(t, strings.Replace(with(`{}`), `"matches"`, `"matchs"`, 1))
	if !f.ACLs[0].ACEs[0].Dead() {
		t.Error("an entry whose matches are misspelt allows everything")
	}
}

func TestALeapSecondIsReadAndAMinuteThatIsNoneIsNot(t *testing.T) {
	for text, want := range map[string]bool{"2016-12-31T23:59:60Z": true, "2016-12-31T23:60:00Z": false} {
		_, err := mud.Parse([]byte(`{"ietf-mud:mud": {"mud-version": 1, "mud-url": "https://lamps.example/l", "is-supported": true, "last-update": "` + text + `"}}`))
		if (err == nil) != want {
			t.Errorf("%s is read: %v, want %v: %v", text, err == nil, want, err)
		}
	}
}
