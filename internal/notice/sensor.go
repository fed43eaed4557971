package notice

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
)

// shown is what a broker was last told of how the home stands.
type shown struct {
	to     Channel // as it was then
	counts map[string]int
	at     time.Time // of the last attempt
}

// How often a broker is told how the home stands, if that changed; and tried again where it is away.
const (
	showEvery = time.Minute
	showAgain = 15 * time.Minute
)

// sensor is what Home Assistant is told, so that it shows how many devices need somebody (home-assistant.io, MQTT
// discovery). Other programs may use it too: it stays on its topic.
func (c *Channel) sensor(words *locale.Catalogue) ([]byte, error) {
	type device struct {
		Identifiers []string `json:"identifiers"`
		Name        string   `json:"name"`
	}
	id := "plimsoll_" + c.ID
	return json.Marshal(struct {
		Name       string `json:"name"`
		ID         string `json:"unique_id"`
		State      string `json:"state_topic"`
		Value      string `json:"value_template"`
		Attributes string `json:"json_attributes_topic"`
		Icon       string `json:"icon"`
		Device     device `json:"device"`
	}{words.Text("notice.sensor"), id, c.Topic + "/state", "{{ value_json.act }}", c.Topic + "/state", "mdi:shield-home", device{[]string{id}, "Plimsoll"}})
}

// show tells brokers how many devices stand where, where that changed. It is told anew when the program starts.
func (p *Post) show(ctx context.Context, s *Settings) error {
	now := p.Now()
	var counts map[string]int
	var due []*Channel
	for i := range s.Channels {
		c := &s.Channels[i]
		if c.Kind != MQTT {
			continue
		}
		if counts == nil {
			var err error
			if counts, err = p.Source.Counts(ctx); err != nil {
				return err
			}
		}
		was := p.brokers[c.ID]
		wait := showEvery
		if was.counts == nil {
			wait = showAgain
		}
		if (was.counts == nil || !maps.Equal(was.counts, counts)) && now.Sub(was.at).Abs() >= wait {
			due = append(due, c)
		}
	}
	if len(due) == 0 {
		return nil
	}
	state, err := json.Marshal(counts)
	if err != nil {
		return err
	}
	for c, err := range atOnce(due, func(c *Channel) error { return p.tell(ctx, c, state) }) {
		if ctx.Err() != nil {
			continue
		}
		is := shown{to: *c, at: now}
		if err == nil {
			is.counts = counts
		}
		p.brokers[c.ID] = is
		p.fault(ctx, faultOf(c.ID), err)
	}
	return nil
}

// tell tells one broker how the home stands, and what that is called.
func (p *Post) tell(ctx context.Context, c *Channel, state []byte) error {
	config, err := c.sensor(p.words[c.Lang])
	if err != nil {
		return err
	}
	return c.redact(c.publish(ctx, publication{c.discovery(), config, true}, publication{c.Topic + "/state", state, true}))
}

// discovery is the topic on which Home Assistant finds the sensor.
func (c *Channel) discovery() string { return "homeassistant/sensor/plimsoll_" + c.ID + "/config" }

// leave takes back what brokers keep for channels that are no more, or are elsewhere by now, lest somebody reads for ever
// how the home once stood. It is tried once: a broker that is away then is told no more.
func (p *Post) leave(ctx context.Context, s *Settings) {
	var left []*Channel
	for id, was := range p.brokers {
		i := slices.IndexFunc(s.Channels, func(c Channel) bool { return c.ID == id && c.beside(&was.to) })
		switch {
		case i < 0:
			delete(p.brokers, id)
			left = append(left, &was.to)
		case s.Channels[i].Server != was.to.Server: // it may be another one all the same
			delete(p.brokers, id)
		default:
			was.to = s.Channels[i] // by its password of today
			p.brokers[id] = was
		}
	}
	for c, err := range atOnce(left, func(c *Channel) error { return c.redact(c.takeBack(ctx, s)) }) {
		here := false
		for i := range s.Channels {
			o := &s.Channels[i]
			here = here || o.ID == c.ID
			if o.Topic == c.Topic {
				delete(p.brokers, o.ID) // one broker may have two names: what was taken back is told again
			}
		}
		if !here {
			p.fault(ctx, faultOf(c.ID), nil)
		}
		if err != nil && ctx.Err() == nil {
			p.Log.WarnContext(ctx, "a broker may keep what it was told last", "channel", c.ID, "topic", c.Topic, "error", err)
		}
	}
}

// beside reports whether what two channels publish lies on the same topics of the same broker, or may: two brokers of one
// machine are not told apart.
func (c *Channel) beside(o *Channel) bool {
	return c.Kind == MQTT && o.Kind == MQTT && c.Topic == o.Topic && c.machine() == o.machine()
}

func (c *Channel) machine() string {
	u, err := url.Parse(c.Server)
	if err != nil {
		return c.Server
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

// takeBack empties the topics of a channel on which something stays (MQTT 3.1.1, §3.3.1.3), but for those that another one
// has too.
func (c *Channel) takeBack(ctx context.Context, s *Settings) error {
	list := []publication{{c.discovery(), nil, true}}
	if !slices.ContainsFunc(s.Channels, func(o Channel) bool { return o.beside(c) }) {
		list = append(list, publication{c.Topic + "/state", nil, true}, publication{c.Topic + "/week", nil, true})
	}
	return c.publish(ctx, list...)
}
