package inspect

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/mud"
)

// MUDFiles are the MUD files of a folder, and what says which device each is for.
type MUDFiles struct {
	list  []mudFile
	byMAC map[frame.MAC]int // as devices.json or a file's name says
}

type mudFile struct {
	name   string
	file   *mud.File
	listed bool // in devices.json, or named after a device: for those devices alone
}

// The file of a folder that says which device has which MUD file: an object of link-layer addresses and file names.
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

// LoadMUDFiles reads the MUD files of a folder: those whose names end in .json. Those that cannot be used are told, and
// left out: whoever wrote one of them has no say about the others.
func LoadMUDFiles(dir string) (m *MUDFiles, left []*MUDFileError, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("read folder of MUD files: %w", err)
	}
	m = &MUDFiles{byMAC: map[frame.MAC]int{}}
	assigned := map[string]string{} // link-layer address: file
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(strings.ToLower(name), ".json") || e.IsDir() {
			continue
		}
		if len(m.list) == maxMUDFiles {
			left = append(left, &MUDFileError{name, errTooMany})
			break
		}
		data, err := readBounded(filepath.Join(dir, name))
		if err == nil && name == devicesFile {
			err = json.Unmarshal(data, &assigned)
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
			m.byMAC[mac] = i
		}
	}
	for text, name := range assigned {
		mac, err := frame.ParseMAC(text)
		i := slices.IndexFunc(m.list, func(f mudFile) bool { return f.name == name })
		switch {
		case err != nil:
			left = append(left, &MUDFileError{devicesFile, fmt.Errorf("%q: %w", text, err)})
		case i < 0:
			left = append(left, &MUDFileError{devicesFile, fmt.Errorf("%q: %w", name, fs.ErrNotExist)})
		default:
			m.list[i].listed = true
			m.byMAC[mac] = i
		}
	}
	slices.SortFunc(left, func(a, b *MUDFileError) int { return strings.Compare(a.Error(), b.Error()) })
	return m, left, nil
}

var (
	errTooMany = errors.New("there are too many files in the folder")
	errTooLong = errors.New("longer than a MUD file may be")
)

func readBounded(name string) ([]byte, error) {
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

// of is the file of a device, or nil.
func (m *MUDFiles) of(d *Device) (*mudFile, How) {
	for _, text := range append([]string{d.MAC}, d.MACs...) {
		if mac, err := frame.ParseMAC(text); err == nil {
			if i, ok := m.byMAC[mac]; ok {
				return &m.list[i], ByAddress
			}
		}
	}
	if d.MUDURL != nil {
		i := m.only(func(f *mud.File) bool { return f.URL == d.MUDURL.URL })
		if i == nil {
			return nil, ""
		}
		return i, ByURL
	}
	if id := &d.Identity; id.Maker != "" && id.Model != "" && id.Confidence >= surely {
		if i := m.only(func(f *mud.File) bool {
			return strings.EqualFold(f.MfgName, id.Maker) && strings.EqualFold(f.ModelName, id.Model)
		}); i != nil {
			return i, ByModel
		}
	}
	return nil, ""
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
