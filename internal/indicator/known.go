package indicator

import "net/netip"

// wellKnown are names that are met in nearly each home, so that a list that holds one is at fault: the sites asked for
// most, the clouds and content networks themselves, and what devices ask for to know that they are online. From
// general knowledge; none is a name below which strangers get theirs, which the Public Suffix List tells.
var wellKnown = set("google.com", "www.google.com", "googleapis.com", "gstatic.com", "googleusercontent.com", "googlevideo.com",
	"youtube.com", "www.youtube.com", "ytimg.com", "ggpht.com", "gmail.com", "android.com", "doubleclick.net", "google-analytics.com",
	"googletagmanager.com", "apple.com", "www.apple.com", "icloud.com", "mzstatic.com", "aaplimg.com", "apple-dns.net",
	"microsoft.com", "www.microsoft.com", "windows.com", "windowsupdate.com", "live.com", "office.com", "office365.com", "outlook.com",
	"bing.com", "msn.com", "skype.com", "msftconnecttest.com", "msftncsi.com", "azure.com", "windows.net", "trafficmanager.net",
	"amazon.com", "www.amazon.com", "amazonaws.com", "amazon-dss.com", "amazontrust.com", "cloudfront.net", "media-amazon.com",
	"facebook.com", "www.facebook.com", "fbcdn.net", "instagram.com", "whatsapp.com", "whatsapp.net", "twitter.com", "x.com",
	"netflix.com", "nflxvideo.net", "spotify.com", "scdn.co", "wikipedia.org", "wikimedia.org", "yahoo.com", "linkedin.com",
	"akamai.net", "akamaiedge.net", "akamaihd.net", "akadns.net", "edgekey.net", "edgesuite.net", "fastly.net", "fastly.com",
	"cloudflare.com", "cloudflare.net", "cloudflare-dns.com", "one.one.one.one", "dns.google", "quad9.net", "opendns.com",
	"ntp.org", "pool.ntp.org", "time.nist.gov", "mozilla.org", "mozilla.com", "mozilla.net", "firefox.com", "ubuntu.com", "debian.org",
	"github.com", "raw.githubusercontent.com", "githubusercontent.com", "gitlab.com", "bitbucket.org", "discord.com", "discordapp.com",
	"telegram.org", "t.me", "api.telegram.org", "dropbox.com", "dropboxusercontent.com", "drive.google.com", "docs.google.com",
	"onedrive.live.com", "pastebin.com", "samsung.com", "samsungcloudsolution.com", "roku.com", "philips-hue.com", "meethue.com",
	"tuya.com", "tuyaus.com", "tuyaeu.com", "mi.com", "xiaomi.com", "digicert.com", "letsencrypt.org", "lencr.org")

// localTops are last labels of names that the Internet does not know.
var localTops = set("local", "localhost", "localdomain", "lan", "home", "internal", "intranet", "private", "corp", "arpa", "onion")

func set(list ...string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, s := range list {
		m[s] = true
	}
	return m
}

// unrouted are the addresses of no host on the Internet: RFC 6890 and the registries that it began.
var unrouted = prefixes("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.168.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/96", "64:ff9b:1::/48", "fc00::/7", "fe80::/10", "ff00::/8", "100::/64")

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// knownAddresses are the resolvers that anybody may use, each as published by who runs it.
var knownAddresses = addresses("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "1.1.1.2", "1.0.0.2", "1.1.1.3", "1.0.0.3", "9.9.9.9", "149.112.112.112",
	"9.9.9.10", "9.9.9.11", "208.67.222.222", "208.67.220.220", "94.140.14.14", "94.140.15.15", "76.76.2.0", "76.76.10.0",
	"149.112.121.10", "149.112.122.10", "4.2.2.1", "4.2.2.2", "114.114.114.114", "223.5.5.5", "223.6.6.6", "77.88.8.8",
	"2001:4860:4860::8888", "2001:4860:4860::8844", "2606:4700:4700::1111", "2606:4700:4700::1001", "2620:fe::fe", "2620:fe::9",
	"2620:119:35::35", "2620:119:53::53", "2a10:50c0::ad1:ff", "2a10:50c0::ad2:ff")

func addresses(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}
