package policy

import (
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/mud"
)

func TestAStoppedPacketIsExplainedByTheNearestEntry(t *testing.T) {
	https := mud.Matches{IPv4: &mud.IP{DestinationDNSName: "cloud.example"}, TCP: &mud.TCP{Destination: eq(443), DirectionInitiated: mud.FromDevice}}
	local := mud.Matches{UDP: &mud.UDP{Destination: eq(5353)}, MUD: &mud.MUD{LocalNetworks: true}}
	back := mud.Matches{TCP: &mud.TCP{Source: eq(443), DirectionInitiated: mud.FromDevice}, IPv4: &mud.IP{SourceDNSName: "cloud.example"}}
	p := Compile(file([]mud.ACE{
		accept("cloud", https), accept("local", local), drop("no telnet", mud.Matches{TCP: &mud.TCP{Destination: eq(23)}}),
	}, []mud.ACE{accept("back", back)}), house())
	p.Learn("cloud.example", ip(cloud), Forever)
	call := in(tcp, cloud, 40000)
	call.PeerPort = 443
	for name, x := range map[string]struct {
		q       Packet
		nearest int32
		differs string
		en, fr  string
	}{
		"another port":   {out(tcp, cloud, 8080), 1, "peer-port", "nearest entry allows tcp/443 to cloud.example", "plus proche permet tcp/443 vers cloud.example"},
		"another peer":   {out(tcp, other, 443), 1, "peer", "the other end differs", "l’autre bout diffère"},
		"a mere answer":  {call, 4, "direction", "may only answer", "ne peut que répondre"},
		"another proto":  {out(udp, cloud, 443), 1, "protocol", "the protocol differs", "le protocole diffère"},
		"nothing alike":  {Packet{Proto: frame.ProtoICMP, Type: 8, Peer: addr(other)}, 0, "", "no entry allows icmp", "aucune entrée ne permet icmp"},
		"what is banned": {out(tcp, cloud, 23), 1, "peer-port", "entry forbids it", "une entrée l’interdit"},
	} {
		got := p.Explain(&x.q, 0)
		if got.Action != Drop || got.Nearest != x.nearest || strings.Join(got.Differs.Strings(), " ") != x.differs {
			t.Errorf("%s: %v, nearest %d, differs %v; want %d, %q", name, got.Action, got.Nearest, got.Differs.Strings(), x.nearest, x.differs)
		}
		for lang, want := range map[locale.Lang]string{locale.English: x.en, locale.French: x.fr} {
			if text := p.Text(&got, &x.q, "the peer", locale.New(lang), func(s string) string { return s }); !strings.Contains(text, want) {
				t.Errorf("%s in %s: %q, want %q in it", name, lang, text, want)
			}
		}
	}
}
