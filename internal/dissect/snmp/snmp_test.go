package snmp

import (
	"net/netip"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

// ber is one element: a tag, and elements or octets within it.
func ber(tag byte, content ...string) string {
	var all string
	for _, c := range content {
		all += c
	}
	if len(all) > 127 {
		return string([]byte{tag, 0x82, byte(len(all) >> 8), byte(len(all))}) + all
	}
	return string([]byte{tag, byte(len(all))}) + all
}

func number(v byte) string { return ber(integer, string([]byte{v})) }

func unit(kind byte, bindings ...string) string {
	return ber(kind, number(1), number(0), number(0), ber(sequence, bindings...))
}

func binding(last byte, value string) string {
	return ber(sequence, ber(objectID, "\x2b\x06\x01\x02\x01\x01"+string([]byte{last})+"\x00"), value)
}

func plain(version byte, community, pdu string) string {
	return ber(sequence, number(version), ber(octetString, community), pdu)
}

func secure(flags byte, engine, scoped string) string {
	return ber(sequence, number(3),
		ber(sequence, number(7), ber(integer, "\x05\xc0"), ber(octetString, string([]byte{flags})), number(3)),
		ber(octetString, ber(sequence, ber(octetString, engine), number(0), number(0), ber(octetString, "admin"), ber(octetString), ber(octetString))),
		scoped)
}

func message(data string, from, to string) *dissect.Message {
	return &dissect.Message{Data: []byte(data), Src: netip.MustParseAddrPort(from), Dst: netip.MustParseAddrPort(to)}
}

const (
	manager = "192.0.2.2:50000"
	agent   = "192.0.2.1:161"
	engineA = "\x80\x00\x1f\x88\x04abc"
)

func TestDissect(t *testing.T) {
	system := []string{
		binding(1, ber(octetString, "Linux printer 3.2")), binding(2, ber(objectID, "\x2b\x06\x01\x04\x01\xbf\x08\x03")),
		binding(5, ber(octetString, "printer")), binding(6, ber(octetString, "Room 3")),
	}
	for _, test := range []struct {
		name, packet, from, to string
		want                   []string
	}{
		{"default community", plain(0, "public", unit(getRequest, binding(1, "\x05\x00"))), manager, agent, []string{
			"snmp.version 1 pdu=get", "auth.cleartext snmp default=1 server=192.0.2.1",
		}},
		{"own community", plain(1, "s3cret", unit(0xa1, binding(1, "\x05\x00"))), manager, agent, []string{
			"snmp.version 2c pdu=get-next", "auth.cleartext snmp server=192.0.2.1",
		}},
		{"response", plain(1, "public", unit(response, system...)), agent, manager, []string{
			"snmp.version 2c pdu=response",
			"snmp.sysdescr Linux printer 3.2", "snmp.sysobjectid 1.3.6.1.4.1.8072.3", "snmp.sysname printer",
		}},
		{"trap of version 1", plain(0, "public", ber(trapV1, ber(objectID, "\x2b\x06"))), agent, manager, []string{
			"snmp.version 1 pdu=trap", "auth.cleartext snmp default=1 server=192.0.2.2",
		}},
		{"version 3, discovery", secure(4, "", ber(sequence, ber(octetString), ber(octetString), unit(getRequest))), manager, agent, []string{
			"snmp.version 3 pdu=get security=none",
		}},
		{"version 3, report", secure(0, engineA, ber(sequence, ber(octetString), ber(octetString), unit(report))), agent, manager, []string{
			"snmp.version 3 pdu=report security=none", "snmp.engine 80001f8804616263 enterprise=8072",
		}},
		{"version 3, encrypted", secure(7, engineA, ber(octetString, "xxxx")), manager, agent, []string{
			"snmp.version 3 security=encrypted",
		}},
		{"version 3, encrypted answer", secure(3, engineA, ber(octetString, "xxxx")), agent, manager, []string{
			"snmp.version 3 security=encrypted", "snmp.engine 80001f8804616263 enterprise=8072",
		}},
		{"version 3, authenticated answer", secure(1, engineA, ber(sequence, ber(octetString), ber(octetString), unit(response, system[0]))), agent, manager, []string{
			"snmp.version 3 pdu=response security=authenticated", "snmp.engine 80001f8804616263 enterprise=8072",
			"snmp.sysdescr Linux printer 3.2",
		}},
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
	for name, packet := range map[string]string{
		"empty":             "",
		"version 2":         plain(2, "public", unit(getRequest)),
		"cut":               plain(1, "public", unit(getRequest))[:20],
		"LDAP":              ber(sequence, number(1), ber(0x63, ber(octetString), ber(10, "\x00"))),
		"indefinite length": "\x30\x80\x02\x01\x00\x04\x06public\xa0\x00\x00\x00",
		"huge length":       "\x30\x84\xff\xff\xff\xff\x02\x01\x00\x04\x06public",
	} {
		if _, _, s := dissecttest.Call(t, Dissect, message(packet, manager, agent)); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add([]byte(plain(1, "public", unit(response, binding(1, ber(octetString, "Linux")), binding(2, ber(objectID, "\x2b\x06\xbf\x08"))))))
	f.Add([]byte(secure(1, engineA, ber(sequence, ber(octetString), ber(octetString), unit(report)))))
	f.Fuzz(func(t *testing.T, data []byte) {
		dissecttest.Call(t, Dissect, message(string(data), agent, manager))
	})
}
