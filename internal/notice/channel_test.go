package notice_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/mail"
	"os"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/notice"
)

// files are what a channel in one line may name.
func files(name string) ([]byte, error) {
	if name == "/secret" {
		return []byte("open sesame\n"), nil
	}
	return nil, os.ErrNotExist
}

func TestAChannelInOneLine(t *testing.T) {
	for text, want := range map[string]notice.Channel{
		"smtps://me%40mail.example@smtp.mail.example#to=you@mail.example&secret=/secret": {
			Kind: notice.Mail, Server: "smtps://smtp.mail.example", User: "me@mail.example", From: "me@mail.example", To: "you@mail.example", Secret: "open sesame", Lang: "fr", Alerts: true,
		},
		"smtp://localhost:25#to=you@mail.example&from=home@mail.example&lang=en&alerts=no": {
			Kind: notice.Mail, Server: "smtp://localhost:25", From: "home@mail.example", To: "you@mail.example", Lang: "en",
		},
		"https://hooks.example/a?b=c":                           {Kind: notice.Webhook, Server: "https://hooks.example/a?b=c", Lang: "fr", Alerts: true},
		"ntfy://ntfy.example/push/our-home":                     {Kind: notice.Ntfy, Server: "https://ntfy.example/push", Topic: "our-home", Lang: "fr", Alerts: true},
		"ntfy+http://192.168.1.5:8080/our-home":                 {Kind: notice.Ntfy, Server: "http://192.168.1.5:8080", Topic: "our-home", Lang: "fr", Alerts: true},
		"mqtts://home@broker.example/a/b#secret=/secret":        {Kind: notice.MQTT, Server: "mqtts://broker.example", Topic: "a/b", User: "home", Secret: "open sesame", Lang: "fr", Alerts: true},
		"mqtt://homeassistant.local/plimsoll#alerts=no&lang=en": {Kind: notice.MQTT, Server: "mqtt://homeassistant.local", Topic: "plimsoll", Lang: "en"},
	} {
		got, err := notice.Parse(text, locale.French, files)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		want.ID, want.Fixed = got.ID, true
		if *got != want || got.ID == "" {
			t.Errorf("%s:\n%+v\nwant\n%+v", text, *got, want)
		}
	}
	for text, want := range map[string]string{
		"smtps://me:word@mail.example#to=a@b.example":       "setting.password",
		"https://me:word@hooks.example/":                    "setting.password",
		"smtps://mail.example":                              "setting.address",
		"smtps://mail.example#to=A <a@b.example>":           "setting.address",
		"smtps://mail.example#to=a@b.example%0d%0aX: y":     "setting.text",
		"smtps://mail.example/x#to=a@b.example":             "setting.server",
		"ftp://mail.example":                                "setting.server",
		"mail.example":                                      "setting.server",
		"https://hooks.example/#colour=blue":                "setting.more",
		"https://hooks.example/#lang=de":                    "setting.lang",
		"http://hooks.example/":                             "setting.plain",
		"mqtt://broker.example/x":                           "setting.plain",
		"mqtts://broker.example/a/%23":                      "setting.topic",
		"mqtts://broker.example":                            "setting.topic",
		"ntfy://ntfy.example/our%20home":                    "setting.topic",
		"https://hooks.example/" + strings.Repeat("x", 600): "setting.server",
	} {
		_, err := notice.Parse(text, locale.French, files)
		if !errors.Is(err, notice.ErrChannel) || notice.KindOf(err) != want {
			t.Errorf("%s: %v, want %q", text, err, want)
			continue
		}
		for _, l := range locale.Languages {
			if what, _ := notice.Say(locale.New(l), want); strings.HasPrefix(what, "notice.") {
				t.Errorf("%s has no words in %s", want, l)
			}
		}
	}
	if _, err := notice.Parse("https://hooks.example/#secret=/none", locale.French, files); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestAServerIsWrittenDownAsPeopleDo(t *testing.T) {
	for _, x := range []struct {
		kind       notice.Kind
		text, want string
	}{
		{notice.Mail, "mail.example", "smtps://mail.example"},
		{notice.Mail, "mail.example:465", "smtps://mail.example:465"},
		{notice.Mail, "mail.example:587", "smtp://mail.example:587"},
		{notice.Mail, "mail.example:2525", "smtp://mail.example:2525"},
		{notice.MQTT, "192.168.1.5:1883", "mqtt://192.168.1.5:1883"},
		{notice.MQTT, "broker.example", "mqtts://broker.example"},
		{notice.Ntfy, "ntfy.sh", "https://ntfy.sh"},
		{notice.Ntfy, "192.168.1.5:80/ntfy", "http://192.168.1.5:80/ntfy"},
		{notice.Webhook, "http://192.168.1.5/x", "http://192.168.1.5/x"},
		{notice.Webhook, "", ""},
		{"none", "x", "x"},
	} {
		if got := notice.Complete(x.kind, x.text); got != x.want {
			t.Errorf("%s %q: %q, want %q", x.kind, x.text, got, x.want)
		}
	}
}

// What a channel is called tells no secret: who knows a topic of ntfy may read it.
func TestANameTellsNoSecret(t *testing.T) {
	for text, want := range map[string]string{
		"ntfy://ntfy.example/push/our-home":   "ntfy.example",
		"https://hooks.example/a?b=c":         "hooks.example",
		"mqtts://broker.example/plimsoll":     "broker.example/plimsoll",
		"smtps://mail.example#to=a@b.example": "a@b.example",
	} {
		c, err := notice.Parse(text, locale.English, files)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Name(); got != want {
			t.Errorf("%s is called %q, want %q", text, got, want)
		}
	}
}

// Whatever a channel in one line says: if it is taken, it holds, it shows no secret, and what it is kept as is read back.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"smtps://me%40mail.example@smtp.mail.example#to=you@mail.example&secret=/secret", "https://hooks.example/a?b=c", "ntfy+http://[fe80::1%25eth0]:1/x", "mqtts://a@b/c/d#ca=/secret", "smtp://x#to=a@b&from=\r\nBcc: c@d",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := notice.Parse(text, locale.English, files)
		if err != nil {
			return
		}
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		if c.Secret != "" && strings.Contains(c.Name(), c.Secret) && !strings.Contains(text, c.Secret) {
			t.Error("its name has the secret")
		}
		if c.Kind == notice.Mail { // what net/mail reads is what was written
			for _, a := range []string{c.From, c.To} {
				if p, err := mail.ParseAddress(a); err != nil || p.Address != a {
					t.Errorf("%q is no address: %v", a, err)
				}
			}
		}
		for _, s := range []string{c.Server, c.To, c.From, c.User, c.Topic, c.Name()} {
			if strings.ContainsAny(s, "\r\n\x00") {
				t.Errorf("a line ends in %q", s)
			}
		}
		data, err := json.Marshal(&notice.Settings{Channels: []notice.Channel{*c}, Plan: notice.DefaultPlan})
		if err != nil {
			t.Fatal(err)
		}
		s, err := notice.ParseSettings(data)
		if err != nil {
			t.Fatalf("%v: %s", err, data)
		}
		c.Fixed = false
		if s.Channels[0] != *c {
			t.Errorf("%+v\nis read back as\n%+v", *c, s.Channels[0])
		}
	})
}

// Settings that are read are good, and the same when they are written and read again.
func FuzzParseSettings(f *testing.F) {
	f.Add([]byte(`{"channels":[{"id":"a","kind":"mqtt","server":"mqtt://b","topic":"c","lang":"en","alerts":true}],"day":0,"at":1080,"quiet":{"from":1320,"to":420}}`))
	f.Add([]byte(`{"at":99999}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := notice.ParseSettings(data)
		if err != nil {
			return
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		first, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := notice.ParseSettings(first)
		if err != nil {
			t.Fatal(err)
		}
		second, err := json.Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s\n%s %v", first, second, err)
		}
	})
}

func TestTimesAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]string{"22:00-07:00": "22:00-07:00", "none": "none", "07:00-07:00": "none"} {
		if s, err := notice.ParseSpan(text); err != nil || s.String() != want {
			t.Errorf("%s: %s %v", text, s, err)
		}
	}
	for _, text := range []string{"", "22:00", "22-7", "25:00-07:00", "22:00-07:00-08:00"} {
		if _, err := notice.ParseSpan(text); notice.KindOf(err) != "setting.clock" {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, text := range []string{"sunday 18:00", "Sun 18:00"} {
		if d, err := notice.ParseDigest(text); d.Day != 0 || d.At.String() != "18:00" || err != nil {
			t.Errorf("%q: %v %v", text, d, err)
		}
	}
	for _, text := range []string{"", "su 18:00", "dimanche 18:00", "sunday"} {
		if _, err := notice.ParseDigest(text); !errors.Is(err, notice.ErrChannel) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
