package notice

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// deliver sends what waits, to each channel the oldest; the rest is for the next step. What cannot be sent is tried again,
// less and less often, until it is no news any more.
func (p *Post) deliver(ctx context.Context, s *Settings) error {
	now := p.Now()
	if now.Sub(p.forgot).Abs() > forgetEvery {
		if err := p.forgetSent(ctx, s, now); err != nil {
			return err
		}
		p.forgot = now
	}
	list, err := p.Ledger.Deliveries(ctx, mostShown)
	if err != nil {
		return err
	}
	due := map[*Channel]*Delivery{}
	var gone bool
	for _, d := range slices.Backward(list) { // the oldest first
		i := slices.IndexFunc(s.Channels, func(c Channel) bool { return c.ID == d.Channel })
		switch {
		case i < 0:
			gone = true
			p.fault(ctx, faultOf(d.Channel), nil)
		case d.State != Waiting:
		case now.After(d.Until):
			d.State = GivenUp
			p.Log.WarnContext(ctx, "notice was given up", "channel", d.Channel, "occasion", d.Occasion, "trouble", d.Trouble)
			if err := p.Ledger.SaveDelivery(ctx, d); err != nil {
				return err
			}
		case now.Before(d.Next) && d.Next.Sub(now) <= backOff[len(backOff)-1]: // the clock may have been set
		case due[&s.Channels[i]] == nil:
			d.Next = now.Add(backOff[min(d.Tries, len(backOff)-1)])
			d.Tries++
			if err := p.Ledger.SaveDelivery(ctx, d); err != nil { // so that a restart tries no more often
				return err
			}
			due[&s.Channels[i]] = d
		}
	}
	if gone {
		if err := p.forgetSent(ctx, s, now); err != nil {
			return err
		}
	}
	var failed error
	for c, err := range atOnce(slices.Collect(maps.Keys(due)), func(c *Channel) error { return p.send(ctx, c, due[c]) }) {
		if err != nil && ctx.Err() != nil {
			continue
		}
		d := due[c]
		d.Trouble = ""
		if err != nil {
			d.Trouble = KindOf(err)
		} else {
			d.State = Sent
			p.Log.InfoContext(ctx, "notice was sent", "channel", d.Channel, "kind", c.Kind, "occasion", d.Occasion)
		}
		p.fault(ctx, faultOf(c.ID), err)
		// It was sent, even if the program ends now.
		failed = errors.Join(failed, p.Ledger.SaveDelivery(context.WithoutCancel(ctx), d))
	}
	return failed
}

// forgetSent forgets what was sent a while ago, and what is for channels that are no more.
func (p *Post) forgetSent(ctx context.Context, s *Settings, now time.Time) error {
	ids := make([]string, len(s.Channels))
	for i := range s.Channels {
		ids[i] = s.Channels[i].ID
	}
	return p.Ledger.ForgetDeliveries(ctx, now.Add(-keepFor), ids)
}

// atOnce does something with several channels at the same time, so that none waits for another, and hands on how each went as
// soon as it is known.
func atOnce(list []*Channel, do func(*Channel) error) iter.Seq2[*Channel, error] {
	type outcome struct {
		of  *Channel
		err error
	}
	return func(yield func(*Channel, error) bool) {
		done := make(chan outcome, len(list)) // so that none waits where nobody listens any more
		room := make(chan struct{}, maxChannels)
		for _, c := range list {
			go func() {
				room <- struct{}{}
				defer func() { <-room }()
				done <- outcome{c, caught(func() error { return do(c) })}
			}()
		}
		for range list {
			if o := <-done; !yield(o.of, o.err) {
				return
			}
		}
	}
}

// caught is what f returns, or that it panicked: what a server says, or a stranger’s name, must not take the program down.
func caught(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a defect of the program: %v\n%s", p, debug.Stack())
		}
	}()
	return f()
}

// send sends one message to one channel.
func (p *Post) send(ctx context.Context, c *Channel, d *Delivery) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.Check(); err != nil {
		return err
	}
	id := identify(d.Channel, d.Occasion)
	m, words := d.Message.named(id), p.words[c.Lang]
	var err error
	switch c.Kind {
	case Mail:
		err = c.mail(ctx, words, m, id, d.At)
	case Webhook:
		err = c.webhook(ctx, m, id)
	case Ntfy:
		err = c.ntfy(ctx, words, m, id)
	case MQTT:
		err = c.mqtt(ctx, m)
	}
	return trouble(c.redact(err), elsewhere)
}

// redact is an error without the secret of a channel, which a server may have said back to us, in any form in which it was
// sent.
func (c *Channel) redact(err error) error {
	if err == nil || c.Secret == "" {
		return err
	}
	t, _ := errors.AsType[*Trouble](trouble(err, elsewhere))
	said := t.Cause.Error()
	for _, user := range []string{c.User, c.From} { // see signIn
		for _, s := range []string{"\x00" + user + "\x00" + c.Secret, user + ":" + c.Secret, c.Secret} {
			said = strings.NewReplacer(base64.StdEncoding.EncodeToString([]byte(s)), "…", s, "…").Replace(said)
		}
	}
	if said == t.Cause.Error() {
		return err
	}
	return &Trouble{t.Kind, errors.New(said)}
}
