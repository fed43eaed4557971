package baseline

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/psl"
)

// Learner takes what is seen in a run. Nothing of it counts before Finish.
type Learner struct {
	base  *Baseline
	fresh map[string]*Device // by link-layer address
}

// NewLearner begins a run on top of what is known.
func NewLearner(base *Baseline) *Learner { return &Learner{base, map[string]*Device{}} }

// device is what was seen in this run of a device; nil where there is no room for it.
func (l *Learner) device(mac string) *Device {
	d := l.fresh[mac]
	if d == nil && len(l.fresh) < 2*maxDevices {
		d = &Device{MACs: []string{mac}}
		l.fresh[mac] = d
	}
	return d
}

// Sight learns a conversation that a device began and that was answered.
func (l *Learner) Sight(mac string, s *Sight) {
	if !counts(s.First, s.Last) || l.base.Covers(s.First) {
		return
	}
	d := l.device(mac)
	if d == nil {
		return
	}
	days := daysOf(s.First, s.Last)
	d.Seen.merge(days)
	d.count(s)
	name := s.destination()
	i := slices.IndexFunc(d.Destinations, func(x *Destination) bool { return x.Name == name })
	if i < 0 {
		if len(d.Destinations) >= 2*maxDestinations {
			d.settle(maxDestinations, l.base.halfLife())
		}
		d.Destinations = append(d.Destinations, &Destination{Name: name})
		i = len(d.Destinations) - 1
	}
	x := d.Destinations[i]
	x.Seen.merge(days)
	if a := s.Addr.String(); !s.LAN && !slices.Contains(x.Addresses, a) && len(x.Addresses) < 2*maxAddresses {
		x.Addresses = append(x.Addresses, a)
	}
	x.Services = serve(x.Services, &Service{service(s.Proto, s.Port), s.Protocol, days})
}

// Serve learns that a device answered a service.
func (l *Learner) Serve(mac, proto string, port uint16, protocol string, first, last int64) {
	if !counts(first, last) || l.base.Covers(first) {
		return
	}
	if d := l.device(mac); d != nil {
		days := daysOf(first, last)
		d.Seen.merge(days)
		d.Serves = serve(d.Serves, &Service{service(proto, port), protocol, days})
	}
}

func serve(list []*Service, s *Service) []*Service {
	for _, x := range list {
		if x.Name == s.Name {
			x.Seen.merge(s.Seen)
			if x.Protocol == "" || s.Protocol != "" && s.Protocol < x.Protocol {
				x.Protocol = s.Protocol
			}
			return list
		}
	}
	if len(list) >= 2*maxServices {
		return list
	}
	return append(list, &Service{s.Name, s.Protocol, s.Seen})
}

// counts reports whether a time can be kept: days begin with the epoch, and a capture may say that it was made before.
func counts(first, last int64) bool { return 0 <= first && first <= last }

// daysOf are the hours from one capture time to another.
func daysOf(first, last int64) (d Days) {
	from, to := first/hour, last/hour
	for h := max(from, to-maxDays*24+1); h <= to; h++ {
		d.add(int32(h/24), 1<<(h%24))
	}
	return d
}

const hour = int64(time.Hour)

// count spreads the octets of a conversation evenly over the hours that it lasted.
func (d *Device) count(s *Sight) {
	first, last := s.First/hour, s.Last/hour
	first = max(first, last-maxDays*24+1)
	n := uint64(last - first + 1)
	for h := first; h <= last; h++ {
		octets := s.Octets / n
		if h == first {
			octets += s.Octets % n
		}
		if row := d.volume(int32(h / 24)); row != nil {
			row.Hours[h%24] += octets
		}
	}
}

// volume is the row of a day; nil for one before all that there is room for.
func (d *Device) volume(day int32) *Volume {
	i, ok := slices.BinarySearchFunc(d.Volume, day, func(v Volume, day int32) int { return cmp.Compare(v.Day, day) })
	if !ok {
		if len(d.Volume) >= maxDays { // as Days forget
			if i == 0 {
				return nil
			}
			d.Volume = slices.Delete(d.Volume, 0, 1)
			i--
		}
		d.Volume = slices.Insert(d.Volume, i, Volume{Day: day})
	}
	return &d.Volume[i]
}

// Member is a device at the end of a run: the link-layer addresses that it had, and what it alone says of itself.
type Member struct {
	MACs   []string
	Claims []string
}

// Finish is what is normal with what was seen in the run, of captures that lasted those spans. The base is as it was.
func (l *Learner) Finish(members []Member, spans []Span) *Baseline {
	b := l.base.clone()
	for _, m := range members {
		var seen *Device
		for _, mac := range m.MACs {
			if f := l.fresh[mac]; f != nil {
				if seen == nil {
					seen = &Device{}
				}
				seen.merge(f)
			}
		}
		if seen == nil {
			continue
		}
		seen.Claims = m.Claims
		b.take(seen, m.MACs)
	}
	for _, s := range spans {
		if s.Last >= s.First {
			b.cover(s)
		}
	}
	b.settle()
	return b
}

// take adds what was seen of a device to what is known of it: by one of its addresses, else by what it alone says.
func (b *Baseline) take(seen *Device, macs []string) {
	var d *Device
	same := func(x *Device) { // two that were known apart turn out to be one
		switch {
		case x == nil || x == d:
		case d == nil:
			d = x
		default:
			d.merge(x)
			b.Devices = slices.DeleteFunc(b.Devices, func(y *Device) bool { return y == x })
			for _, m := range x.MACs {
				b.byMAC[m] = d
			}
			for _, c := range x.Claims {
				b.claims[c] = d
			}
		}
	}
	for _, m := range macs {
		same(b.byMAC[m])
	}
	for _, c := range seen.Claims {
		same(b.claims[c])
	}
	if d == nil {
		d = &Device{}
		b.Devices = append(b.Devices, d)
	}
	d.merge(seen)
	for _, m := range d.MACs {
		b.byMAC[m] = d
	}
	for _, c := range d.Claims {
		b.claims[c] = d
	}
}

// merge adds what is known of o.
func (d *Device) merge(o *Device) {
	for _, m := range o.MACs {
		d.MACs = unite(d.MACs, m)
	}
	for _, c := range o.Claims {
		d.Claims = unite(d.Claims, c)
	}
	d.Seen.merge(o.Seen)
	for _, y := range o.Destinations {
		i := slices.IndexFunc(d.Destinations, func(x *Destination) bool { return x.Name == y.Name })
		if i < 0 {
			d.Destinations = append(d.Destinations, &Destination{Name: y.Name})
			i = len(d.Destinations) - 1
		}
		d.Destinations[i].merge(y)
	}
	for _, s := range o.Serves {
		d.Serves = serve(d.Serves, s)
	}
	for _, v := range o.Volume {
		if row := d.volume(v.Day); row != nil {
			for h, n := range v.Hours {
				row.Hours[h] += n
			}
		}
	}
}

func unite(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (x *Destination) merge(o *Destination) {
	x.Seen.merge(o.Seen)
	for _, a := range o.Addresses {
		x.Addresses = unite(x.Addresses, a)
	}
	for _, s := range o.Services {
		x.Services = serve(x.Services, s)
	}
}

// cover takes note of a span, and joins those that touch. The oldest are forgotten.
func (b *Baseline) cover(s Span) {
	b.Spans = append(b.Spans, s)
	slices.SortFunc(b.Spans, func(x, y Span) int { return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.Last, y.Last)) })
	list := b.Spans[:0]
	for _, s := range b.Spans {
		if n := len(list); n > 0 && s.First <= list[n-1].Last {
			list[n-1].Last = max(list[n-1].Last, s.Last)
			continue
		}
		list = append(list, s)
	}
	b.Spans = list[max(0, len(list)-maxSpans):]
}

// settle brings everything into order and within its bounds.
func (b *Baseline) settle() {
	for _, d := range b.Devices {
		d.settle(maxDestinations, b.halfLife())
	}
	b.Devices = slices.DeleteFunc(b.Devices, func(d *Device) bool { return len(d.MACs) == 0 || len(d.Seen) == 0 })
	b.Devices = heaviest(b.Devices, maxDevices, b.halfLife(), func(d *Device) (Days, string) { return d.Seen, d.MACs[0] })
	b.reindex()
}

// settle brings what is known of a device into order and within its bounds.
func (d *Device) settle(limit int, half time.Duration) {
	today := d.Seen.last()
	slices.Sort(d.MACs)
	d.MACs = d.MACs[max(0, len(d.MACs)-maxMACs):]
	slices.Sort(d.Claims)
	d.Claims = d.Claims[:min(len(d.Claims), maxClaims)]
	d.Volume = slices.DeleteFunc(d.Volume, func(v Volume) bool { return today-v.Day >= maxDays })
	d.name()
	d.families()
	d.Destinations = slices.DeleteFunc(d.Destinations, func(x *Destination) bool {
		days, _ := x.Seen.count(today)
		return days == 0
	})
	for _, x := range d.Destinations {
		slices.Sort(x.Addresses)
		x.Addresses = x.Addresses[:min(len(x.Addresses), maxAddresses)]
		x.Services = heaviest(x.Services, maxServices, half, func(s *Service) (Days, string) { return s.Seen, s.Name })
	}
	d.Serves = heaviest(d.Serves, maxServices, half, func(s *Service) (Days, string) { return s.Seen, s.Name })
	d.Destinations = heaviest(d.Destinations, limit, half, func(x *Destination) (Days, string) { return x.Seen, x.Name })
}

// heaviest keeps what counts most by its days, as of the latest day of any; of equals, what was seen last, then what
// comes first by name. It returns them by name.
func heaviest[T any](list []T, limit int, half time.Duration, of func(T) (Days, string)) []T {
	today := int32(0)
	for _, x := range list {
		days, _ := of(x)
		today = max(today, days.last())
	}
	if len(list) > limit {
		slices.SortFunc(list, func(x, y T) int {
			a, s := of(x)
			b, t := of(y)
			return cmp.Or(cmp.Compare(b.weight(today, half), a.weight(today, half)), cmp.Compare(b.last(), a.last()), cmp.Compare(s, t))
		})
		list = list[:limit]
	}
	slices.SortFunc(list, func(x, y T) int {
		_, s := of(x)
		_, t := of(y)
		return cmp.Compare(s, t)
	})
	return list
}

// name gives what was known by its address alone to the name that has the address, or else to its network.
func (d *Device) name() {
	owner := map[string]*Destination{}
	for _, x := range d.Destinations {
		if !isNumber(x.Name) {
			for _, a := range x.Addresses {
				if y := owner[a]; y == nil || x.Name < y.Name {
					owner[a] = x
				}
			}
		}
	}
	networks := map[string]*Destination{}
	var list []*Destination
	for _, x := range d.Destinations {
		a, err := netip.ParseAddr(x.Name)
		name := x.Name
		if err == nil {
			if y := owner[x.Name]; y != nil {
				y.merge(x)
				continue
			}
			name = network(a).String()
		}
		if !isNumber(name) {
			list = append(list, x)
			continue
		}
		if y := networks[name]; y != nil {
			y.merge(x)
			continue
		}
		x.Name = name
		networks[name] = x
		list = append(list, x)
	}
	d.Destinations = list
}

// isNumber reports whether a destination is an address, or a network.
func isNumber(name string) bool {
	_, err := netip.ParsePrefix(name)
	if err != nil {
		_, err = netip.ParseAddr(name)
	}
	return err == nil
}

// families joins the names of one registrable domain where there are many.
func (d *Device) families() {
	members := map[string]int{}
	for _, x := range d.Destinations {
		if family, ok := strings.CutPrefix(x.Name, "*."); ok {
			members[family] += familyNames
		} else if !isNumber(x.Name) {
			members[psl.Domain(x.Name)]++
		}
	}
	joined := map[string]*Destination{}
	var list []*Destination
	for _, x := range d.Destinations {
		family := strings.TrimPrefix(x.Name, "*.")
		if family == x.Name {
			family = ""
			if !isNumber(x.Name) {
				family = psl.Domain(x.Name)
			}
		}
		if family == "" || members[family] < familyNames {
			list = append(list, x)
			continue
		}
		y := joined[family]
		if y == nil {
			y = &Destination{Name: "*." + family}
			joined[family] = y
			list = append(list, y)
		}
		y.merge(x)
	}
	d.Destinations = list
}

// clone is a copy that shares nothing.
func (b *Baseline) clone() *Baseline {
	c := &Baseline{Spans: slices.Clone(b.Spans), half: b.half}
	for _, d := range b.Devices {
		n := &Device{}
		n.merge(d)
		c.Devices = append(c.Devices, n)
	}
	c.reindex()
	return c
}
