package lab

import "time"

// BadAfter is when the camera of Demo goes bad.
const BadAfter = 15 * time.Minute

// talkEvery is how often devices of Demo speak with their servers while somebody looks.
const talkEvery = 8 * time.Second

// Demo is the home of Family, some of whose devices say nothing new after a quarter of an hour, with a camera that then
// goes bad: it looks for others to break into, guesses passwords, and calls home. It and the plug go on speaking with their
// makers, so that it shows when they cannot.
func Demo(start time.Time) *Home {
	h := Family()
	h.Start, h.Length = start, 18*time.Minute
	h.Servers = append(h.Servers, Infected().Servers[len(h.Servers):]...)
	speak := func(a *Actor, server string) {
		a.Until(BadAfter - time.Minute)
		a.Every(talkEvery, func() { a.HTTPS(server, 320, 180) })
	}
	for i := range h.Devices {
		d := &h.Devices[i]
		good := d.Script
		switch d.Name {
		case "plug":
			d.Script = func(a *Actor) {
				a.Meanwhile(func() { good(a) })
				speak(a, "devs.tplinkcloud.com")
			}
		case "camera":
			d.Script = func(a *Actor) {
				a.Meanwhile(func() { good(a) })
				a.Meanwhile(func() { speak(a, "dev.hik-connect.com") })
				a.Until(BadAfter)
				a.Meanwhile(func() { a.Beacon("cnc.example.net", 48101, 20*time.Second) })
				a.ScanTelnet(300, 40*time.Millisecond)
				a.GuessTelnet("nas", "\r\nDiskStation", 12)
			}
		}
	}
	return h
}
