package detect

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
)

var firmwareThresholds = []Threshold{
	{"clear.firmware.octets", 4096, "octets", "of a file, where its length is told: settings are shorter than programs"},
}

// firmware finds programs that a device fetches without encryption, so that anybody on the way can give it another one.
type firmware struct {
	*Watch
	least  uint64
	wanted *Table[conversation, string] // the path that was asked for last
}

func newFirmware(w *Watch) Detector {
	p := &firmware{Watch: w, least: uint64(w.Threshold("clear.firmware.octets")), wanted: NewTable[conversation, string](1024)}
	return Detector{Fact: p.fact, Facts: []string{"http.host", "http.content_type", "tftp.file", "ftp.file"}}
}

// endings are those of firmware images and of the programs in them; architectures is what programs for devices are
// called after. Both are usage, not a standard.
var (
	endings = []string{
		".bin", ".img", ".ota", ".fw", ".hex", ".elf", ".upd", ".swu", ".squashfs", ".rom", ".dfu", ".trx", ".chk", ".uimage", ".ubi",
		".gbl", ".zigbee", ".sfw", ".fwu", ".dlf", ".ipk", ".mcu", ".rbl", ".raucb",
	}
	architectures = []string{
		"arm", "arm4", "arm5", "arm6", "arm7", "armv4l", "armv5l", "armv6l", "armv7l", "aarch64", "mips", "mipsel", "mpsl", "x86", "x86_64", "i586", "i686",
		"sh4", "ppc", "powerpc", "m68k", "spc", "sparc", "arc",
	}
	programTypes = []string{"application/octet-stream", "application/x-binary", "application/macbinary", "application/x-executable", "application/x-elf", "binary/octet-stream", "application/firmware", "application/x-firmware"}
)

// program reports whether a file is named as a program is.
func program(file string) bool {
	name := strings.ToLower(path.Base(file))
	ext := path.Ext(name)
	return slices.Contains(endings, ext) || slices.Contains(architectures, name) || ext != "" && slices.Contains(architectures, ext[1:])
}

// updating reports whether a path speaks of updating.
func updating(file string) bool {
	words := strings.FieldsFunc(strings.ToLower(file), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.Contains([]string{"firmware", "fw", "ota", "upgrade", "upgrades", "fota", "firmwares"}, w)
	})
}

func (p *firmware) fact(f *Fact) {
	switch f.Name {
	case "http.host":
		if string(f.Lookup("method")) == "GET" {
			want, _ := p.wanted.Get(f.conversation())
			*want = text(f.Lookup("path"))
		}
	case "tftp.file", "ftp.file":
		if op := string(f.Lookup("op")); op == "read" || op == "RETR" {
			if file := text(f.Value); program(file) || updating(file) {
				p.raise(f, f.Sender(), f.Receiver(), file)
			}
		}
	case "http.content_type":
		p.content(f)
	}
}

// content looks at what a server sends, together with what it was asked for.
func (p *firmware) content(f *Fact) {
	want := p.wanted.Look(f.conversation())
	if want == nil || string(f.Lookup("side")) == "client" {
		return
	}
	if length := f.Lookup("length"); len(length) > 0 { // an error costs more than to look first
		if n, err := strconv.ParseUint(string(length), 10, 64); err == nil && n < p.least {
			return
		}
	}
	kind, _, _ := strings.Cut(strings.ToLower(string(f.Value)), ";")
	file := *want
	if name := f.Lookup("filename"); len(name) > 0 && program(text(name)) {
		file = text(name)
	}
	binary := slices.Contains(programTypes, strings.TrimSpace(kind))
	if program(file) && (binary || !strings.HasPrefix(kind, "text/") && !strings.HasPrefix(kind, "image/")) || binary && updating(file) {
		p.raise(f, f.Receiver(), f.Sender(), file)
	}
}

func (p *firmware) raise(f *Fact, device, server Party, file string) {
	p.Raise(Sighting{
		Kind: finding.ClearFirmware, Actor: device, Target: server, Key: path.Base(file), Severity: finding.Medium, Confidence: 0.75, Time: f.Time,
		Details: []finding.Detail{{Key: "file", Value: path.Base(file)}}, Evidence: f.Evidence("program " + file + " fetched without encryption"),
		Weigh: p.weigh(server),
	})
}

func (p *firmware) weigh(server Party) func(*View, *device.Device) finding.Severity {
	weigh := byKind(finding.Medium, finding.Medium, finding.Info)
	return func(v *View, d *device.Device) finding.Severity {
		if !v.Outside(server) {
			return min(weigh(v, d), finding.Low)
		}
		return weigh(v, d)
	}
}
