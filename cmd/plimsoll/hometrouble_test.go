package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/locale"
)

func TestWhatDoesNotWorkIsNewsOnceAndSinceItBegan(t *testing.T) {
	var list troubles
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	if list.note("keep traffic", nil, now) || !list.note("keep traffic", fs.ErrPermission, now) || list.note("keep traffic", fs.ErrPermission, now.Add(time.Hour)) {
		t.Error("not news once")
	}
	if !list.note("keep traffic", fs.ErrExist, now.Add(time.Hour)) || !list.note("MUD file of d1", fs.ErrNotExist, now) {
		t.Error("another cause is news, and so is another thing")
	}
	for i := range 30 { // a port, or what is free on the disk, is another each time
		if list.note("keep traffic", fmt.Errorf("%d octets are free", i), now.Add(time.Hour+time.Duration(i)*time.Second)) {
			t.Error("what changes each time is news each time")
		}
	}
	if all := list.all(); all[1].Cause != "29 octets are free" {
		t.Errorf("%+v", all)
	}
	if all := list.all(); len(all) != 2 || all[0].Kind != "file" || all[1].Kind != "keep" || !all[1].Since.Equal(now) {
		t.Errorf("%+v", all)
	}
	if !list.note("keep traffic", nil, now) || len(list.all()) != 1 {
		t.Error("it works again, and that is news")
	}
}

// Every kind of what does not work has words, in both languages, that say more than its cause.
func TestEveryKindOfFaultHasWords(t *testing.T) {
	kinds := []string{"other"}
	for _, k := range troubleKinds {
		kinds = append(kinds, k[1])
	}
	for _, language := range []locale.Lang{"en", "fr"} {
		words := locale.New(language)
		for _, kind := range kinds {
			text := words.Text("home.fault."+kind, "what", "WHAT", "cause", "CAUSE")
			if strings.HasPrefix(text, "home.fault") || !strings.Contains(text, "CAUSE") || strings.ContainsAny(text, "{}") {
				t.Errorf("%s %s: %s", language, kind, text)
			}
		}
	}
}

// Ports that are not kept apart are no full disk.
func TestAFaultIsOfTheKindThatSaysMostOfIt(t *testing.T) {
	for what, kind := range map[string]string{"keep ports apart": "lateral", "keep leases": "keep", "show the pages": "pages", "learn what d1 does": "other"} {
		if got := troubleKind(what); got != kind {
			t.Errorf("%s is of kind %s, and told as %s", what, kind, got)
		}
	}
}

func TestADefectIsCaughtWithItsPlace(t *testing.T) {
	if err := caught(func() error { return fs.ErrExist }); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	if err := caught(func() error { panic("a defect, for a test") }); err == nil || !strings.Contains(err.Error(), "hometrouble_test.go") {
		t.Errorf("%v", err)
	}
}
