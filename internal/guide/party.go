package guide

import "plimsoll.example/plimsoll/internal/locale"

// party is who else must act on a finding, and whom to call about it: keys of party.json.
type party struct{ who, call []string }

// parties has a row for each kind and role.
var parties = map[string]party{
	"scan.horizontal.actor":      {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"maker", "provider", "centre"}},
	"scan.horizontal.target":     {[]string{"provider.tell", "you.close"}, []string{"provider", "advice"}},
	"scan.vertical.actor":        {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"maker", "provider", "centre"}},
	"scan.vertical.target":       {[]string{"provider.tell", "you.close"}, []string{"provider", "advice"}},
	"guess.credentials.actor":    {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"maker", "provider", "centre"}},
	"guess.credentials.target":   {[]string{"maker.password", "provider.tell", "you.close"}, []string{"maker", "provider", "centre"}},
	"flood.syn.actor":            {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"maker", "provider", "centre"}},
	"flood.syn.target":           {[]string{"provider.flood", "you.wait"}, []string{"provider", "centre"}},
	"flood.udp.actor":            {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"maker", "provider", "centre"}},
	"flood.udp.target":           {[]string{"provider.flood", "you.wait"}, []string{"provider", "centre"}},
	"flood.icmp.actor":           {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"maker", "provider", "centre"}},
	"flood.icmp.target":          {[]string{"provider.flood", "you.wait"}, []string{"provider", "centre"}},
	"flood.dhcp.actor":           {[]string{"maker.fix", "provider.router", "you.steps"}, []string{"maker", "provider", "centre"}},
	"flood.arp.actor":            {[]string{"maker.fix", "you.steps"}, []string{"maker", "provider", "centre"}},
	"reflect.participant.actor":  {[]string{"maker.close", "provider.tell", "you.close"}, []string{"maker", "provider", "centre"}},
	"reflect.participant.target": {[]string{"provider.flood", "you.wait"}, []string{"provider", "centre"}},
	"spoof.source.actor":         {[]string{"maker.fix", "provider.source", "you.steps"}, []string{"maker", "provider", "centre"}},
	"spoof.arp.actor":            {[]string{"maker.fix", "you.steps"}, []string{"provider", "centre", "police"}},
	"spoof.arp.target":           {[]string{"you.passwords", "provider.router"}, []string{"provider", "centre", "police"}},
	"spoof.router.actor":         {[]string{"provider.router", "you.steps"}, []string{"provider", "centre", "police"}},
	"beacon.rare.actor":          {[]string{"maker.say", "provider.tell", "you.steps"}, []string{"maker", "centre", "advice"}},
	"dns.tunnel.actor":           {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"maker", "provider", "centre"}},
	"tunnel.icmp.actor":          {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"maker", "provider", "centre"}},
	"dns.generated.actor":        {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"maker", "provider", "centre"}},
	"dns.bypass.actor":           {[]string{"maker.say", "you.choose"}, []string{"maker", "advice"}},
	"new.destination.actor":      {[]string{"maker.say", "you.choose"}, []string{"maker", "advice"}},
	"clear.credentials.actor":    {[]string{"maker.encrypt", "shop.stop", "you.passwords"}, []string{"maker", "shop", "privacy"}},
	"clear.content.actor":        {[]string{"maker.encrypt", "shop.stop", "you.choose"}, []string{"maker", "privacy", "shop"}},
	"clear.firmware.actor":       {[]string{"maker.update", "shop.stop", "you.choose"}, []string{"maker", "shop", "centre"}},
	"tls.weak.actor":             {[]string{"maker.encrypt", "shop.stop", "you.update"}, []string{"maker", "shop"}},
	"tls.certificate.actor":      {[]string{"maker.certificate", "you.update"}, []string{"maker", "provider"}},
	"exposed.service.actor":      {[]string{"maker.close", "provider.router", "you.close"}, []string{"provider", "maker", "centre"}},
	"exposed.portmap.actor":      {[]string{"maker.close", "provider.router", "you.close"}, []string{"provider", "maker", "advice"}},
	"legacy.service.actor":       {[]string{"maker.close", "shop.stop", "you.update"}, []string{"maker", "shop"}},
	"indicator.match.actor":      {[]string{"maker.fix", "provider.tell", "you.steps"}, []string{"provider", "centre", "police"}},
	"mud.departure.actor":        {[]string{"maker.mud", "you.choose"}, []string{"maker", "advice"}},
	"name.collision.actor":       {[]string{"maker.fix", "you.steps"}, []string{"provider", "advice", "centre"}},
	"label.suspended.actor":      {[]string{"maker.mend", "shop.stop", "you.choose"}, []string{"maker", "shop"}},
	"label.withdrawn.actor":      {[]string{"maker.mend", "shop.stop", "you.choose"}, []string{"shop", "maker"}},
	"label.expired.actor":        {[]string{"maker.label", "you.choose"}, []string{"maker"}},
	"support.ended.actor":        {[]string{"maker.longer", "you.update"}, []string{"maker", "shop"}},
}

// Call says whom to call, by the keys of parties; one that is not known is left out.
func Call(words *locale.Catalogue, who ...string) (list []string) {
	said := findings.in(words.Lang())
	for _, w := range who {
		if key := "call." + w; said.Text(key) != key {
			list = append(list, said.Text(key))
		}
	}
	return list
}
