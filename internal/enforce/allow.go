package enforce

import (
	"net"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/mud"
)

// allowance is what the household lets a device do beside its file: the entries of either direction.
type allowance struct{ From, To []mud.ACE }

// Widened is a file with what the household lets the device do beside it at that time: to reach others, and to be
// reached by those at home that may reach it.
func Widened(f *mud.File, d *home.Device, all []*home.Device, now time.Time) *mud.File {
	return allowances(d, all, now).widen(f)
}

func allowances(d *home.Device, all []*home.Device, now time.Time) (a allowance) {
	for _, e := range d.Exceptions {
		if e.Holds(now) {
			a.From = append(a.From, reach(e, all)...)
		}
	}
	for _, other := range all {
		for _, e := range other.Exceptions {
			if !d.HasID(e.Device) || !e.Holds(now) {
				continue
			}
			for _, m := range other.MACs {
				a.To = append(a.To, granting(e, mud.Matches{Eth: &mud.Eth{Source: net.HardwareAddr(m[:])}}))
			}
		}
	}
	return a
}

// reach is what lets a device begin conversations with a party.
func reach(e home.Exception, all []*home.Device) (list []mud.ACE) {
	switch a := e.Address; {
	case e.Device != "":
		for _, d := range all {
			if !d.HasID(e.Device) {
				continue
			}
			for _, m := range d.MACs {
				list = append(list, granting(e, mud.Matches{Eth: &mud.Eth{Destination: net.HardwareAddr(m[:])}}))
			}
		}
	case a.Is4():
		list = append(list, granting(e, mud.Matches{IPv4: &mud.IP{Destination: netip.PrefixFrom(a, 32)}}))
	case a.Is6():
		list = append(list, granting(e, mud.Matches{IPv6: &mud.IP{Destination: netip.PrefixFrom(a, 128)}}))
	default:
		list = append(list, granting(e, mud.Matches{IPv4: &mud.IP{DestinationDNSName: e.Name}}), granting(e, mud.Matches{IPv6: &mud.IP{DestinationDNSName: e.Name}}))
	}
	return list
}

// granting is an entry that accepts what an exception says.
func granting(e home.Exception, m mud.Matches) mud.ACE {
	if proto, port, ok := home.ParseService(e.Service); ok {
		to := &mud.Ports{Operator: mud.Equal, Port: port}
		if proto == frame.ProtoTCP {
			m.TCP = &mud.TCP{Destination: to}
		} else {
			m.UDP = &mud.UDP{Destination: to}
		}
	}
	return mud.ACE{Name: e.Party.String(), Action: mud.Accept, Matches: m}
}

// widen is a file with an allowance before all that it says: what it forbids by name, a person may allow.
func (a allowance) widen(f *mud.File) *mud.File {
	if len(a.From)+len(a.To) == 0 {
		return f
	}
	from, to := mud.ACL{Name: "household-from", ACEs: a.From}, mud.ACL{Name: "household-to", ACEs: a.To}
	c := *f
	c.FromDevice = append([]string{from.Name}, f.FromDevice...)
	c.ToDevice = append([]string{to.Name}, f.ToDevice...)
	c.ACLs = append([]mud.ACL{from, to}, f.ACLs...)
	return &c
}

// Controllers are the addresses that the household named: of the device’s own controllers, and of each class, by URI.
// What one device was told of a class goes for the whole home. bound is who has which addresses.
func Controllers(d *home.Device, all []*home.Device, bound map[frame.MAC][]netip.Addr) (my []netip.Addr, class map[string][]netip.Addr) {
	for _, c := range d.Controllers {
		if c.Class == "" {
			my = append(my, where(c.Party, all, bound)...)
		}
	}
	return my, classes(all, bound)
}

func classes(all []*home.Device, bound map[frame.MAC][]netip.Addr) map[string][]netip.Addr {
	var by map[string][]netip.Addr
	for _, d := range all {
		for _, c := range d.Controllers {
			if c.Class == "" {
				continue
			}
			if by == nil {
				by = map[string][]netip.Addr{}
			}
			by[c.Class] = append(by[c.Class], where(c.Party, all, bound)...)
		}
	}
	return by
}

// where is the addresses of a party. A device that is not trusted controls nobody.
func where(p home.Party, all []*home.Device, bound map[frame.MAC][]netip.Addr) (list []netip.Addr) {
	if p.Address.IsValid() {
		return []netip.Addr{p.Address}
	}
	for _, d := range all {
		if !d.HasID(p.Device) || d.State == home.Quarantined || d.State == home.Refused {
			continue
		}
		for _, m := range d.MACs {
			list = append(list, bound[m]...)
		}
	}
	return list
}
