package inspect

import (
	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// seen is who was there, once a result was made.
type seen struct {
	devices []*device.Device
	network *device.Network
}

// Policy is a MUD file set into the network that was seen, for the device with a link-layer address, if Config.Remember
// was set; names lead where they led the device. One that was not seen has no addresses. It may be asked after Result.
func (e *Engine) Policy(f *mud.File, m frame.MAC, c Controllers) *policy.Policy {
	base := c.into(situation(e.scene.devices, e.scene.network))
	d := e.scene.device(m)
	if d == nil {
		d = &device.Device{MAC: m}
		base.Peers = append(base.Peers, policy.Device{MAC: m})
	}
	of := base.Of(d.MAC)
	p := policy.Compile(f, &of)
	for _, c := range own(e.talks, d) {
		for _, name := range c.Names {
			p.Learn(name, c.Peer.Netip(), policy.Forever)
		}
	}
	return p
}

// Forgotten is how many conversations there was no room for, if they were to be remembered.
func (e *Engine) Forgotten() uint64 {
	if e.talks == nil {
		return 0
	}
	return e.talks.forgotten
}

// Rehearse is what a MUD file would have made of the conversations of a device, if Config.Remember was set. ok is false
// where nothing was seen of the device, and nothing is remembered. It may be asked after Result.
func (e *Engine) Rehearse(f *mud.File, m frame.MAC, c Controllers) (p *policy.Policy, r *policy.Rehearsal, ok bool) {
	d := e.scene.device(m)
	if d == nil {
		if e.talks.ofDevice[m] == 0 {
			return nil, nil, false
		}
		d = &device.Device{MAC: m}
	}
	base := c.into(situation(e.scene.devices, e.network()))
	p = compileFor(f, &base, d)
	return p, p.Rehearse(own(e.talks, d)), true
}

// network is the local network, as far as it was seen.
func (e *Engine) network() *device.Network {
	if e.scene.network == nil {
		return &device.Network{}
	}
	return e.scene.network
}

// device is the device that has a link-layer address, or nil.
func (s *seen) device(m frame.MAC) *device.Device {
	for _, d := range s.devices {
		for _, x := range macs(d) {
			if x == m {
				return d
			}
		}
	}
	return nil
}
