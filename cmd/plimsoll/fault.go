package main

import (
	"errors"
	"io/fs"
	"strings"
	"unicode"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/mud"
)

// fault is an error that the catalogue has words for.
type fault struct {
	cause error // decides the exit code; nil: none but that it failed
	key   string
	args  []any // for the places of the message
}

// errUsage is the cause of faults that whoever called the program can mend by calling it otherwise.
var errUsage = errors.New("wrong usage")

// errUnverified is the cause of faults that whoever wrote something is not known for sure.
var errUnverified = errors.New("not verified")

func wrongUsage(key string, args ...any) error { return &fault{errUsage, key, args} }

func (f *fault) Error() string { return f.key }

func (f *fault) Unwrap() error { return f.cause }

// explain says an error to a person. What the system said follows as it is, in English.
func explain(err error, words *locale.Catalogue) string {
	var (
		told   *fault
		format *capture.FormatError
		file   *fs.PathError
		text   string
	)
	switch {
	case errors.As(err, &told):
		text = words.Text(told.key, told.args...)
	case errors.As(err, &format):
		text = words.Text("error.format", "name", named(format.Name, words), "offset", format.Offset, "found", found(format.Found, words))
	case errors.As(err, &file):
		text = words.Text(fileKey(file), "name", file.Path, "cause", file.Err.Error())
	default:
		text = words.Text(causeKey(err), "cause", err.Error())
	}
	return printable(text)
}

// causes are the errors of packages that the catalogue has an introduction for.
var causes = []struct {
	err error
	key string
}{
	{mud.ErrSignature, "error.mud.signature"},
	{mud.ErrUntrusted, "error.mud.untrusted"},
	{mud.ErrClock, "error.mud.clock"},
	{mudcache.ErrURL, "error.mud.fetch.url"},
	{mudcache.ErrAddress, "error.mud.fetch.address"},
	{mudcache.ErrRedirect, "error.mud.fetch.redirect"},
	{mudcache.ErrServer, "error.mud.fetch.server"},
	{mudcache.ErrTooLarge, "error.mud.fetch.large"},
	{mudcache.ErrTransport, "error.mud.fetch.transport"},
	{mudcache.ErrFull, "error.mud.fetch.full"},
}

func causeKey(err error) string {
	for _, c := range causes {
		if errors.Is(err, c.err) {
			return c.key
		}
	}
	return "error.failed"
}

func fileKey(err *fs.PathError) string {
	switch {
	case err.Op == "write" || err.Op == "close":
		return "error.write"
	case errors.Is(err, fs.ErrNotExist):
		return "error.missing"
	case errors.Is(err, fs.ErrPermission):
		return "error.denied"
	}
	return "error.read"
}

// named is the name of a capture, which package capture makes up for standard input.
func named(capture string, words *locale.Catalogue) string {
	if capture == "-" || capture == "standard input" {
		return words.Text("cli.stdin")
	}
	return capture
}

// found is FormatError.Found in the words of the catalogue.
func found(s string, words *locale.Catalogue) string {
	for _, kind := range []string{"pcap of version", "pcapng of version", "the octets", "the text"} {
		if value, ok := strings.CutPrefix(s, kind+" "); ok {
			value = strings.TrimSuffix(strings.TrimPrefix(value, `"`), `"`)
			return inWords("error.found.", kind, words, "value", value)
		}
	}
	return inWords("error.found.", s, words)
}

// inWords is what package capture calls something, in the words of the catalogue: "byte order" is the key byte-order there.
func inWords(prefix, s string, words *locale.Catalogue, args ...any) string {
	key := prefix + strings.ReplaceAll(strings.ToLower(s), " ", "-")
	if text := words.Text(key, args...); text != key {
		return text
	}
	return s
}

// printable is s, which may hold the name of a file that a stranger has chosen, without what moves a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) || unicode.Is(unicode.Zs, r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
