package learn_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll.example/plimsoll/internal/learn"
	"plimsoll.example/plimsoll/mud"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// talk is a conversation in a few words.
func talk(began bool, proto uint8, scope learn.Scope, peer string, port uint16, names ...string) *learn.Conversation {
	c := &learn.Conversation{
		First: noon, Last: noon.Add(time.Second), Began: began, Answered: true, Proto: proto, Scope: scope, Peer: netip.MustParseAddr(peer), Names: names, Packets: 10,
		Port: 40000, PeerPort: port,
	}
	if !began {
		c.Port, c.PeerPort = port, 40000
	}
	if proto == 1 || proto == 58 {
		c.Port, c.PeerPort = port, 0
	}
	return c
}

func learned(list ...*learn.Conversation) (*mud.File, *learn.Evidence) {
	var l learn.Learner
	for _, c := range list {
		l.Add(c)
	}
	return l.File(learn.About{URL: "https://learned.invalid/lamp.json", SystemInfo: "lamp"})
}

// lines are the entries of a file, one each, in their order.
func lines(f *mud.File) (out []string) {
	for _, d := range []mud.Direction{mud.FromDevice, mud.ToDevice} {
		for acl, e := range f.Entries(d) {
			out = append(out, fmt.Sprintf("%s %s", acl.Name, e.Name))
		}
	}
	return out
}

func names(ev *learn.Evidence) (out []string) {
	for _, e := range ev.Entries {
		out = append(out, e.Entry)
	}
	return out
}

func TestNamesStandForAddressesAndBothDirectionsAreAllowed(t *testing.T) {
	f, ev := learned(
		talk(true, 6, learn.Internet, "198.51.100.1", 443, "cloud.lamps.example"),
		talk(true, 6, learn.Internet, "198.51.100.2", 443, "cloud.lamps.example"),
		talk(true, 17, learn.Internet, "198.51.100.9", 123, "time.example"),
	)
	want := []string{
		"from-ipv4 to-cloud.lamps.example-tcp-443", "from-ipv4 to-time.example-udp-123",
		"to-ipv4 to-cloud.lamps.example-tcp-443", "to-ipv4 to-time.example-udp-123",
	}
	if got := lines(f); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	for _, e := range f.Entries(mud.FromDevice) {
		if ip := e.Matches.IPv4; ip.DestinationDNSName == "" || ip.SourceDNSName != "" || ip.Destination.IsValid() {
			t.Errorf("%s from the device: %+v", e.Name, ip)
		}
	}
	for _, e := range f.Entries(mud.ToDevice) {
		if ip := e.Matches.IPv4; ip.SourceDNSName == "" || ip.DestinationDNSName != "" {
			t.Errorf("%s to the device: %+v", e.Name, ip)
		}
		if tc := e.Matches.TCP; tc != nil && (tc.DirectionInitiated != mud.FromDevice || tc.Source == nil || tc.Destination != nil) {
			t.Errorf("%s to the device: %+v", e.Name, tc)
		}
	}
	if ev.Entries[0].Flows != 2 || len(ev.Entries[0].Addresses) != 2 {
		t.Errorf("proof %+v", ev.Entries[0])
	}
}

func TestTheFileIsOneThatAStrictReaderTakes(t *testing.T) {
	f, _ := learned(everything()...)
	got, err := mud.ParseStrict(f.Canonical())
	if err != nil {
		t.Fatalf("%v\n%s", err, f.Canonical())
	}
	for _, p := range got.Problems {
		if p.Level == mud.Error {
			t.Errorf("%+v", p)
		}
	}
	if !slices.Equal(lines(got), lines(f)) {
		t.Error(cmp.Diff(lines(f), lines(got)))
	}
}

// everything is a conversation of each kind.
func everything() []*learn.Conversation {
	dns := talk(true, 17, learn.Gateway, "192.168.1.1", 53)
	dns.Resolver = true
	reply := talk(false, 17, learn.Local, "192.168.1.30", 50000)
	reply.PeerPort, reply.Answered = 1900, false
	return []*learn.Conversation{
		dns, reply,
		talk(true, 6, learn.Internet, "198.51.100.1", 443, "cloud.lamps.example"),
		talk(true, 6, learn.Internet, "2001:db8::1", 443, "cloud.lamps.example"),
		talk(true, 17, learn.Internet, "203.0.113.5", 3478),
		talk(false, 6, learn.Local, "192.168.1.20", 9999),
		talk(true, 6, learn.Local, "192.168.1.20", 8080),
		talk(true, 17, learn.Multicast, "239.255.255.250", 1900),
		talk(true, 17, learn.Multicast, "ff02::fb", 5353),
		talk(true, 17, learn.Broadcast, "255.255.255.255", 67),
		talk(true, 58, learn.Multicast, "ff02::1:ff01:203", 135),
		talk(true, 58, learn.Multicast, "ff02::1:ff99:203", 135),
		talk(true, 1, learn.Gateway, "192.168.1.1", 8),
		talk(false, 1, learn.Local, "192.168.1.20", 8),
		talk(true, 2, learn.Multicast, "224.0.0.22", 0),
		talk(true, 47, learn.Internet, "198.51.100.77", 0, "vpn.example"),
	}
}

func TestTheOrderOfWhatWasSeenDoesNotMatter(t *testing.T) {
	list := everything()
	want, wantEv := learned(list...)
	for range 20 {
		rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		got, gotEv := learned(list...)
		if string(got.Canonical()) != string(want.Canonical()) {
			t.Fatalf("another order, another file:\n%s", cmp.Diff(lines(want), lines(got)))
		}
		if a, b := asJSON(t, wantEv), asJSON(t, gotEv); a != b {
			t.Fatal(cmp.Diff(a, b))
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLearningOnIsLearningAtOnce(t *testing.T) {
	list := everything()
	want, wantEv := learned(list...)
	_, half := learned(list[:7]...)
	kept, err := learn.ParseEvidence([]byte(asJSON(t, half)))
	if err != nil {
		t.Fatal(err)
	}
	var l learn.Learner
	l.Resume(kept)
	for _, c := range list[7:] {
		l.Add(c)
	}
	got, gotEv := l.File(learn.About{URL: "https://learned.invalid/lamp.json", SystemInfo: "lamp"})
	if string(got.Canonical()) != string(want.Canonical()) || asJSON(t, gotEv) != asJSON(t, wantEv) {
		t.Error(cmp.Diff(asJSON(t, wantEv), asJSON(t, gotEv)))
	}
}

func TestOnlyNamesOfOnePatternAndOneOwnerAreWidened(t *testing.T) {
	for name, c := range map[string]struct {
		names []string
		want  string
	}{
		"numbered servers":             {[]string{"0.pool.example.org", "1.pool.example.org", "3.pool.example.org"}, "to-any.pool.example.org-tcp-443"},
		"made-up names":                {[]string{"a7f3k9.t.example.com", "b81xz2.t.example.com", "99k2lq.t.example.com"}, "to-any.t.example.com-tcp-443"},
		"two are no pattern":           {[]string{"0.pool.example.org", "1.pool.example.org"}, ""},
		"chosen names":                 {[]string{"api.example.com", "auth.example.com", "updates.example.com"}, ""},
		"customers of a cloud":         {[]string{"d3p8zr0ffa9t17.cloudfront.net", "d1abc2de3f.cloudfront.net", "d99xyz88q7.cloudfront.net"}, ""},
		"buckets of others":            {[]string{"b1.s3.amazonaws.com", "b2.s3.amazonaws.com", "b3.s3.amazonaws.com"}, ""},
		"domains of a public suffix":   {[]string{"a1.com", "a2.com", "a3.com"}, ""},
		"names of two different pools": {[]string{"0.a.example.org", "1.b.example.org", "2.c.example.org"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var list []*learn.Conversation
			for i, n := range c.names {
				list = append(list, talk(true, 6, learn.Internet, fmt.Sprintf("198.51.100.%d", i+1), 443, n))
			}
			_, ev := learned(list...)
			got := names(ev)
			if c.want == "" && (len(got) != len(c.names) || strings.Contains(strings.Join(got, " "), "any")) || c.want != "" && !slices.Equal(got, []string{c.want}) {
				t.Errorf("%v became %v", c.names, got)
			}
		})
	}
}

func TestPortsBecomeARangeOnlyWhenTheyChangeEachTime(t *testing.T) {
	ports := func(list ...uint16) (out []*learn.Conversation) {
		for _, p := range list {
			out = append(out, talk(true, 17, learn.Internet, "198.51.100.1", p, "media.example.com"))
		}
		return out
	}
	for name, c := range map[string]struct {
		ports []uint16
		want  []string
	}{
		"services":          {[]uint16{80, 443, 8080, 8443}, []string{"to-media.example.com-udp-80", "to-media.example.com-udp-443", "to-media.example.com-udp-8080", "to-media.example.com-udp-8443"}},
		"dynamic":           {[]uint16{49999, 50123, 51000, 60001, 65000, 443}, []string{"to-media.example.com-udp-443", "to-media.example.com-udp-49152-65535"}},
		"a few":             {[]uint16{50000, 50001}, []string{"to-media.example.com-udp-50000", "to-media.example.com-udp-50001"}},
		"many above 1024":   {[]uint16{10000, 10010, 10020, 10030, 10040, 10050, 10060, 10070, 10080, 10090}, []string{"to-media.example.com-udp-10000-10090"}},
		"both of two kinds": {[]uint16{1025}, []string{"to-media.example.com-udp-1025"}},
	} {
		if _, ev := learned(ports(c.ports...)...); !slices.Equal(names(ev), c.want) {
			t.Errorf("%s: %v, want %v", name, names(ev), c.want)
		}
	}
}

func TestCallbacksInTheHomeGoToAnyHighPort(t *testing.T) {
	for name, c := range map[string]struct {
		ports []uint16
		want  []string
	}{
		"another each time": {[]uint16{80, 8059, 31002, 52100}, []string{"to-local-tcp-80", "to-local-tcp-1024-65535"}},
		"side by side":      {[]uint16{49152, 49153, 49154}, []string{"to-local-tcp-49152", "to-local-tcp-49153", "to-local-tcp-49154"}},
		"two":               {[]uint16{8059, 31002}, []string{"to-local-tcp-8059", "to-local-tcp-31002"}},
	} {
		var list []*learn.Conversation
		for _, p := range c.ports {
			list = append(list, talk(true, 6, learn.Local, "192.168.1.20", p))
		}
		if _, ev := learned(list...); !slices.Equal(names(ev), c.want) {
			t.Errorf("%s: %v, want %v", name, names(ev), c.want)
		}
	}
}

func TestAScanDoesNotBecomeARight(t *testing.T) {
	var list []*learn.Conversation
	for i := range 200 {
		c := talk(true, 6, learn.Internet, fmt.Sprintf("203.0.%d.7", i), 23)
		c.Answered = i%50 == 0
		local := talk(true, 6, learn.Local, fmt.Sprintf("192.168.1.%d", i+1), 445)
		local.Answered = false
		peer := talk(true, 17, learn.Internet, fmt.Sprintf("198.51.%d.7", i), 7777)
		list = append(list, c, local, peer, talk(true, 6, learn.Internet, "198.51.100.1", 443, "cloud.lamps.example"))
	}
	_, ev := learned(list...)
	if got := names(ev); !slices.Equal(got, []string{"to-cloud.lamps.example-tcp-443"}) {
		t.Errorf("learned %v", got)
	}
	var why []string
	for _, o := range ev.LeftOut {
		why = append(why, o.Why+" "+o.Service)
	}
	if want := []string{"nameless udp/7777", "sweep tcp/23", "sweep tcp/445"}; !slices.Equal(why, want) {
		t.Errorf("left out %v, want %v", why, want)
	}
}

// A device that sweeps the home for resolvers still needs its own.
func TestASweepDoesNotTakeTheResolverAway(t *testing.T) {
	dns := talk(true, 17, learn.Gateway, "192.168.1.1", 53)
	dns.Resolver = true
	list := []*learn.Conversation{dns}
	for i := range 200 {
		c := talk(true, 17, learn.Local, fmt.Sprintf("192.168.1.%d", i+2), 53)
		c.Answered = false
		list = append(list, c)
	}
	_, ev := learned(list...)
	if got := names(ev); !slices.Equal(got, []string{"to-resolver-udp-53"}) || len(ev.LeftOut) != 1 {
		t.Errorf("learned %v, left out %+v", got, ev.LeftOut)
	}
}

func TestNamesOfEntriesAreShortEnoughAndApart(t *testing.T) {
	long := strings.Repeat("a", 60) + "." + strings.Repeat("b", 60) + ".lamps.example"
	f, ev := learned(
		talk(true, 6, learn.Internet, "198.51.100.1", 443, "one."+long), talk(true, 6, learn.Internet, "198.51.100.2", 443, "two."+long),
		talk(true, 6, learn.Internet, "198.51.100.3", 443, "three."+long),
	)
	if got := names(ev); len(slices.Compact(got)) != 3 || !strings.HasSuffix(got[0], ".lamps.example-tcp-443") {
		t.Errorf("names %v", got)
	}
	if got, err := mud.ParseStrict(f.Canonical()); err != nil || len(lines(got)) != 6 {
		t.Errorf("%v\n%s", err, f.Canonical())
	}
}

// What people write into a learned file is their word: it is there after learning on, and it comes first.
func TestWhatPeopleForbidStaysForbidden(t *testing.T) {
	again := func() (*mud.File, *learn.Evidence) {
		return learned(talk(true, 6, learn.Internet, "198.51.100.1", 443, "cloud.lamps.example"), talk(true, 6, learn.Internet, "198.51.100.2", 443, "spy.lamps.example"))
	}
	earlier, kept := again()
	forbid := func(name string) mud.ACE {
		return mud.ACE{Name: name, Matches: mud.Matches{IPv4: &mud.IP{DestinationDNSName: "spy.lamps.example"}}}
	}
	earlier.ACLs = append(earlier.ACLs, mud.ACL{Name: "both", Type: mud.IPv4ACL, ACEs: []mud.ACE{forbid("mine-too")}})
	earlier.ACL("from-ipv4").ACEs = append(earlier.ACL("from-ipv4").ACEs, forbid("mine"))
	earlier.FromDevice, earlier.ToDevice = append(earlier.FromDevice, "both"), append(earlier.ToDevice, "both")
	want := []string{
		"both mine-too", "from-ipv4 mine", "from-ipv4 to-cloud.lamps.example-tcp-443", "from-ipv4 to-spy.lamps.example-tcp-443",
		"both mine-too", "to-ipv4 to-cloud.lamps.example-tcp-443", "to-ipv4 to-spy.lamps.example-tcp-443",
	}
	for range 2 { // and learned on once more
		f, ev := again()
		learn.Keep(f, ev, earlier, kept)
		if got := lines(f); !slices.Equal(got, want) {
			t.Fatal(cmp.Diff(want, got))
		}
		earlier, kept = f, ev
	}

	// an entry of theirs that is called as learning would call it
	earlier, kept = again()
	theirs := forbid("to-spy.lamps.example-tcp-443")
	earlier.ACL("from-ipv4").ACEs[1] = theirs
	kept.Entries = kept.Entries[:1]
	for range 2 {
		f, ev := again()
		learn.Keep(f, ev, earlier, kept)
		if got := f.ACL("from-ipv4").ACEs[0]; got.Name != theirs.Name || got.Action != mud.Drop {
			t.Fatalf("%+v", got)
		}
		earlier, kept = f, ev
	}
}

func TestItSaysWhenItHasSeenEnough(t *testing.T) {
	day := func(n int) []*learn.Conversation {
		var list []*learn.Conversation
		for d := range n {
			for h := range 24 {
				c := talk(true, 6, learn.Internet, "198.51.100.1", 443, "cloud.lamps.example")
				c.First = noon.AddDate(0, 0, d).Add(time.Duration(h) * time.Hour)
				c.Last = c.First.Add(time.Second)
				list = append(list, c)
			}
		}
		return list
	}
	odd := func(list []*learn.Conversation) []*learn.Conversation {
		for i := range 20 {
			list = append(list, talk(true, 6, learn.Internet, "198.51.100.1", 443, fmt.Sprintf("%c.example.com", 'a'+i)))
		}
		return list
	}
	for name, c := range map[string]struct {
		list []*learn.Conversation
		want learn.Sure
	}{
		"nothing": {nil, learn.NotYet}, "one day, not whole": {day(1)[:6], learn.NotYet}, "two days": {day(2), learn.Somewhat}, "nine days": {day(9), learn.Quite},
		"two days, and much that was seen once": {odd(day(2)), learn.NotYet},
	} {
		if _, ev := learned(c.list...); ev.Enough.Sure != c.want {
			t.Errorf("%s: %+v, want %s", name, ev.Enough, c.want)
		}
	}
}

func TestWhatWasGatheredIsLearned(t *testing.T) {
	list := everything()
	want, _ := learned(list...)
	scopes := map[netip.Addr]learn.Scope{}
	resolvers := map[netip.Addr]bool{}
	var g learn.Gather
	for _, c := range list {
		scopes[c.Peer] = c.Scope
		resolvers[c.Peer] = resolvers[c.Peer] || c.Resolver
		g.Add(c)
	}
	var l learn.Learner
	g.Into(&l, func(_, peer netip.Addr) learn.Place {
		return learn.Place{Scope: scopes[peer], Resolver: resolvers[peer], Own: true}
	})
	got, _ := l.File(learn.About{URL: "https://learned.invalid/lamp.json", SystemInfo: "lamp"})
	if string(got.Canonical()) != string(want.Canonical()) {
		t.Error(cmp.Diff(lines(want), lines(got)))
	}
}

func FuzzParseEvidence(f *testing.F) {
	_, ev := learned(everything()...)
	b, err := json.Marshal(ev)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"schema":"plimsoll.learn/1","items":[{"flows":1}]}`))
	f.Add([]byte(`{"schema":"plimsoll.learn/2"}`))
	f.Add(b[:len(b)/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := learn.ParseEvidence(data)
		if err != nil {
			return
		}
		var l learn.Learner
		l.Resume(e)
		about := learn.About{URL: "https://learned.invalid/x.json"}
		file, again := l.File(about)
		if len(file.ACLs) == 0 {
			return // nothing was seen
		}
		if _, err := mud.ParseStrict(file.Canonical()); err != nil {
			t.Fatalf("made a file that does not keep to the standard: %v\n%s", err, file.Canonical())
		}
		text, err := json.Marshal(again)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := learn.ParseEvidence(text)
		if err != nil {
			t.Fatalf("its own evidence is refused: %v\n%s", err, text)
		}
		var m learn.Learner
		m.Resume(kept)
		if same, _ := m.File(about); string(same.Canonical()) != string(file.Canonical()) {
			t.Errorf("learned on from its own evidence, it is another file:\n%s", cmp.Diff(lines(file), lines(same)))
		}
		if len(again.Items) > len(e.Items) {
			t.Fatalf("%d items became %d", len(e.Items), len(again.Items))
		}
	})
}

// mudgee forgets what a device does beyond 500 flows.
func TestABusyDeviceIsLearnedWhole(t *testing.T) {
	var list []*learn.Conversation
	for i := range 900 {
		list = append(list, talk(true, 6, learn.Internet, netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}).String(), 443, fmt.Sprintf("host%d.site%d.example", i, i)))
	}
	f, _ := learned(list...)
	names := map[string]bool{}
	for _, e := range f.Entries(mud.FromDevice) {
		if m := e.Matches.IPv4; m != nil {
			names[m.DestinationDNSName] = true
		}
	}
	for i := range 900 {
		if !names[fmt.Sprintf("host%d.site%d.example", i, i)] {
			t.Fatalf("host %d of 900 is not learned; %d are", i, len(names))
		}
	}
}
