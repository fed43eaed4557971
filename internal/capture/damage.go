package capture

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Damage says where a capture stops making sense. What lies before it was read.
type Damage struct {
	Offset int64  // of the record that cannot be read, or the number in it that is wrong, in the capture once decompressed
	What   string // what is wrong with it
	Cut    bool   // the file ends in the middle of the record
}

// String is "cut at octet 1234: record".
func (d *Damage) String() string {
	word := "damaged"
	if d.Cut {
		word = "cut"
	}
	return fmt.Sprintf("%s at octet %d: %s", word, d.Offset, d.What)
}

// FormatError says that a file is no capture of a kind that can be read.
type FormatError struct {
	Name   string // of the file
	Offset int64  // of what was found, in the file once decompressed
	Found  string
}

// Error says what was found, where, and what would have been accepted.
func (e *FormatError) Error() string {
	return fmt.Sprintf("%s is no capture that can be read: found %s at octet %d; pcap and pcapng are accepted, plain or compressed with gzip or zstd",
		e.Name, e.Found, e.Offset)
}

// foreign are the beginnings of files that people take for captures.
var foreign = []struct{ magic, found string }{
	{"PK\x03\x04", "a ZIP archive"},
	{"BZh", "bzip2"},
	{"\xfd7zXZ\x00", "xz"},
	{"7z\xbc\xaf", "a 7-Zip archive"},
	{"\x04\x22\x4d\x18", "lz4"},
	{"snoop\x00", "a snoop capture"},
	{"RTSS", "a Network Monitor capture"},
	{"GMBU", "a Network Monitor capture"},
	{"XCP\x00", "a Sniffer capture"},
	{"TRSNIFF", "a Sniffer capture"},
	{"\x7fELF", "a program"},
	{"MZ", "a program"},
	{"%PDF", "a PDF document"},
}

// describe names what head, the beginning of a file, looks like.
func describe(head []byte) string {
	if len(head) == 0 {
		return "nothing"
	}
	for _, f := range foreign {
		if strings.HasPrefix(string(head), f.magic) {
			return f.found
		}
	}
	text := head[:min(len(head), 16)]
	for len(text) > 8 && !utf8.Valid(text) {
		text = text[:len(text)-1] // the cut may have split a character
	}
	if utf8.Valid(text) && strings.IndexFunc(string(text), unprintable) < 0 {
		return fmt.Sprintf("the text %q", text)
	}
	return fmt.Sprintf("the octets % x", head[:min(len(head), 8)])
}

func unprintable(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f
}
