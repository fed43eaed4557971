package device

import (
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
)

// Randomised reports whether the device hides behind locally administered addresses, as phones do.
func (d *Device) Randomised() bool { return d.MAC.IsLocal() && !IsSynthetic(d.MAC) }

// joiners are the facts that one device alone would say, under whichever address it hides.
var joiners = []string{"dhcp.client_id", "dhcpv6.client_id", "mdns.hostname", "dhcp.hostname"}

// join makes one device of those that hide behind randomised addresses one after the other, where they say the same
// of themselves: a client identifier that is not an address, or a name together with the same DHCP parameters. What
// two devices say that are here at the same time, such as the name of a model, tells of nobody.
func (v *Inventory) join() []*Device {
	said := make(map[*Device][]claim)
	last := map[claim]*Device{} // of those that say it, the one that was here longest
	vague := map[claim]bool{}
	for _, d := range v.order { // by their beginnings
		if !d.Randomised() {
			continue
		}
		said[d] = d.claims()
		for _, c := range said[d] {
			e := last[c]
			vague[c] = vague[c] || e != nil && together(e, d)
			if e == nil || d.Last > e.Last {
				last[c] = d
			}
		}
	}
	by := map[claim]*Device{}
	latest := map[*Device]*Device{} // of the devices that were joined to one, the one that was here longest
	var devices []*Device
	for _, d := range v.order {
		d.MACs = []frame.MAC{d.MAC}
		same := d
		for _, c := range said[d] {
			if e := by[c]; e != nil && !vague[c] && !together(latest[e], d) {
				same = e
				break
			}
		}
		if same == d {
			devices = append(devices, d)
		} else {
			same.absorb(d)
		}
		for _, c := range said[d] {
			by[c] = same
		}
		if e := latest[same]; e == nil || d.Last > e.Last {
			latest[same] = &Device{First: d.First, Last: d.Last}
		}
	}
	return devices
}

// Claims is what a device alone says of itself, by which it is known under its next randomised address: none for one
// that does not hide.
func (d *Device) Claims() (list []string) {
	if !d.Randomised() {
		return nil
	}
next:
	for _, c := range d.claims() {
		for _, m := range d.MACs {
			if strings.Contains(c.value, strings.ReplaceAll(m.String(), ":", "")) {
				continue next
			}
		}
		list = append(list, c.fact+" "+c.value)
	}
	return list
}

// claim is something that one device alone says of itself.
type claim struct{ fact, value string }

func (d *Device) claims() (claims []claim) {
	params := ""
	for i := range d.Observations {
		if o := &d.Observations[i]; o.Fact == "dhcp.parameters" {
			params = o.Value
			break
		}
	}
	own := strings.ReplaceAll(d.MAC.String(), ":", "")
	for i := range d.Observations {
		o := &d.Observations[i]
		if !slices.Contains(joiners, o.Fact) || strings.Contains(o.Value, own) {
			continue
		}
		switch o.Fact {
		case "dhcp.client_id", "dhcpv6.client_id":
			if len(o.Value) >= 2*minIdentifier && strings.Trim(o.Value[2:], "0") != "" {
				claims = append(claims, claim{o.Fact, o.Value})
			}
		default: // a name alone may be anybody's: the way of asking for an address must agree as well
			if name := strings.ToLower(strings.TrimSuffix(o.Value, ".local")); params != "" && name != "" && !Generic(name) {
				claims = append(claims, claim{"name", name + " " + params})
			}
		}
	}
	return claims
}

// minIdentifier is the octets that a client identifier must have to be nobody else's: a type and an address.
const minIdentifier = 7

// Generic reports whether many devices of one model give themselves the same name.
func Generic(name string) bool {
	for _, n := range [...]string{"android", "wlan0", "eth0", "iphone", "ipad", "localhost", "espressif", "unknown", "galaxy"} {
		if strings.EqualFold(strings.TrimSuffix(name, ".local"), n) {
			return true
		}
	}
	return false
}

// together reports whether two devices were active at the same time, and so are two. For a moment both are: the network
// goes on to send to the address that a device has just given up.
func together(a, b *Device) bool {
	const moment = int64(time.Minute)
	inside := func(x, y *Device) bool { return y.First < x.First && x.Last+moment < y.Last }
	both := min(a.Last, b.Last) - max(a.First, b.First)
	return inside(a, b) || inside(b, a) || both > min(moment, (a.Last-a.First)/4, (b.Last-b.First)/4)
}

func (d *Device) absorb(o *Device) {
	d.MACs = append(d.MACs, o.MAC)
	d.First, d.Last = min(d.First, o.First), max(d.Last, o.Last)
	kept := min(len(o.Addresses), max(0, 2*maxAddresses-len(d.Addresses)))
	d.Addresses = append(d.Addresses, o.Addresses[:kept]...)
	for _, a := range o.Addresses[kept:] {
		d.rest.add(a.Traffic)
	}
	kept = min(len(o.Peers), max(0, maxPeers-len(d.Peers)))
	d.Peers = append(d.Peers, o.Peers[:kept]...)
	for _, p := range o.Peers[kept:] {
		d.OtherPeers += p.Flows
		d.OtherOctets += p.Octets
	}
	for _, x := range o.Observations {
		i := slices.IndexFunc(d.Observations, func(y Observation) bool { return y.Fact == x.Fact && y.Value == x.Value })
		if i >= 0 {
			d.Observations[i].Count += x.Count
		} else if len(d.Observations) < maxObservations {
			d.Observations = append(d.Observations, x)
		}
	}
	d.rest.add(o.rest)
	d.Forwarded.add(o.Forwarded)
	d.OtherPeers += o.OtherPeers
	d.OtherOctets += o.OtherOctets
	d.Unobserved += o.Unobserved
	d.Resolver, d.DHCPServer = d.Resolver || o.Resolver, d.DHCPServer || o.DHCPServer
	d.Advertiser, d.Gateway = d.Advertiser || o.Advertiser, d.Gateway || o.Gateway
}
