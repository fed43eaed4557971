package main

import (
	"errors"
	"fmt"

	"plimsoll.example/plimsoll/internal/inspect"
	"plimsoll.example/plimsoll/mud"
)

// mudFiles reads the folder that --mud names, and tells which files of it are left out.
func (in *inspection) mudFiles() (*inspect.MUDFiles, error) {
	if in.mud == "" {
		return nil, nil
	}
	files, left, err := inspect.LoadMUDFiles(in.mud)
	if err != nil {
		return nil, err
	}
	for _, l := range left {
		cause := l.Err.Error()
		if invalid, ok := errors.AsType[*mud.InvalidError](l.Err); ok {
			cause = invalid.Problems[0].Text(in.words)
		}
		if _, err := fmt.Fprintln(in.err, printable(in.words.Text("mud.left", "file", l.File, "cause", cause))); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// tellHeld says which device was held against which file, and why that one.
func (in *inspection) tellHeld(engine *inspect.Engine) error {
	for _, h := range engine.Held() {
		text := in.words.Text("mud.held."+string(h.By), "device", h.Device, "file", h.Name)
		if _, err := fmt.Fprintln(in.err, printable(text)); err != nil {
			return err
		}
	}
	if in.mud != "" && len(engine.Held()) == 0 {
		if _, err := fmt.Fprintln(in.err, in.words.Text("mud.held.none", "folder", in.mud)); err != nil {
			return err
		}
	}
	return nil
}
