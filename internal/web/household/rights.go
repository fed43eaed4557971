package household

import (
	"slices"
	"strings"

	"plimsoll.example/plimsoll/internal/web/page"
)

// right is what somebody may see or do.
type right uint8

// The rights.
const (
	visit  right = iota + 1 // what this home sees and hears, and one’s own sessions
	look                    // what is here, and the guide
	detail                  // what each device does, and with whom
	decide                  // about devices
	carry                   // all that is known out of the home, and into it
	set                     // what the household says of itself
	govern                  // who has which role
)

// The roles.
const (
	owner  = "owner"
	adult  = "adult"
	helper = "helper"
	child  = "child"
	guest  = "guest"
)

// roles are all of them, each with its rights.
var roles = []struct {
	name   string
	rights []right
}{
	{owner, []right{visit, look, detail, decide, carry, set, govern}},
	{adult, []right{visit, look, detail, decide, carry}},
	{helper, []right{visit, look, detail, decide}},
	{child, []right{visit, look}},
	{guest, []right{visit}},
}

// role is what somebody is. Where nobody signs in, all are owners.
func (p *Pages) role(v page.Viewer) string {
	if p.site == nil || p.site.Door == nil {
		return owner
	}
	return v.Role
}

// may reports whether somebody has a right. Who has no role that is known has none.
func (p *Pages) may(v page.Viewer, r right) bool {
	name := p.role(v)
	for _, x := range roles {
		if x.name == name {
			return slices.Contains(x.rights, r)
		}
	}
	return false
}

// cutGet is the path of a page that is read.
func cutGet(pattern string) (path string, ok bool) { return strings.CutPrefix(pattern, "GET ") }
