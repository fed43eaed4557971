package inspect

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/locale"
)

// Name is what a person would call a device.
func Name(d *Device, c *locale.Catalogue) string {
	id := &d.Identity
	switch {
	case len(d.Hostnames) > 0 && !device.Generic(d.Hostnames[0]):
		return d.Hostnames[0]
	case id.Model != "":
		return strings.TrimSpace(id.Maker + " " + id.Model)
	case id.Category != "" && id.Maker != "":
		name := c.Text("inspect.made", "maker", id.Maker, "what", c.Text("category."+id.Category))
		r, n := utf8.DecodeRuneInString(name) // words of ours, which sentences begin with
		return string(unicode.ToUpper(r)) + name[n:]
	case d.MAC != "":
		return d.MAC
	}
	return d.ID
}
