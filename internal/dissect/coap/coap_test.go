package coap

import (
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

func message(data string, from, to uint16) *dissect.Message {
	a := netip.MustParseAddr("192.0.2.1")
	return &dissect.Message{Data: []byte(data), Src: netip.AddrPortFrom(a, from), Dst: netip.AddrPortFrom(a, to)}
}

const (
	core = "\x40\x01\x12\x34\xbb.well-known\x04core"
	lamp = "\x52\x03\x12\x34ab\x3clamp.example\x85light\x011\x10\xffon"
	list = "\x60\x45\x12\x34\xc1\x28\xff" + `</light>;rt="oic.r.switch oic.d.light";if="a",</a,b>;ct=0,</t>;title="x;y,z>";rt=core.s`
)

func TestDissect(t *testing.T) {
	for _, test := range []struct {
		name, packet string
		from, to     uint16
		want         []string
	}{
		{"discovery", core, 50000, 5683, []string{"coap.uri /.well-known/core method=GET type=con"}},
		{"other port", lamp, 50000, 50001, []string{"coap.uri /light/1 method=PUT type=non host=lamp.example"}},
		{"no path", "\x40\x01\x12\x34", 50000, 5683, []string{"coap.uri / method=GET type=con"}},
		{"links", list, 5683, 50000, []string{
			"coap.type oic.r.switch href=/light", "coap.type oic.d.light href=/light", "coap.type core.s href=/t",
		}},
		{"links from another port", list, 50001, 50000, []string{
			"coap.type oic.r.switch href=/light", "coap.type oic.d.light href=/light", "coap.type core.s href=/t",
		}},
		{"block of links", "\x60\x45\x12\x34\xc1\x28\xff" + `h";rt="x",</b>;rt="y",</c>;rt="z`, 5683, 50000, []string{"coap.type y href=/b"}},
		{"ping", "\x40\x00\x12\x34", 50000, 5683, nil},
		{"reset", "\x70\x00\x12\x34", 5683, 50000, nil},
		{"content", "\x60\x45\x12\x34\xff42", 5683, 50000, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, message(test.packet, test.from, test.to))
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func TestRejects(t *testing.T) {
	for name, m := range map[string]*dissect.Message{
		"empty":                      message("", 50000, 5683),
		"version":                    message("\x80\x01\x12\x34", 50000, 5683),
		"long token":                 message("\x49\x01\x12\x34123456789", 50000, 5683),
		"token is cut":               message("\x48\x01\x12\x34", 50000, 5683),
		"code":                       message("\x40\x1f\x12\x34", 50000, 5683),
		"option is cut":              message("\x40\x01\x12\x34\xbb.well", 50000, 5683),
		"marker without payload":     message("\x40\x01\x12\x34\xff", 50000, 5683),
		"reserved length":            message("\x40\x01\x12\x34\xbf", 50000, 5683),
		"empty message with more":    message("\x40\x00\x12\x34\x01", 50000, 5683),
		"other port, ping":           message("\x40\x00\x12\x34", 50000, 50001),
		"other port, no path":        message("\x40\x01\x12\x34", 50000, 50001),
		"other port, unknown option": message("\x40\x01\x12\x34\xb1a\xe1\xff\x00z", 50000, 50001),
		"other port, no format":      message("\x60\x45\x12\x34\xff42", 50001, 50000),
		"path in binary":             message("\x40\x01\x12\x34\xb2\x00\x01", 50000, 5683),
	} {
		if _, _, s := dissecttest.Call(t, Dissect, m); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

func TestLongPathIsCutAndLongListIsBounded(t *testing.T) {
	got, _, _ := dissecttest.Call(t, Dissect, message("\x40\x01\x12\x34\xbd\x40"+strings.Repeat("x", 77)+"\x0d\x40"+strings.Repeat("y", 77), 50000, 5683))
	want := "coap.uri /" + strings.Repeat("x", 77) + "/" + strings.Repeat("y", 49) + " method=GET type=con"
	dissecttest.Equal(t, got, []string{want})
	got, _, _ = dissecttest.Call(t, Dissect, message("\x60\x45\x12\x34\xc1\x28\xff"+strings.Repeat("</a>;rt=b,", 1000), 5683, 50000))
	if len(got) != maxTypes {
		t.Errorf("%d facts", len(got))
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(core))
	f.Add([]byte(lamp))
	f.Add([]byte(list))
	f.Add([]byte("\x60\x45\x12\x34\xc1\x28\xff" + `</a>;rt="b c";x,</d>;`))
	f.Fuzz(func(t *testing.T, data []byte) {
		dissecttest.Call(t, Dissect, message(string(data), 50000, 5683))
		dissecttest.Call(t, Dissect, message(string(data), 50000, 50001))
	})
}
