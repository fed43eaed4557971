package household

import (
	"strings"
	"time"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/web/page"
)

// ics is the calendar as a file that other calendars take in (RFC 5545): the last day with updates of each device, all day
// long, with a reminder as long before it as the pages warn.
func (p *Pages) ics(r *page.Request) (*page.View, error) {
	var b strings.Builder
	line := func(name, value string) { b.WriteString(fold(name + ":" + value)) }
	line("BEGIN", "VCALENDAR")
	line("VERSION", "2.0")
	line("PRODID", "-//Plimsoll//Plimsoll//"+strings.ToUpper(string(r.Words.Lang())))
	now := p.Now()
	for _, d := range p.Household.Devices() {
		until, _, ok, err := p.lasts(r, d)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		title := r.Words.Text("household.support.last", "device", d.Title())
		line("BEGIN", "VEVENT")
		line("UID", d.ID+"@plimsoll.invalid")
		line("DTSTAMP", now.UTC().Format("20060102T150405Z"))
		line("DTSTART;VALUE=DATE", until.Format("20060102"))
		line("SUMMARY", escaped(title))
		line("DESCRIPTION", escaped(r.Words.Text("household.support.lead")))
		line("TRANSP", "TRANSPARENT")
		line("BEGIN", "VALARM")
		line("ACTION", "DISPLAY")
		line("DESCRIPTION", escaped(title))
		line("TRIGGER", "-P183D")
		line("END", "VALARM")
		line("END", "VEVENT")
	}
	line("END", "VCALENDAR")
	return &page.View{File: &page.File{Name: "plimsoll-" + now.UTC().Format(time.DateOnly) + ".ics", Type: "text/calendar; charset=utf-8", Body: []byte(b.String())}}, nil
}

// escaped is a text as a value (RFC 5545 §3.3.11), without what ends a line: names come from strangers.
func escaped(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`).Replace(text)
}

// fold is a line of at most 75 octets, and lines that go on with it (RFC 5545 §3.1); no character is cut.
func fold(line string) string {
	const most = 75
	var b strings.Builder
	for n := most; len(line) > n; n = most - 1 { // the space counts
		for n > 1 && !utf8.RuneStart(line[n]) {
			n--
		}
		b.WriteString(line[:n] + "\r\n ")
		line = line[n:]
	}
	return b.String() + line + "\r\n"
}
