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

// Policy is a MUD file set into the network that was seen, for the device with a link-layer address. One that was not
// seen has no addresses.
func (e *Engine) Policy(f *mud.File, m frame.MAC) *policy.Policy {
	base := situation(e.scene.devices, e.scene.network)
	d := e.scene.device(m)
	if d == nil {
		d = &device.Device{MAC: m}
		base.Peers = append(base.Peers, policy.Device{MAC: m})
	}
	return compileFor(f, &base, d)
}

// Rehearse is what a MUD file would have made of the conversations of a device, if Config.Remember was set. ok is false
// where the device was not seen. It may be asked after Result.
func (e *Engine) Rehearse(f *mud.File, m frame.MAC) (p *policy.Policy, r *policy.Rehearsal, ok bool) {
	d := e.scene.device(m)
	if d == nil {
		return nil, nil, false
	}
	base := situation(e.scene.devices, e.scene.network)
	p = compileFor(f, &base, d)
	return p, p.Rehearse(own(e.talks, d)), true
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
