package nft

import (
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// Each test here is a fault that was shipped by others who make rules of MUD files.

// osMUD stops at a name that does not resolve, with a null pointer; and whoever leaves the name out allows anyone.
func TestANameThatLeadsNowhereAllowsNobody(t *testing.T) {
	f := &mud.File{URL: "https://lamps.example/lamp.json", FromDevice: []string{"from"}, ACLs: []mud.ACL{{Name: "from", ACEs: []mud.ACE{
		accept("gone", mud.Matches{IPv4: &mud.IP{DestinationDNSName: "gone.example"}, TCP: &mud.TCP{Destination: eq(4443)}}),
	}}}}
	text := render(t, 0, policy.Compile(f, house()))
	_, chain, _ := strings.Cut(text, "chain from_02005e100001 {")
	chain, _, _ = strings.Cut(chain, "}\n\n")
	if strings.Contains(chain, "4443") {
		t.Errorf("a rule allows port 4443 of anyone:\n%s", chain)
	}
}

// osMUD writes IPv6 addresses as if they were of IPv4, NAMIB knows one address of each kind, and Micronets asks for A
// alone: all addresses of a name must be there, each in a set of its family.
func TestAllAddressesOfANameAreThereInTheirFamily(t *testing.T) {
	p := lampPolicy()
	p.Learn("cloud.example", ip("198.51.100.9"), policy.Forever)
	p.Learn("cloud.example", ip("2001:db8::9"), policy.Forever)
	family := map[string]string{}
	for _, set := range strings.Split(render(t, 0, p), "set ") {
		for _, a := range []string{"198.51.100.7", "198.51.100.9", "2001:db8::7", "2001:db8::9"} {
			if strings.Contains(set, a+" . tcp . 443") {
				_, kind, _ := strings.Cut(set, "type ")
				family[a], _, _ = strings.Cut(kind, " ")
			}
		}
	}
	for a, want := range map[string]string{"198.51.100.7": "ipv4_addr", "198.51.100.9": "ipv4_addr", "2001:db8::7": "ipv6_addr", "2001:db8::9": "ipv6_addr"} {
		if family[a] != want {
			t.Errorf("%s is in a set of %q, want %s", a, family[a], want)
		}
	}
}

// mudparser writes base chains whose policy is to drop, which cut off every device of the house; osMUD named a target
// that its firewall does not have (DENY), so that nothing was stopped at all.
func TestNoBaseChainStopsDevicesWithoutPolicy(t *testing.T) {
	text := render(t, 0, lampPolicy())
	hooks := strings.Count(text, "type filter hook")
	if hooks == 0 || strings.Count(text, "policy accept;") != hooks || strings.Contains(text, "policy drop") {
		t.Errorf("%d base chains, not all of which let pass what has no policy:\n%s", hooks, text)
	}
	for _, chain := range []string{"from_02005e100001", "to_02005e100001"} {
		last := ending(text, chain)
		for range 4 {
			if next, ok := strings.CutPrefix(last, "goto "); ok {
				last = ending(text, next)
			}
		}
		if !strings.HasSuffix(last, "drop") {
			t.Errorf("%s ends with %q", chain, last)
		}
	}
}

// ending is the last rule of a chain.
func ending(text, chain string) string {
	_, rest, _ := strings.Cut(text, "chain "+chain+" {")
	rest, _, _ = strings.Cut(rest, "\n\t}")
	return strings.TrimSpace(rest[strings.LastIndex(rest, "\n")+1:])
}

// mudparser writes names into rules, which the kernel resolves once, when they are loaded, or never.
func TestNamesAreNotLeftToTheKernelToResolve(t *testing.T) {
	text := render(t, 0, lampPolicy())
	if strings.Contains(text, ".example") {
		t.Errorf("a name is in the ruleset:\n%s", text)
	}
}

// The CIRA gateway restarts its firewall for each rule, and NAMIB rejects everything while it builds its tables anew; Cisco’s
// manager left old entries behind (issue 55). One transaction replaces all that was there.
func TestARulesetReplacesTheOneBeforeInOneTransaction(t *testing.T) {
	text := render(t, 0, lampPolicy())
	begin := "table inet " + Table + "\ndelete table inet " + Table + "\n"
	_, body, _ := strings.Cut(text, begin)
	if !strings.Contains(text, begin) || strings.Count(body, "table inet "+Table+" {") != 1 || strings.Contains(body, "flush") || strings.Contains(body, "delete") {
		t.Errorf("it is not one table that takes the place of the one before:\n%.300s", text)
	}
}
