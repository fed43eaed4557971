package eve

import "plimsoll.example/plimsoll/internal/finding"

// signature is how a kind of finding is known to who takes alerts. The numbers are from the range that is kept for local
// use (1,000,000 to 1,999,999), and never change: 1876 is the year of the load line.
type signature struct {
	kind     finding.Kind
	id       int
	text     string
	category string // as Suricata's classification.config has them
}

// Categories of classification.config.
const (
	scan       = "Detection of a Network Scan"
	login      = "Attempted User Privilege Gain"
	dos        = "Detection of a Denial of Service Attack"
	attack     = "Misc Attack"
	trojan     = "A Network Trojan was detected"
	control    = "Malware Command and Control Activity Detected"
	bad        = "Potentially Bad Traffic"
	activity   = "Misc activity"
	disclosure = "Information Leak"
	policy     = "Potential Corporate Privacy Violation"
)

// signatures is the table. A number that was used once is not used again.
var signatures = []signature{
	{finding.ScanHorizontal, 1876001, "one service tried at many addresses", scan},
	{finding.ScanVertical, 1876002, "many ports tried at one address", scan},
	{finding.GuessCredentials, 1876003, "passwords guessed", login},
	{finding.FloodSYN, 1876004, "flood of connection requests", dos},
	{finding.FloodUDP, 1876005, "flood of UDP", dos},
	{finding.FloodICMP, 1876006, "flood of ICMP", dos},
	{finding.FloodDHCP, 1876007, "flood of requests for addresses", dos},
	{finding.FloodARP, 1876008, "flood of ARP", dos},
	{finding.ReflectParticipant, 1876009, "part in a reflection attack", dos},
	{finding.SpoofSource, 1876010, "forged source addresses", attack},
	{finding.SpoofARP, 1876011, "claim to the address of another device", attack},
	{finding.SpoofRouter, 1876012, "claim to be a router", attack},
	{finding.BeaconRare, 1876013, "regular contact with a rare place", control},
	{finding.DNSTunnel, 1876014, "data hidden in DNS", trojan},
	{finding.TunnelICMP, 1876015, "data hidden in ICMP", trojan},
	{finding.DNSGenerated, 1876016, "generated domain names looked up", trojan},
	{finding.DNSBypass, 1876017, "another resolver than the network's", policy},
	{finding.NewDestination, 1876018, "a destination not seen before", activity},
	{finding.ClearCredentials, 1876019, "password sent without encryption", disclosure},
	{finding.ClearContent, 1876020, "content sent without encryption", disclosure},
	{finding.ClearFirmware, 1876021, "firmware fetched without encryption", bad},
	{finding.TLSWeak, 1876022, "weak TLS", bad},
	{finding.TLSCertificate, 1876023, "faulty certificate", bad},
	{finding.ExposedService, 1876024, "service open to the Internet", bad},
	{finding.ExposedPortmap, 1876025, "port of the router opened to the Internet", bad},
	{finding.LegacyService, 1876026, "obsolete service", bad},
	{finding.IndicatorMatch, 1876027, "listed indicator of compromise", trojan},
	{finding.MUDDeparture, 1876028, "traffic that the maker's MUD file does not allow", policy},
	{finding.NameCollision, 1876029, "two devices claim one name", activity},
	{finding.LabelSuspended, 1876030, "label of the product is suspended", activity},
	{finding.LabelWithdrawn, 1876031, "label of the product was withdrawn", activity},
	{finding.LabelExpired, 1876032, "label of the product has expired", activity},
	{finding.SupportEnded, 1876033, "security updates of the product have ended", activity},
}

// of is the signature of a kind; of one that the table lacks, the last, general one.
func of(k finding.Kind) signature {
	for _, s := range signatures {
		if s.kind == k {
			return s
		}
	}
	return signature{k, 1876000, "finding", activity}
}
