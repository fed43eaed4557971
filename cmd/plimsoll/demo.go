//go:build !gateway

package main

import (
	"context"
	"fmt"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/lab"
	labwire "plimsoll.example/plimsoll/internal/lab/wire"
	"plimsoll.example/plimsoll/internal/locale"
)

// demonstration is a home that is played as if it were there: what lies behind at once, and what comes then at its time. When it
// is over it begins anew, without what went wrong.
type demonstration struct {
	packets []labwire.Packet
	turn    int
}

// alreadyPlayed is how much of the home lies behind when somebody begins to look: all but the last seconds before its
// camera goes bad, so that they see it happen.
const alreadyPlayed = lab.BadAfter - 12*time.Second

func newDemonstration(now time.Time) (*demonstration, error) {
	t, err := lab.Demo(now.Add(-alreadyPlayed)).Play()
	if err != nil {
		return nil, fmt.Errorf("play a home: %w", err)
	}
	return &demonstration{packets: t.Packets}, nil
}

// lull is how long nothing may be told: the engine takes in what was seen even where nobody says anything.
const lull = 200 * time.Millisecond

// next gives what was said since.
func (p *demonstration) next(ctx context.Context, b *capture.Batch) error {
	b.Data, b.Records = b.Data[:0], b.Records[:0]
	if err := p.await(ctx, lull); err != nil {
		return err
	}
	p.fill(b, time.Now(), func([]byte) {})
	return ctx.Err()
}

// await waits until something is said, or for a while, if that is not over before.
func (p *demonstration) await(ctx context.Context, most time.Duration) error {
	if len(p.packets) == 0 {
		p.turn++
		h := lab.Family()
		h.Seed, h.Start = h.Seed+uint64(p.turn), time.Now()
		t, err := h.Play()
		if err != nil {
			return fmt.Errorf("play a home: %w", err)
		}
		p.packets = t.Packets
	}
	if wait := min(time.Until(time.Unix(0, p.packets[0].Time)), most); wait > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	return ctx.Err()
}

// fill puts what was said until then into a batch, as much as it takes, and shows each frame.
func (p *demonstration) fill(b *capture.Batch, until time.Time, show func([]byte)) {
	for len(p.packets) > 0 && p.packets[0].Time <= until.UnixNano() && len(b.Data) < capture.BatchSize {
		x := &p.packets[0]
		b.Records = append(b.Records, capture.Record{
			Time: x.Time, Offset: uint32(len(b.Data)), Len: uint32(len(x.Data)), Wire: uint32(max(x.Wire, len(x.Data))), Link: frame.LinkEthernet,
		})
		b.Data = append(b.Data, x.Data...)
		show(x.Data)
		p.packets = p.packets[1:]
	}
}

// one gives the next frame when it is said.
func (p *demonstration) one(ctx context.Context) ([]byte, error) {
	if err := p.await(ctx, time.Hour); err != nil {
		return nil, err
	}
	b := p.packets[0].Data
	p.packets = p.packets[1:]
	return b, nil
}

// warnings are none: nothing of a played home is lost.
func (p *demonstration) warnings(*locale.Catalogue) ([]string, bool) { return nil, false }

// Close has nothing to let go.
func (p *demonstration) Close() error { return nil }
