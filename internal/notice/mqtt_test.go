package notice_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/notice"
)

// broker is a real one of MQTT, on this machine: with TLS on one port, and in clear on another; both want a password.
type broker struct {
	tls, plain string // ports
	sub        string // who subscribes
	*certificates
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	tools := map[string]string{"mosquitto_passwd": "mosquitto", "mosquitto_sub": "mosquitto-clients", "mosquitto": "mosquitto"}
	for name, debian := range tools {
		path, err := exec.LookPath(name)
		if err != nil {
			path = "/usr/sbin/" + name
		}
		if _, err := os.Stat(path); err != nil {
			lacks(t, name, debian)
		}
		tools[name] = path
	}
	b := &broker{tls: freePort(t), plain: freePort(t), sub: tools["mosquitto_sub"], certificates: issue(t, "localhost")}
	dir := t.TempDir()
	passwords, topics, conf := filepath.Join(dir, "passwords"), filepath.Join(dir, "topics"), filepath.Join(dir, "conf")
	if out, err := exec.Command(tools["mosquitto_passwd"], "-b", "-c", passwords, "home", "open sesame").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	user := ""
	if os.Geteuid() == 0 { // else it becomes somebody who may not read these files
		user = "user root\n"
	}
	for name, text := range map[string]string{
		topics: "user home\ntopic readwrite plimsoll/#\ntopic readwrite homeassistant/#\n",
		conf: fmt.Sprintf("%sper_listener_settings false\nallow_anonymous false\npassword_file %s\nacl_file %s\nlistener %s 127.0.0.1\ncertfile %s\nkeyfile %s\nlistener %s 127.0.0.1\n",
			user, passwords, topics, b.tls, b.cert, b.key, b.plain),
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(tools["mosquitto"], "-c", conf)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 100 {
		if c, err := net.Dial("tcp", "127.0.0.1:"+b.plain); err == nil {
			_ = c.Close()
			return b
		}
		time.Sleep(100 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	t.Fatalf("no broker: %s", said.String())
	return nil
}

func (b *broker) channel() notice.Channel {
	return notice.Channel{Kind: notice.MQTT, Server: "mqtts://localhost:" + b.tls, Topic: "plimsoll/home", User: "home", Secret: "open sesame", CA: b.text, Alerts: true}
}

// kept is what somebody who subscribes now is given of a topic.
func (b *broker) kept(t *testing.T, topic string) (retained bool, body string) {
	t.Helper()
	out, err := exec.Command(b.sub, "-h", "localhost", "-p", b.tls, "--cafile", b.ca, "-u", "home", "-P", "open sesame", "-t", topic, "-C", "1", "-W", "10", "-F", "%r %p").Output()
	if err != nil {
		return false, ""
	}
	flag, body, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	return flag == "1", body
}

func TestTheDigestStaysOnItsTopic(t *testing.T) {
	b := startBroker(t)
	h := newHouse(t)
	h.add(t, b.channel())
	h.steps(t, 8*time.Hour, time.Hour)
	retained, body := b.kept(t, "plimsoll/home/week")
	var w notice.Week
	if err := json.Unmarshal([]byte(body), &w); err != nil || !retained {
		t.Fatalf("%v %q %v, faults %v", retained, body, err, h.faults)
	}
	if w.Schema != notice.WeekSchema || w.Devices["act"] != 1 || len(w.ID) != 24 || len(w.Actions) != 1 {
		t.Errorf("%+v", w)
	}
	if _, alert := b.kept(t, "plimsoll/home/alert"); alert != "" {
		t.Errorf("an alert is kept: %s", alert)
	}
}

func TestWhatIsWrongWithABrokerIsSaid(t *testing.T) {
	b := startBroker(t)
	other := issue(t, "localhost")
	for name, x := range map[string]struct {
		want   string
		change func(c *notice.Channel)
	}{
		"nothing":             {"", func(*notice.Channel) {}},
		"in clear, at home":   {"", func(c *notice.Channel) { c.Server = "mqtt://127.0.0.1:" + b.plain }},
		"the password":        {"password", func(c *notice.Channel) { c.Secret = "x" }},
		"no password":         {"password", func(c *notice.Channel) { c.Secret, c.User = "", "" }},
		"another authority":   {"certificate", func(c *notice.Channel) { c.CA = other.text }},
		"another name":        {"certificate", func(c *notice.Channel) { c.Server = "mqtts://127.0.0.1:" + b.tls }},
		"TLS where none is":   {"no-tls", func(c *notice.Channel) { c.Server = "mqtts://localhost:" + b.plain }},
		"no TLS where it is":  {"nonsense", func(c *notice.Channel) { c.Server = "mqtt://localhost:" + b.tls }},
		"nobody at that port": {"refused", func(c *notice.Channel) { c.Server = "mqtts://localhost:" + freePort(t) }},
	} {
		h := newHouse(t)
		c := b.channel()
		x.change(&c)
		if err := h.Test(t.Context(), h.add(t, c)); kind(err) != x.want {
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
	}
}

// Home Assistant finds a sensor on its topic, which says how many devices need somebody, and follows.
func TestHomeAssistantFindsWhatNeedsSomebody(t *testing.T) {
	b := startBroker(t)
	h := newHouse(t)
	id := h.add(t, b.channel())
	h.steps(t, time.Minute, time.Minute)
	retained, body := b.kept(t, "homeassistant/sensor/plimsoll_"+id+"/config")
	var config struct {
		Name, State_topic, Unique_id, Value_template string //nolint:staticcheck // as they are called there
	}
	if err := json.Unmarshal([]byte(body), &config); err != nil || !retained {
		t.Fatalf("%q %v %v", body, err, h.faults)
	}
	if config.State_topic != "plimsoll/home/state" || config.Unique_id == "" || config.Name != "Devices that need you" || config.Value_template != "{{ value_json.act }}" {
		t.Errorf("%+v", config)
	}
	for _, want := range []int{0, 1} {
		var state map[string]int
		retained, body := b.kept(t, config.State_topic)
		if err := json.Unmarshal([]byte(body), &state); err != nil || !retained || state["act"] != want || state["fine"] != 2 {
			t.Errorf("%q %v, want %d", body, err, want)
		}
		h.cause(notice.Harm, "camera")
		h.steps(t, 5*time.Minute, time.Minute)
	}
}

// A channel that is removed, or that goes to another topic, leaves nothing at the broker: no sensor, and no word of how the
// home stood. What another channel says on the same topics stays, by whatever way it comes, and so does all of another.
func TestAChannelThatIsRemovedLeavesNothingAtTheBroker(t *testing.T) {
	b := startBroker(t)
	h := newHouse(t)
	other, clear := b.channel(), b.channel()
	other.Topic, clear.Server = "plimsoll/other", "mqtt://127.0.0.1:"+b.plain
	third, first, second := h.add(t, other), h.add(t, b.channel()), h.add(t, b.channel())
	h.steps(t, 8*time.Hour, time.Hour)
	sensor := func(id string) string { return "homeassistant/sensor/plimsoll_" + id + "/config" }
	always := []string{sensor(third), "plimsoll/other/state", "plimsoll/other/week"}
	for _, x := range []struct {
		what   string
		change func(s *notice.Settings)
		want   []string
	}{
		{"nothing is removed", func(*notice.Settings) {}, []string{sensor(first), sensor(second), "plimsoll/home/state", "plimsoll/home/week"}},
		{"one of two is", func(s *notice.Settings) { s.Channels = slices.Delete(s.Channels, 1, 2) }, []string{sensor(second), "plimsoll/home/state", "plimsoll/home/week"}},
		{"the broker is called otherwise", func(s *notice.Settings) { s.Channels[1].Server = "mqtts://LOCALHOST:" + b.tls }, []string{sensor(second), "plimsoll/home/state", "plimsoll/home/week"}},
		{"the other goes elsewhere", func(s *notice.Settings) { s.Channels[1].Topic = "plimsoll/there" }, []string{sensor(second), "plimsoll/there/state"}},
		{"it comes without TLS", func(s *notice.Settings) { clear.ID, clear.Lang = second, s.Channels[1].Lang; s.Channels[1] = clear }, []string{sensor(second), "plimsoll/home/state"}},
		{"it is removed", func(s *notice.Settings) { s.Channels = s.Channels[:1] }, nil},
	} {
		if err := h.Change(func(s *notice.Settings) error { x.change(s); return nil }); err != nil {
			t.Fatal(err)
		}
		h.steps(t, time.Minute, time.Minute)
		want := slices.Sorted(slices.Values(slices.Concat(always, x.want))) // IDs are by chance
		got := b.topics()
		for end := time.Now().Add(15 * time.Second); !slices.Equal(got, want) && time.Now().Before(end); got = b.topics() {
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the broker keeps %q, want %q; %s", x.what, got, want, h.log.String())
		}
	}
}

// topics are those on which the broker keeps something, in order.
func (b *broker) topics() []string {
	// It ends with an error, since it waits for more.
	out, _ := exec.Command(b.sub, "-h", "localhost", "-p", b.tls, "--cafile", b.ca, "-u", "home", "-P", "open sesame", "-t", "#", "--retained-only", "-W", "2", "-F", "%t").Output()
	return slices.Sorted(slices.Values(strings.Fields(string(out))))
}
