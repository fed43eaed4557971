package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/learn"
	"plimsoll.example/plimsoll/internal/policy"
	"plimsoll.example/plimsoll/mud"
)

// MUDFiles are the MUD files of a folder, and what says which device each is for.
type MUDFiles struct {
	list  []mudFile
	byMAC map[frame.MAC]assigned // as devices.json or a file's name says
}

// assigned is what was given to a device.
type assigned struct {
	file int // in MUDFiles.list
	Controllers
}

// Controllers are whom people made the controllers of a device: MUD files name only their classes (RFC 8520 §4.6).
type Controllers struct {
	My    []netip.Addr            `json:"my_controller"`
	Class map[string][]netip.Addr `json:"controllers"` // by URI
}

// into puts the controllers into the network.
func (c *Controllers) into(base policy.Context) policy.Context {
	base.My, base.Controllers = c.My, c.Class
	return base
}

// given is a value of devices.json: the name of a file, or an object that also names controllers.
type given struct {
	File string `json:"file"`
	Controllers
}

// UnmarshalJSON reads either form.
func (g *given) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &g.File)
	}
	type object given
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode((*object)(g))
}

type mudFile struct {
	name   string
	file   *mud.File
	listed bool // in devices.json, or named after a device: for those devices alone
}

// The file of a folder that says which device has which MUD file: an object of link-layer addresses and what is given.
const devicesFile = "devices.json"

const maxMUDFiles = 4096

// MUDFileError is a file of the folder that cannot be used.
type MUDFileError struct {
	File string
	Err  error // of package mud, encoding/json or os
}

// Error says it in English.
func (e *MUDFileError) Error() string { return fmt.Sprintf("MUD file %s: %v", e.File, e.Err) }

// Unwrap is Err.
func (e *MUDFileError) Unwrap() error { return e.Err }

// LoadMUDFiles reads the MUD files of a folder: those whose names end in .json, but for what proves a learned one. Those that cannot be used are told, and
// left out: whoever wrote one of them has no say about the others.
func LoadMUDFiles(dir string) (m *MUDFiles, left []*MUDFileError, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read folder of MUD files: %w", err)
	}
	m = &MUDFiles{byMAC: map[frame.MAC]assigned{}}
	devices := map[string]given{} // by link-layer address
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(strings.ToLower(name), ".json") || strings.HasSuffix(name, learn.EvidenceSuffix) || e.IsDir() {
			continue
		}
		if len(m.list) == maxMUDFiles {
			left = append(left, &MUDFileError{name, errTooMany})
			break
		}
		data, err := readBounded(filepath.Join(dir, name))
		if err == nil && name == devicesFile {
			err = json.Unmarshal(data, &devices)
		} else if err == nil {
			var f *mud.File
			if f, err = mud.Parse(data); err == nil {
				m.list = append(m.list, mudFile{name: name, file: f})
			}
		}
		if err != nil {
			left = append(left, &MUDFileError{name, err})
		}
	}
	for i := range m.list {
		f := &m.list[i]
		if mac, err := frame.ParseMAC(strings.TrimSuffix(strings.ToLower(f.name), ".json")); err == nil {
			f.listed = true
			m.byMAC[mac] = assigned{file: i}
		}
	}
	for _, text := range slices.Sorted(maps.Keys(devices)) { // one device may stand there twice, written differently
		g := devices[text]
		name := g.File
		mac, err := frame.ParseMAC(text)
		i := slices.IndexFunc(m.list, func(f mudFile) bool { return f.name == name })
		switch {
		case err != nil:
			left = append(left, &MUDFileError{devicesFile, fmt.Errorf("%q: %w", text, err)})
		case i < 0:
			left = append(left, &MUDFileError{devicesFile, fmt.Errorf("%q: %w", name, fs.ErrNotExist)})
		default:
			m.list[i].listed = true
			m.byMAC[mac] = assigned{i, g.Controllers}
		}
	}
	slices.SortFunc(left, func(a, b *MUDFileError) int { return strings.Compare(a.Error(), b.Error()) })
	return m, left, nil
}

var (
	errTooMany = errors.New("there are too many files in the folder")
	errTooLong = errors.New("longer than a MUD file may be")
	errNotFile = errors.New("it is no file")
)

func readBounded(name string) ([]byte, error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return nil, errNotFile // to open a pipe is to wait for whoever writes into it
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, mud.MaxBytes+1))
	if err == nil && len(data) > mud.MaxBytes {
		err = errTooLong
	}
	return data, err
}

// How a device came by its MUD file.
type How string

// The ways, the surest first. Nothing weaker counts: a wrong file would blame the device for what it may do.
const (
	ByAddress How = "address" // devices.json or the file's name says its link-layer address
	ByURL     How = "url"     // the device itself says the file's mud-url, by DHCP or LLDP
	ByModel   How = "model"   // it was identified as what mfg-name and model-name of exactly one file say
)

// surely is the least confidence of an identity by which a device gets a MUD file.
const surely = 0.8

// of is the file of a device, or nil, with the controllers that were named for it.
func (m *MUDFiles) of(d *Device) (*mudFile, How, Controllers) {
	for _, text := range append([]string{d.MAC}, d.MACs...) {
		if mac, err := frame.ParseMAC(text); err == nil {
			if a, ok := m.byMAC[mac]; ok {
				return &m.list[a.file], ByAddress, a.Controllers
			}
		}
	}
	if d.MUDURL != nil {
		return m.only(func(f *mud.File) bool { return f.URL == d.MUDURL.URL }), ByURL, Controllers{}
	}
	if id := &d.Identity; id.Maker != "" && id.Model != "" && id.Confidence >= surely {
		return m.only(func(f *mud.File) bool {
			return strings.EqualFold(f.MfgName, id.Maker) && strings.EqualFold(f.ModelName, id.Model)
		}), ByModel, Controllers{}
	}
	return nil, "", Controllers{}
}

// only is the one file that is as wanted, or nil where there are none or several.
func (m *MUDFiles) only(wanted func(*mud.File) bool) (found *mudFile) {
	for i := range m.list {
		if f := &m.list[i]; !f.listed && wanted(f.file) {
			if found != nil {
				return nil
			}
			found = f
		}
	}
	return found
}

// Held is a device that was held against a MUD file.
type Held struct {
	Device string // its ID
	Name   string // of the file
	By     How
	URL    string // the file's mud-url
}
