package household

import (
	"context"
	"fmt"
	"math"
	"time"

	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/locale"
)

// hours is when a device talked in the last day: a drawing, and a table that says the same.
type hours struct {
	Alt  string
	Bars []bar
	Rows []hour
	From string // when the first of them began
	To   string
}

// bar is one hour of the drawing, whose height is 48.
type bar struct {
	X, Y, Height int
	Quiet        bool
}

type hour struct{ From, Out, In string }

// Of the drawing.
const (
	shownHours = 24
	barStep    = 10 // from one bar to the next
	barHeight  = 48
)

// newHours is nil where nothing was said.
func (p *Pages) newHours(ctx context.Context, words *locale.Catalogue, d *home.Device) (*hours, error) {
	now := p.Now()
	from := now.Truncate(time.Hour).Add(-(shownHours - 1) * time.Hour)
	traffic, err := p.History.Traffic(ctx, d.ID, time.Hour, from, now.Add(time.Hour), mostTraffic)
	if err != nil {
		return nil, err
	}
	var out, in, all [shownHours]uint64
	most := 0
	for i := range traffic {
		t := &traffic[i]
		at := int(t.At.Sub(from) / time.Hour)
		if at < 0 || at >= shownHours {
			continue
		}
		out[at], in[at], all[at] = out[at]+t.Out, in[at]+t.In, all[at]+t.Out+t.In
		if all[at] > all[most] {
			most = at
		}
	}
	if all[most] == 0 {
		return nil, nil //nolint:nilnil // there is nothing to draw
	}
	x := &hours{From: words.Clock(from.Local()), To: words.Clock(now.Local())}
	quiet := 0
	for i := range all {
		b := bar{X: i * barStep, Y: barHeight - 2, Height: 2, Quiet: true} // an hour without a word is a line on the ground
		if all[i] > 0 {
			// by the logarithm: one call of a sensor is to be seen beside a film
			h := 6 + (barHeight-6)*math.Log1p(float64(all[i]))/math.Log1p(float64(all[most]))
			b.Height, b.Quiet = int(h), false
			b.Y = barHeight - b.Height
			x.Rows = append(x.Rows, hour{words.Clock(from.Add(time.Duration(i) * time.Hour).Local()), words.Size(locale.Octets(out[i])), words.Size(locale.Octets(in[i]))})
		} else {
			quiet++
		}
		x.Bars = append(x.Bars, b)
	}
	x.Alt = fmt.Sprint(words.Text("household.hours.most", "time", words.Clock(from.Add(time.Duration(most)*time.Hour).Local()), "size", locale.Octets(all[most])), " ", words.Text("household.hours.quiet", "n", quiet))
	return x, nil
}
