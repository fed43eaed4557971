package lldp

import (
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

const begin = "0207 04 02000000000a" + "0405 05 65746830" + "0602 0078" // port eth0, for 120 s

func TestDissect(t *testing.T) {
	for _, test := range []struct {
		name, packet string
		want         []string
	}{
		{"camera", begin +
			"0804 65746830" + "0a03 63616d" + "0c05 4c696e7578" + "0e04 0090 0080" +
			"100c 05 01 c0a80105 02 00000001 00" +
			"fe08 0012bb 05 41626364" + "fe06 0012bb 06 3132" + "fe06 0012bb 07 3133" +
			"fe06 0012bb 08 5331" + "fe08 0012bb 09 61636d65" + "fe07 0012bb 0a 583130" + "fe06 0080c2 01 000a" +
			"fe1c 00005e 01 68747470733a2f2f6d75642e6578616d706c652f6c616d70" + "0000", []string{
			"lldp.chassis 02:00:00:00:00:0a subtype=4 ttl=120",
			"lldp.port eth0 subtype=5",
			"lldp.port_description eth0",
			"lldp.system_name cam",
			"lldp.system_description Linux",
			"lldp.capabilities station supported=router,station",
			"lldp.address 192.168.1.5",
			"lldp.hardware Abcd",
			"lldp.firmware 12",
			"lldp.software 13",
			"lldp.manufacturer acme",
			"lldp.model X10",
			"lldp.vlan 10",
			"lldp.mud_url https://mud.example/lamp",
		}},
		{"addresses as identifiers", "0206 05 01 c0a80105" + "0407 03 02000000000a" + "0602 0078 0000", []string{
			"lldp.chassis 192.168.1.5 subtype=5 ttl=120", "lldp.port 02:00:00:00:00:0a subtype=3",
		}},
		{"names as identifiers", "0203 07 6162" + "0402 07 31" + "0602 0078 0000", []string{
			"lldp.chassis ab subtype=7 ttl=120", "lldp.port 1 subtype=7",
		}},
		{"cut", begin + "0a05 6361", []string{
			"lldp.chassis 02:00:00:00:00:0a subtype=4 ttl=120", "lldp.port eth0 subtype=5",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: dissecttest.Hex(t, test.packet)})
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
		})
	}
}

func TestRejects(t *testing.T) {
	for name, packet := range map[string]string{
		"empty":       "",
		"port first":  "0405 05 65746830" + "0207 04 02000000000a" + "0602 0078",
		"no lifetime": "0207 04 02000000000a" + "0405 05 65746830",
		"cut":         "0207 04 0200",
	} {
		if _, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: dissecttest.Hex(t, packet)}); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(dissecttest.Hex(f, begin+"0a03 63616d 0e04 0090 0080 100c 05 01 c0a80105 02 00000001 00 fe08 0012bb 05 41626364 0000"))
	f.Add(dissecttest.Hex(f, begin+"fe0e 00005e 01 68747470733a2f2f61 0000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		dissecttest.Call(t, Dissect, &dissect.Message{Data: data})
	})
}
