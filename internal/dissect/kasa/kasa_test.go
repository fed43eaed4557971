package kasa

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/dissecttest"
)

const (
	question = `{"system":{"get_sysinfo":{}}}`
	plug     = `{"system":{"get_sysinfo":{"err_code":0,"sw_ver":"1.2.5 Build 171213","hw_ver":"1.0","type":"IOT.SMARTPLUGSWITCH","model":"HS110(EU)",` +
		`"mac":"02:00:00:00:00:0A","deviceId":"8006SECRET","hwId":"SECRET","alias":"Coffee","latitude":48.85,"longitude":2.35,"relay_state":1}}}`
	bulb   = `{"system":{"get_sysinfo":{"sw_ver":"1.8.11","hw_ver":"1.0","model":"LB130(US)","mic_type":"IOT.SMARTBULB","alias":"Lamp","err_code":0}}}`
	joined = `{"netif":{"set_stainfo":{"ssid":"home","password":"SECRET","key_type":3}}}`
	tapo   = `{"result":{"device_id":"SECRET","owner":"SECRET","device_type":"SMART.TAPOPLUG","device_model":"P110(EU)","ip":"192.168.1.5","mac":"02-00-00-00-00-0A"},"error_code":0}`
	camera = `{"result":{"device_type":"SMART.IPCAMERA","device_model":"C200","hardware_version":"3.0","firmware_version":"1.3.7"},"error_code":0}`
)

// disguise is s as it travels.
func disguise(s string) []byte {
	b := []byte(s)
	key := byte(firstKey)
	for i := range b {
		b[i] ^= key
		key = b[i]
	}
	return b
}

func framed(s string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), disguise(s)...)
}

func found(s string) []byte {
	b := []byte{2, 0, 0, 1, 0, 0, 0x11, 0, 1, 2, 3, 4, 5, 6, 7, 8}
	binary.BigEndian.PutUint16(b[4:], uint16(len(s)))
	return append(b, s...)
}

func TestDatagram(t *testing.T) {
	const plugFact = "kasa.device HS110(EU) alias=Coffee type=IOT.SMARTPLUGSWITCH hw=1.0 sw=1.2.5 Build 171213"
	for _, test := range []struct {
		name   string
		packet []byte
		want   []string
	}{
		{"question", disguise(question), nil},
		{"plug", disguise(plug), []string{plugFact}},
		{"bulb", disguise(bulb), []string{"kasa.device LB130(US) alias=Lamp type=IOT.SMARTBULB hw=1.0 sw=1.8.11"}},
		{"Wi-Fi key", disguise(joined), []string{"auth.cleartext kasa server=192.168.1.5"}},
		{"open Wi-Fi", disguise(`{"netif":{"set_stainfo":{"ssid":"home","password":"","key_type":0}}}`), nil},
		{"Tapo", found(tapo), []string{"kasa.device P110(EU) type=SMART.TAPOPLUG"}},
		{"Tapo camera", found(camera), []string{"kasa.device C200 type=SMART.IPCAMERA hw=3.0 sw=1.3.7"}},
		{"question to Tapo", found(""), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &dissect.Message{Data: test.packet, Dst: netip.MustParseAddrPort("192.168.1.5:9999")}
			got, _, s := dissecttest.Call(t, Dissect, m)
			if s != dissect.Next {
				t.Errorf("state %d", s)
			}
			dissecttest.Equal(t, got, test.want)
			if strings.Contains(strings.Join(got, ""), "SECRET") {
				t.Error("a secret was kept")
			}
		})
	}
}

func TestStream(t *testing.T) {
	stream := append(framed(question), framed(plug)...)
	for size := 1; size <= len(stream); size += 13 {
		got, s := dissecttest.Stream(t, Dissect, dissect.Message{}, dissecttest.Split(stream, size)...)
		if s != dissect.Next {
			t.Errorf("by %d octets: state %d", size, s)
		}
		dissecttest.Equal(t, got, []string{"kasa.device HS110(EU) alias=Coffee type=IOT.SMARTPLUGSWITCH hw=1.0 sw=1.2.5 Build 171213"})
	}
}

func TestWhatWasToldStaysToldIfOtherOctetsFollow(t *testing.T) {
	m := dissect.Message{Stream: true, Data: append(framed(plug), "GET / HTTP/1.1"...)}
	got, _, s := dissecttest.Call(t, Dissect, &m)
	if s != dissect.Done || len(got) != 1 {
		t.Errorf("state %d, facts %q", s, got)
	}
}

func TestRejects(t *testing.T) {
	for name, packet := range map[string][]byte{
		"empty": nil, "text": []byte(plug), "cut": disguise(plug)[:100], "Tapo, cut": found(tapo)[:50], "Tapo, not text": found("xyz"),
		"Geneve": []byte("\x02\x00\x65\x58\x00\x00\x01\x00\x01\x02\x03\x04\x05\x06\x07\x08"),
	} {
		if _, _, s := dissecttest.Call(t, Dissect, &dissect.Message{Data: packet}); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
	for name, stream := range map[string]string{
		"text": "GET / HTTP/1.1", "huge": "\x00\x10\x00\x00\xd0\xf2", "other text": "\x00\x00\x00\x05hello", "TLS": "\x16\x03\x01", "cut": string(framed(plug)[:50]),
	} {
		if _, s := dissecttest.Stream(t, Dissect, dissect.Message{}, []byte(stream)); s != dissect.No {
			t.Errorf("%s: state %d", name, s)
		}
	}
}

func FuzzDissect(f *testing.F) {
	f.Add(disguise(plug), 3)
	f.Add(framed(bulb), 40)
	f.Add(found(tapo), 9)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		dissecttest.Call(t, Dissect, &dissect.Message{Data: data})
		dissecttest.SplitAgrees(t, Dissect, dissect.Message{}, data, size)
	})
}
