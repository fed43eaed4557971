package enforce

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// says is what the policy of the nth device of a kernel’s rules says of a conversation.
func says(k *asked, n int, d policy.Direction, proto uint8, peer string, port uint16) policy.Action {
	q := policy.Packet{Direction: d, Proto: proto, Peer: frame.AddrFrom(netip.MustParseAddr(peer))}
	if d == policy.FromDevice {
		q.PeerPort, q.OwnPort = port, 40000
	} else {
		q.PeerPort, q.OwnPort = 40000, port
	}
	return k.gateway.Devices[n].Policy.Decide(&q, 0).Action
}

func TestAnExceptionLetsADeviceDoOneThingMoreUntilItsTime(t *testing.T) {
	lamp, hub := device(1, home.Held, "10.9.0.11"), device(2, home.Held, "10.9.0.12")
	lamp.File, hub.File = "good", "good"
	lamp.Exceptions = []home.Exception{
		{Party: home.Party{Device: hub.ID}, Service: "tcp/80", Until: noon.Add(time.Hour)},
		{Party: home.Party{Address: netip.MustParseAddr("45.1.2.3")}},
		{Party: home.Party{Address: netip.MustParseAddr("2a45::3")}, Service: "udp/123"},
	}
	list := []*home.Device{lamp, hub}
	k := &asked{}
	e := enforcer(t, k, &list)
	now := noon
	e.Now = func() time.Time { return now }
	check := func(when string, hubIs policy.Action) {
		t.Helper()
		if err := e.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			what string
			got  policy.Action
			want policy.Action
		}{
			{"the hub", says(k, 0, policy.FromDevice, frame.ProtoTCP, "10.9.0.12", 80), hubIs},
			{"the hub lets it in", says(k, 1, policy.ToDevice, frame.ProtoTCP, "10.9.0.11", 80), hubIs},
			{"another port of the hub", says(k, 0, policy.FromDevice, frame.ProtoTCP, "10.9.0.12", 81), policy.Drop},
			{"somebody else to the hub", says(k, 1, policy.ToDevice, frame.ProtoTCP, "10.9.0.13", 80), policy.Drop},
			{"the hub begins", says(k, 1, policy.FromDevice, frame.ProtoTCP, "10.9.0.11", 80), policy.Drop},
			{"an address", says(k, 0, policy.FromDevice, frame.ProtoTCP, "45.1.2.3", 8443), policy.Accept},
			{"another address", says(k, 0, policy.FromDevice, frame.ProtoTCP, "45.1.2.4", 8443), policy.Drop},
			{"by IPv6", says(k, 0, policy.FromDevice, frame.ProtoUDP, "2a45::3", 123), policy.Accept},
			{"by IPv6, another service", says(k, 0, policy.FromDevice, frame.ProtoTCP, "2a45::3", 123), policy.Drop},
		} {
			if c.got != c.want {
				t.Errorf("%s: %s is %s, want %s", when, c.what, c.got, c.want)
			}
		}
	}
	check("in its time", policy.Accept)
	applied := k.applied
	now = noon.Add(time.Hour)
	list = []*home.Device{lamp, hub}
	lamp.Last, hub.Last = now, now
	check("after it", policy.Drop)
	if k.applied == applied {
		t.Error("the rules were not made anew")
	}
	named := &mud.File{URL: "https://maker.example/x.json"}
	lamp.Exceptions = []home.Exception{{Party: home.Party{Name: "ntp.example"}, Service: "udp/123"}}
	if f := Widened(named, lamp, list, now); len(f.ACLs) != 2 || f.ACLs[0].ACEs[1].Matches.IPv6.DestinationDNSName != "ntp.example" || len(named.ACLs) != 0 {
		t.Errorf("%+v", f)
	}
}

func TestControllersAreWhomTheHouseholdNamed(t *testing.T) {
	lamp, plug, hub := device(1, home.Held, "10.9.0.11"), device(2, home.Held, "10.9.0.12"), device(3, home.Free, "10.9.0.13", "fd09::3")
	lamp.File, plug.File = "asks", "asks"
	lamp.Controllers = []home.Controller{{Party: home.Party{Device: hub.ID}}, {Party: home.Party{Device: hub.ID}, Class: "https://home.example/c"}}
	list := []*home.Device{lamp, plug, hub}
	k := &asked{}
	e := enforcer(t, k, &list)
	ports := func(n uint16) *mud.TCP { return &mud.TCP{Destination: &mud.Ports{Operator: mud.Equal, Port: n}} }
	e.File = func(context.Context, string) (*mud.File, error) {
		return &mud.File{URL: "https://maker.example/l.json", FromDevice: []string{"f"}, ACLs: []mud.ACL{{Name: "f", ACEs: []mud.ACE{
			{Name: "mine", Action: mud.Accept, Matches: mud.Matches{MUD: &mud.MUD{MyController: true}, TCP: ports(80)}},
			{Name: "class", Action: mud.Accept, Matches: mud.Matches{MUD: &mud.MUD{Controller: "https://home.example/c"}, TCP: ports(81)}},
		}}}}, nil
	}
	check := func(state home.State, want [3]policy.Action) {
		t.Helper()
		hub.State = state
		if err := e.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{"10.9.0.13", "fd09::3"} {
			for i, got := range []policy.Action{
				says(k, 0, policy.FromDevice, frame.ProtoTCP, to, 80), says(k, 1, policy.FromDevice, frame.ProtoTCP, to, 80), says(k, 1, policy.FromDevice, frame.ProtoTCP, to, 81),
			} {
				if got != want[i] {
					t.Errorf("hub %s at %s: case %d is %s, want %s", state, to, i, got, want[i])
				}
			}
		}
	}
	// its own controller is its own alone; a class is one for the whole home
	check(home.Free, [3]policy.Action{policy.Accept, policy.Drop, policy.Accept})
	check(home.Quarantined, [3]policy.Action{policy.Drop, policy.Drop, policy.Drop})
}
