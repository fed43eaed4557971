//go:build !gateway

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/durable"
	"plimsoll.example/plimsoll/internal/flow"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/internal/learn"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/mud"
)

// learning is what the flags of mud learn say.
type learning struct {
	inspection
	mac      frame.MAC
	out, url string
}

func newMUDLearn(e env, words *locale.Catalogue) *cobra.Command {
	in := learning{inspection: inspection{env: e, words: words}}
	c := &cobra.Command{Use: "learn", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, paths []string) error {
		switch {
		case in.mac.IsZero():
			return wrongUsage("error.mud.device")
		case len(paths) == 0:
			return wrongUsage("error.capture.none")
		case count("-", paths...) > 1:
			return wrongUsage("error.capture.twice")
		case in.json && (in.out == "" || in.out == "-"):
			return wrongUsage("error.mud.learn.json")
		}
		return in.run(c.Context(), paths)
	}}
	in.memory = inspect.DefaultMemory
	f := c.Flags()
	deviceFlag(f, &in.mac)
	f.StringVar(&in.out, "out", "", "")
	f.Func("url", "", func(s string) (err error) {
		in.url = s
		_, err = mud.CheckURL(s)
		return err
	})
	f.BoolVar(&in.json, "json", false, "")
	f.Func("memory", "", func(s string) (err error) {
		in.memory, err = parseSize(s)
		return err
	})
	return c
}

func (in *learning) run(ctx context.Context, paths []string) error {
	earlier, kept, err := in.earlier()
	if err != nil {
		return err
	}
	src, err := in.open(paths)
	if err != nil {
		return err
	}
	defer src.Close()
	var g learn.Gather
	cfg := inspect.Config{Memory: in.memory, OnFlow: func(r *inspect.FlowRecord) error {
		if c := conversation(r, in.mac); c != nil {
			g.Add(c)
		}
		return nil
	}}
	o, err := in.look(ctx, src, paths, cfg)
	if o == nil {
		return err
	}
	result := o.result
	for _, w := range result.Capture.Warnings {
		fmt.Fprintln(in.err, printable(in.words.Text("inspect.warning", "text", w)))
	}
	i := slices.IndexFunc(result.Devices, func(d inspect.Device) bool { return slices.Contains(d.MACs, in.mac.String()) })
	if i < 0 {
		return errors.Join(err, &fault{fs.ErrNotExist, "error.mud.absent", []any{"device", in.mac.String()}})
	}
	d := &result.Devices[i]
	var l learn.Learner
	source := learn.Source{First: at(result.Capture.First), Last: at(result.Capture.Last), Packets: result.Capture.Packets}
	sources := []learn.Source{source}
	if kept != nil {
		if kept.Device != in.mac.String() {
			return &fault{key: "error.mud.learn.other", args: []any{"name", in.beside(), "device", kept.Device}}
		}
		l.Resume(kept)
		if sources = kept.Sources; kept.Knows(source) {
			fmt.Fprintln(in.err, in.words.Text("mud.learn.known"))
		} else {
			sources = append(sources, source)
		}
	}
	if kept == nil || !kept.Knows(source) {
		g.Into(&l, placed(o.engine.Network(), []frame.MAC{in.mac}))
	}
	file, evidence := l.File(in.about(d))
	evidence.Device, evidence.Sources = in.mac.String(), sources
	if len(file.ACLs) == 0 {
		return errors.Join(err, &fault{key: "error.mud.learn.nothing", args: []any{"device", in.mac.String()}})
	}
	if earlier != nil {
		learn.Keep(file, evidence, earlier, kept)
	}
	return errors.Join(err, in.write(file, evidence), in.tell(file, evidence))
}

// conversation is a flow of the device, or nil if it is somebody else's or not IP.
func conversation(r *inspect.FlowRecord, mac frame.MAC) *learn.Conversation {
	side := flow.Orig
	switch mac {
	case r.MAC[flow.Orig]:
	case r.MAC[flow.Resp]:
		side = flow.Resp
	default:
		return nil
	}
	if r.Proto == 0 {
		return nil
	}
	c := &learn.Conversation{
		First: time.Unix(0, r.First).UTC(), Last: time.Unix(0, r.Last).UTC(), Began: side == flow.Orig, Answered: r.Answered(), Proto: r.Proto,
		Own: r.Addr[side].Netip(), Peer: r.Addr[1-side].Netip(), Port: r.Port[side], PeerPort: r.Port[1-side],
		Packets: r.Packets[0] + r.Packets[1],
	}
	if r.Proto == frame.ProtoICMP || r.Proto == frame.ProtoICMPv6 {
		c.Port, c.PeerPort = r.Port[flow.Orig], 0
	}
	if c.Began {
		// the name that the device asked for is the one that a gateway can hold it to; what it says later is second best
		switch {
		case len(r.Told) > 0:
			c.Names = r.Told[:1]
		case len(r.Names) > 0:
			c.Names = r.Names[:1]
		}
	}
	return c
}

func (in *learning) about(d *inspect.Device) learn.About {
	a := learn.About{URL: in.url, Maker: d.Identity.Maker, Model: d.Identity.Model}
	if a.URL == "" && d.MUDURL != nil {
		if _, err := mud.CheckURL(d.MUDURL.URL); err == nil { // a device may say anything
			a.URL = d.MUDURL.URL
		}
	}
	if a.URL == "" {
		a.URL = nobodys(in.mac)
	}
	a.SystemInfo = systemInfo(a.Maker, a.Model, in.mac.String())
	return a
}

// beside is where the evidence of the file is kept.
func (in *learning) beside() string {
	return strings.TrimSuffix(in.out, filepath.Ext(in.out)) + learn.EvidenceSuffix
}

// earlier reads what is there to be learned on.
func (in *learning) earlier() (*mud.File, *learn.Evidence, error) {
	if in.out == "" || in.out == "-" {
		return nil, nil, nil
	}
	var file *mud.File
	data, err := readFile(in.out, mud.MaxBytes)
	switch {
	case err == nil:
		if file, err = mud.Parse(data); err != nil {
			return nil, nil, &fault{key: "error.mud.learn.earlier", args: []any{"name", in.out, "cause", err.Error()}}
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, nil, err
	}
	data, err = readFile(in.beside(), learn.MaxEvidence)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	kept, err := learn.ParseEvidence(data)
	if err != nil {
		return nil, nil, &fault{key: "error.mud.learn.evidence", args: []any{"name", in.beside(), "cause", err.Error()}}
	}
	return file, kept, nil
}

// write writes the evidence first: a file without it can be learned on all the same, and evidence of more than the
// file has does no harm.
func (in *learning) write(file *mud.File, evidence *learn.Evidence) error {
	data := file.Canonical()
	if in.out == "" || in.out == "-" {
		_, err := in.env.out.Write(data)
		return err
	}
	proof, err := json.MarshalIndent(evidence, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(in.beside(), append(proof, '\n'), 0o644); err != nil {
		return err
	}
	return durable.WriteFile(in.out, data, 0o644)
}

// tell says what was learned, and how sure it is that this is all.
func (in *learning) tell(file *mud.File, ev *learn.Evidence) error {
	if in.json {
		return printJSON(in.env.out, ev)
	}
	n := 0
	for range file.Entries(mud.FromDevice) {
		n++
	}
	for range file.Entries(mud.ToDevice) {
		n++
	}
	lines := []string{
		in.words.Text("mud.learn.done", "n", n, "flows", ev.Enough.Flows),
		in.words.Text("mud.learn.seen", "span", ev.Enough.Span, "days", ev.Enough.Days, "missing", locale.Fraction(ev.Enough.Missing)),
		in.words.Text("mud.learn.sure." + string(ev.Enough.Sure)),
	}
	for _, o := range ev.LeftOut {
		lines = append(lines, in.words.Text("mud.learn.left."+o.Why, "service", o.Service, "n", o.Peers, "flows", o.Flows))
	}
	if ev.Lost > 0 {
		lines = append(lines, in.words.Text("mud.learn.lost", "n", ev.Lost))
	}
	for _, l := range lines {
		if _, err := fmt.Fprintln(in.err, printable(l)); err != nil {
			return err
		}
	}
	return nil
}
