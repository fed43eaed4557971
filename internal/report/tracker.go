package report

import (
	"slices"
	"strings"
)

// isTracker reports whether a name is one of those that are for advertising, or for measuring who watches or does what.
// It is so for the names below those listed too.
func isTracker(name string) bool {
	for {
		if _, ok := slices.BinarySearch(trackers[:], name); ok {
			return true
		}
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			return false
		}
		name = parent
	}
}

// trackers are domains that serve advertising or measurement and nothing else, as who runs them says in documentation for
// advertisers and developers. What a maker measures under its own name is not told apart from what else it does there.
// They are in order.
var trackers = [...]string{
	"2mdn.net", "2o7.net", "33across.com", "3lift.com",
	"ad.samsungadhub.com", "adcolony.com", "adform.net", "adjust.com", "adnxs.com", "ads-twitter.com", "ads.linkedin.com", "ads.roku.com",
	"ads.tiktok.com", "adsafeprotected.com", "adsrvr.org", "advertising.com", "alphonso.tv", "amazon-adsystem.com", "amplitude.com", "an.facebook.com",
	"analytics.tiktok.com", "app-measurement.com", "applovin.com", "applvn.com", "appsflyer.com", "appsflyersdk.com",
	"bidswitch.net", "bluekai.com", "branch.io",
	"casalemedia.com", "chartboost.com", "conviva.com", "criteo.com", "criteo.net",
	"demdex.net", "doubleclick.net", "doubleverify.com",
	"everesttech.net", "exelator.com", "flurry.com", "fwmrm.net",
	"google-analytics.com", "googleadservices.com", "googlesyndication.com", "googletagmanager.com",
	"hotjar.com", "imrworldwide.com", "inmobi.com", "innovid.com", "inscape.tv", "kochava.com",
	"lgads.tv", "lgsmartad.com", "mathtag.com", "mixpanel.com", "moatads.com", "mopub.com",
	"omtrdc.net", "openx.net", "outbrain.com", "pubmatic.com", "quantserve.com", "rlcdn.com", "rubiconproject.com",
	"samba.tv", "samsungacr.com", "samsungads.com", "scorecardresearch.com", "segment.io", "sharethrough.com", "singular.net", "smartadserver.com",
	"spotxchange.com", "springserve.com", "stickyadstv.com", "supersonicads.com",
	"taboola.com", "tapad.com", "tapjoy.com", "tremorhub.com", "tvinteractive.tv", "unityads.unity3d.com", "vungle.com", "yieldmo.com", "zedo.com",
}
