package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"plimsoll.example/plimsoll/internal/certtest"
)

// TestIoT11AURLIsHeardHoweverItIsSaid: each way by which a device, or somebody for it, says where its file is.
func TestIoT11AURLIsHeardHoweverItIsSaid(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		evil := newMaker(t, s.internet, s.root, wide(f, 11), nil)
		from, to := listed()
		s.start()
		number := 10
		url := func(name string) string { return s.maker.publish(t, name, from, to, s.signer, nil) }
		join := func(name string, urls ...string) *thing {
			number++
			d := s.add(name, number)
			d.join(t, f, urls...)
			return d
		}
		dhcp := map[int]string{4: "DHCPv4", 6: "DHCPv6"}[f]
		type way struct {
			name string
			*thing
			url string
		}
		ways := []way{
			{"IoT-11-v%d by " + dhcp, join("plain", url("plain")), "plain"},
			{"trailing-space-v%d by " + dhcp + ", with a space and more behind it", join("spaced", url("spaced")+" reserved=1"), "spaced"},
		}
		lldp := join("lldp")
		lldp.lldp(t, url("lldp"))
		ways = append(ways, way{"IoT-11-v%d by LLDP", lldp, "lldp"})
		twice := join("twice", url("twice"), evil.publish(t, "evil", []entry{{"ip": object{"protocol": 6}}}, nil, certtest.Issue(t, s.anchor, "signer", nil), nil))
		if f == 4 {
			long := url("long")
			ways = append(ways, way{"long-option-v%d by DHCPv4, the option in two parts (RFC 3396)", join("long", long[:20], long[20:]), "long"})
		}
		if !another() {
			said := join("said")
			s.until("the gateway knows the device", func() bool { return s.device(said).State != "" })
			s.describe(said, url("said"))
			ways = append(ways, way{"IoT-11-v%d by the operator’s word", said, "said"})
			labelled := join("labelled")
			s.until("the gateway knows the device", func() bool { return s.device(labelled).State != "" })
			url("labelled")
			s.describe(labelled, s.scan("labelled", labelled))
			ways = append(ways, way{"IoT-11-v%d by the QR code of its label", labelled, "labelled"})
		}
		r := &s.receiver
		var tries []probe
		for _, w := range ways {
			s.within(w.url+" is held", func() bool {
				return w.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 23), service)) && w.stopped(r, netip.AddrPortFrom(wide(f, 30), service))
			})
			name := fmt.Sprintf(w.name, f)
			b.check(t, name+": the file was fetched", true, s.maker.times(w.url) > 0)
			if !another() {
				b.check(t, name+": the URL is bound to the device, whole", s.maker.url(w.url), s.device(w.thing).URL)
			}
			tries = append(tries,
				probe{name + ": the device to what it lists", true, func() bool { return w.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 23), service)) }},
				probe{name + ": the device to all else", false, func() bool { return w.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 30), service)) }})
		}
		b.try(t, tries...)
		_ = twice
		b.check(t, fmt.Sprintf("duplicate-option-v%d by %s, twice: the second URL is fetched", f, dhcp), false, evil.times("evil") > 0)
	})
}

// describe says, as the operator does, where the file of a device is.
func (h *house) describe(d *thing, url string) {
	h.t.Helper()
	body, _ := json.Marshal(map[string]string{"mud_url": url})
	c := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", h.socket())
	}}}
	defer c.CloseIdleConnections()
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPatch, "http://gateway/api/v1/devices/"+d.mac.String(), bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	answer, err := c.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		h.t.Fatal(answer.Status)
	}
}

// scan makes the QR code of a device’s label, with the MUD URL of its file (RFC 9238), and reads it as a person’s phone
// would.
func (s *scene) scan(name string, d *thing) string {
	t := s.t
	t.Helper()
	program, err := program()
	if err != nil {
		t.Fatal(err)
	}
	file, picture := filepath.Join(s.dir, name+".json"), filepath.Join(s.dir, name+".png")
	if err := os.WriteFile(file, s.maker.files["/"+name+".json"], 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(program, "mud", "qr", file, "--mac", d.mac.String(), "--out", picture).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(program, "mud", "scan", picture, "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var label struct {
		URL string `json:"mud_url"`
	}
	if err := json.Unmarshal(out, &label); err != nil || label.URL == "" {
		t.Fatalf("%v: %s", err, out)
	}
	return label.URL
}

func TestAnotherMUDURLIsTakenOnlyIfItsMakerOrAPersonSaysSo(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := enforcedOf(t, f)
		v := fmt.Sprintf("URL-change-v%d ", f)
		evil := newMaker(t, s.internet, s.root, wide(f, 11), nil)
		all := []entry{{"ip": object{"protocol": 6}}}
		s.join(evil.publish(t, "dut", all, nil, certtest.Issue(t, s.anchor, "signer", nil), nil))
		stranger := netip.AddrPortFrom(wide(f, 30), service)
		asked := func() string { return "" }
		if !another() {
			asked = func() string { return s.question("url").Why }
			s.until("a question about the URL", func() bool { return asked() != "" })
			b.check(t, v+"malware says a URL on another server: why it waits", "other-authority", asked())
		} else {
			s.within("the device is free", func() bool { return s.dut.reaches(&s.receiver, "tcp", stranger) })
		}
		b.try(t,
			probe{v + "malware says a URL on another server: a stranger", false, func() bool { return s.dut.reaches(&s.receiver, "tcp", stranger) }},
			probe{v + "malware says a URL on another server: what the file lists", true, func() bool { return s.dut.reaches(&s.receiver, "tcp", netip.AddrPortFrom(wide(f, 23), service)) }},
		)
		own(t)
		s.mustAsk("accept", s.dut.mac.String())
		s.within("the other file is in force", func() bool { return s.dut.reaches(&s.receiver, "tcp", stranger) })
		b.check(t, v+"after a person’s yes: a stranger", true, s.dut.reaches(&s.receiver, "tcp", stranger))
		s.mustAsk("undo")
		s.within("the other file is in force no longer", func() bool { return s.dut.stopped(&s.receiver, stranger) })
		b.check(t, v+"after the yes was taken back: a stranger", false, s.dut.reaches(&s.receiver, "tcp", stranger))
	})
}

// question is the first that the gateway asks about something.
func (h *house) question(about string) (q struct{ About, URL, Why, Default string }) {
	var status struct {
		Questions []struct{ About, URL, Why, Default string }
	}
	if h.ask(&status, "status") == nil {
		for _, x := range status.Questions {
			if x.About == about {
				return x
			}
		}
	}
	return q
}

// TestAnotherFileUnderTheSameURL: its maker changes a file. One that allows less is taken, one that allows more waits for
// a person, and so does one that somebody else signed.
func TestAnotherFileUnderTheSameURL(t *testing.T) {
	houses(t, func(t *testing.T, f int, b *table) {
		s := newSceneOf(t, f)
		grows, signed := s.add("grows", 11), s.add("signed", 12)
		from, to := listed()
		more := append([]entry{toHost(27, 6, service)}, from...)
		publish := func(name string, from []entry, by *certtest.Holder) string {
			return s.maker.publish(t, name, from, to, by, nil)
		}
		s.start()
		s.join(publish("dut", more, s.signer))
		grows.join(t, f, publish("grows", from, s.signer))
		signed.join(t, f, publish("signed", more, s.signer))
		for _, d := range []*thing{s.dut, grows, signed} {
			s.settles(d)
		}
		r, to27 := &s.receiver, netip.AddrPortFrom(wide(f, 27), service)
		reaches := func(d *thing) func() bool { return func() bool { return d.reaches(r, "tcp", to27) } }
		v := func(id string) string { return fmt.Sprintf("%s-v%d ", id, f) }
		b.try(t,
			probe{v("file-shrinks") + "what the first file lists", true, reaches(s.dut)},
			probe{v("file-grows") + "what the first file does not list", false, reaches(grows)},
			probe{v("signer-change") + "what the first file lists", true, reaches(signed)},
		)
		publish("dut", from, s.signer)
		publish("grows", more, s.signer)
		publish("signed", from, certtest.Issue(t, s.anchor, "somebody else", nil))
		s.age()
		for _, d := range []struct {
			*thing
			name string
		}{{s.dut, "dut"}, {grows, "grows"}, {signed, "signed"}} {
			d.join(t, f, s.maker.url(d.name))
		}
		s.within("the other files are fetched", func() bool {
			return s.maker.times("dut") > 1 && s.maker.times("grows") > 1 && s.maker.timesOf("/signed.p7s") > 1
		})
		s.within("the smaller file is in force", func() bool { return s.dut.stopped(r, to27) })
		b.try(t,
			probe{v("file-shrinks") + "what the second lists no longer", false, reaches(s.dut)},
			probe{v("file-shrinks") + "what both list", true, func() bool { return s.dut.reaches(r, "tcp", netip.AddrPortFrom(wide(f, 23), service)) }},
			probe{v("file-grows") + "what the second lists anew, before a person says yes", false, reaches(grows)},
			probe{v("signer-change") + "what the second lists no longer: it is not in force", true, reaches(signed)},
		)
	})
}
