package policy

import (
	"strings"

	"plimsoll.example/plimsoll/internal/frame"
)

// Guess is why a conversation probably happens; the catalogue has its words under policy.guess.
type Guess string

// The guesses, from the surest down.
const (
	GuessTime      Guess = "time"      // it sets its clock
	GuessNames     Guess = "names"     // it asks for names
	GuessUpdate    Guess = "update"    // it looks for updates
	GuessReach     Guess = "reach"     // it tries whether the Internet can be reached
	GuessDiscovery Guess = "discovery" // it looks for others nearby, or answers who looks for it
	GuessGroups    Guess = "groups"    // it says which groups it listens to
	GuessMeasure   Guess = "measure"   // it reports how it is used
	GuessMedia     Guess = "media"     // sound or pictures
	GuessMessages  Guess = "messages"  // it waits for commands from a message service
	GuessControl   Guess = "control"   // something at home controls it, or it something
	GuessPing      Guess = "ping"      // somebody tries whether somebody is there
	GuessRemote    Guess = "remote"    // remote access: seldom something that a device needs
	GuessCloud     Guess = "cloud"     // it speaks with a service of its maker, or one that the maker uses
	GuessInbound   Guess = "inbound"   // somebody on the Internet tries to reach it
	GuessUnknown   Guess = "unknown"
)

// Guesses are all of them.
func Guesses() []Guess {
	return []Guess{
		GuessTime, GuessNames, GuessUpdate, GuessReach, GuessDiscovery, GuessGroups, GuessMeasure, GuessMedia, GuessMessages, GuessControl,
		GuessPing, GuessRemote, GuessCloud, GuessInbound, GuessUnknown,
	}
}

// byService is what well-known services are for (IANA's registry).
var byService = []struct {
	proto      uint8 // 0: TCP and UDP
	ports      []uint16
	guess      Guess
	fromDevice bool // only if the device begins
}{
	{0, []uint16{22, 23, 2323, 3389, 5900}, GuessRemote, false},
	{frame.ProtoUDP, []uint16{123}, GuessTime, true},
	{frame.ProtoTCP, []uint16{37}, GuessTime, true},
	{0, []uint16{53, 853}, GuessNames, true},
	{frame.ProtoUDP, []uint16{137, 1900, 3702, 5353, 5355, 6666, 6667, 9999, 20002, 5540}, GuessDiscovery, false},
	{0, []uint16{1883, 8883, 5222, 5223, 5228}, GuessMessages, true},
	{frame.ProtoUDP, []uint16{3478, 3479, 5349, 19302}, GuessMedia, true},
	{0, []uint16{554, 1935, 8554}, GuessMedia, false},
}

// byName is what the labels of a host's name tell. A label counts where it begins with the word.
var byName = []struct {
	words []string
	guess Guess
}{
	{[]string{"ntp", "time", "clock"}, GuessTime},
	{[]string{"fw", "firmware", "ota", "update", "updates", "upgrade", "softwareupdate", "fota", "download"}, GuessUpdate},
	{[]string{"connectivity", "connecttest", "captive", "conntest", "detectportal", "generate"}, GuessReach},
	{[]string{"metrics", "telemetry", "analytics", "log", "logs", "crash", "stats", "diag", "beacon", "device-metrics", "events"}, GuessMeasure},
	{[]string{"mqtt", "iot", "broker", "push", "ws", "msg", "xmpp"}, GuessMessages},
	{[]string{"stream", "media", "video", "audio", "stun", "turn", "relay"}, GuessMedia},
}

// guess tells why a conversation probably happens.
func guess(c *Conversation) Guess {
	port := c.Service()
	switch {
	case c.Proto == frame.ProtoIGMP:
		return GuessGroups
	case c.Proto == frame.ProtoICMP, c.Proto == frame.ProtoICMPv6:
		if c.Type == 8 || c.Type == 128 {
			return GuessPing
		}
		return GuessUnknown
	}
	for _, s := range byService {
		if s.proto != 0 && s.proto != c.Proto || s.fromDevice && c.Direction != FromDevice {
			continue
		}
		for _, p := range s.ports {
			if p == port || s.guess == GuessDiscovery && (p == c.PeerPort || p == c.OwnPort) {
				return s.guess
			}
		}
	}
	switch ip := c.Peer.Netip(); {
	case c.Peer.IsGroup():
		return GuessDiscovery
	case near(ip):
		return GuessControl
	case c.Direction == ToDevice:
		return GuessInbound
	}
	for _, name := range c.Names {
		for label := range strings.SplitSeq(Hostname(name), ".") {
			for _, n := range byName {
				for _, w := range n.words {
					if label == w || strings.HasPrefix(label, w) && strings.Trim(label[len(w):], "-0123456789") == "" || strings.HasPrefix(label, w+"-") || strings.HasSuffix(label, "-"+w) {
						return n.guess
					}
				}
			}
		}
	}
	if len(c.Names) > 0 {
		return GuessCloud
	}
	return GuessUnknown
}
