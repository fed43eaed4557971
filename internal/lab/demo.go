package lab

import "time"

// BadAfter is when the camera of Demo goes bad.
const BadAfter = 15 * time.Minute

// Demo is the home of Family, some of whose devices say nothing new after a quarter of an hour, with a camera that then
// goes bad: it looks for others to break into, guesses passwords, and calls home.
func Demo(start time.Time) *Home {
	h := Family()
	h.Start, h.Length = start, 18*time.Minute
	h.Servers = append(h.Servers, Infected().Servers[len(h.Servers):]...)
	for i := range h.Devices {
		if d := &h.Devices[i]; d.Name == "camera" {
			good := d.Script
			d.Script = func(a *Actor) {
				good(a)
				a.Until(BadAfter)
				a.Meanwhile(func() { a.Beacon("cnc.example.net", 48101, 20*time.Second) })
				a.ScanTelnet(300, 40*time.Millisecond)
				a.GuessTelnet("nas", "\r\nDiskStation", 12)
			}
		}
	}
	return h
}
