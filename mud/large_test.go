package mud_test

import (
	"fmt"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/mud"
)

// crowded is a file with as many entries as there may be, none like another.
func crowded(salt string) []byte {
	var from, to []string
	for i := range mud.MaxEntries / 2 {
		from = append(from, fmt.Sprintf(`{"name": "e%d", "matches": {"ipv4": {"protocol": 6, "ietf-acldns:dst-dnsname": "h%d.%s.example"}, "tcp": {"destination-port": {"port": %d}}}, "actions": {"forwarding": "accept"}}`, i, i, salt, i))
		to = append(to, fmt.Sprintf(`{"name": "e%d", "matches": {"ipv4": {"protocol": 6, "ietf-acldns:src-dnsname": "h%d.%s.example"}, "tcp": {"source-port": {"port": %d}}}, "actions": {"forwarding": "accept"}}`, i, i, salt, i))
	}
	return []byte(`{"ietf-mud:mud": {"mud-version": 1, "mud-url": "https://lamps.example/l", "last-update": "2026-01-02T03:04:05Z", "is-supported": true,
		"from-device-policy": {"access-lists": {"access-list": [{"name": "from"}]}}, "to-device-policy": {"access-lists": {"access-list": [{"name": "to"}]}}},
		"ietf-access-control-list:acls": {"acl": [{"name": "from", "type": "ipv4-acl-type", "aces": {"ace": [` + strings.Join(from, ",") + `]}}, {"name": "to", "type": "ipv4-acl-type", "aces": {"ace": [` + strings.Join(to, ",") + `]}}]}}`)
}

func BenchmarkTheLargestFile(b *testing.B) {
	x, y := crowded("a"), crowded("b")
	f, err := mud.Parse(x)
	if err != nil {
		b.Fatal(err)
	}
	g, err := mud.Parse(y)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			_, _ = mud.Parse(x)
		}
	})
	b.Run("lint", func(b *testing.B) {
		for b.Loop() {
			f.Lint()
		}
	})
	b.Run("permissions", func(b *testing.B) {
		for b.Loop() {
			f.Permissions()
		}
	})
	b.Run("diff", func(b *testing.B) {
		for b.Loop() {
			mud.Diff(f, g)
		}
	})
}
