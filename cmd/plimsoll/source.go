package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/locale"
)

// source is where the packets of an inspection come from.
type source interface {
	next(context.Context, *capture.Batch) error
	// warnings are what people should know of the source, once it was read. cut: not all of it could be.
	warnings(*locale.Catalogue) (list []string, cut bool)
	Close() error
}

func (in *inspection) open(paths []string) (source, error) {
	if in.iface != "" {
		return in.listen()
	}
	h, err := capture.OpenHistory(paths, in.in)
	if err != nil {
		return nil, err
	}
	return files{h}, nil
}

// files are captures, read as one history.
type files struct{ *capture.History }

func (f files) next(_ context.Context, b *capture.Batch) error { return f.Next(b) }

func (f files) warnings(words *locale.Catalogue) (list []string, cut bool) {
	for _, file := range f.Files() {
		d := file.Damage
		if d == nil {
			continue
		}
		cut = true
		key := "inspect.warn.damaged"
		if d.Cut {
			key = "inspect.warn.cut"
		}
		list = append(list, words.Text(key, "file", printable(named(file.Path, words)), "offset", d.Offset,
			"what", inWords("inspect.damage.", d.What, words)))
	}
	return list, cut
}

// wire is a network interface.
type wire struct {
	*capture.Live
	name string
}

func (in *inspection) listen() (source, error) {
	live, err := capture.OpenLive(capture.LiveConfig{Interface: in.iface, Promiscuous: true})
	if err != nil {
		return nil, deaf(in.iface, err)
	}
	fmt.Fprintln(in.err, in.words.Text("inspect.live", "name", in.iface))
	return wire{live, in.iface}, nil
}

// deaf says why an interface cannot be listened to.
func deaf(name string, err error) error {
	itf, unknown := net.InterfaceByName(name)
	switch {
	case unknown != nil:
		var names []string
		all, _ := net.Interfaces() // whose names only help
		for _, itf := range all {
			names = append(names, itf.Name)
		}
		return &fault{fs.ErrNotExist, "error.interface.unknown", []any{"name", name, "list", names}}
	case itf.Flags&net.FlagUp == 0:
		return &fault{err, "error.interface.down", []any{"name", name}}
	case errors.Is(err, fs.ErrPermission):
		program, _ := os.Executable()
		return &fault{err, "error.interface.denied", []any{"name", name, "program", program}}
	}
	return &fault{err, "error.interface.failed", []any{"name", name, "cause", err.Error()}}
}

func (w wire) next(ctx context.Context, b *capture.Batch) error {
	err := w.Next(ctx, b)
	switch {
	case ctx.Err() != nil:
		return io.EOF
	case err != nil:
		return &fault{err, "error.interface.lost", []any{"name", w.name, "cause", err.Error()}}
	}
	return nil
}

func (w wire) warnings(words *locale.Catalogue) (list []string, cut bool) {
	if s, err := w.Stats(); err == nil && s.Dropped > 0 {
		list = append(list, words.Text("inspect.warn.dropped", "n", s.Dropped))
	}
	return list, false
}
