package dns

import "strconv"

// AppendType appends the mnemonic of a record type; those that have none are written as in
// RFC 3597, Section 5.
func AppendType(dst []byte, t uint16) []byte {
	s := ""
	switch t {
	case TypeA:
		s = "A"
	case 2:
		s = "NS"
	case TypeCNAME:
		s = "CNAME"
	case 6:
		s = "SOA"
	case 10:
		s = "NULL"
	case TypePTR:
		s = "PTR"
	case TypeHINFO:
		s = "HINFO"
	case 15:
		s = "MX"
	case TypeTXT:
		s = "TXT"
	case 24:
		s = "SIG"
	case 25:
		s = "KEY"
	case TypeAAAA:
		s = "AAAA"
	case 29:
		s = "LOC"
	case TypeSRV:
		s = "SRV"
	case 35:
		s = "NAPTR"
	case 39:
		s = "DNAME"
	case TypeOPT:
		s = "OPT"
	case 43:
		s = "DS"
	case 44:
		s = "SSHFP"
	case 46:
		s = "RRSIG"
	case 47:
		s = "NSEC"
	case 48:
		s = "DNSKEY"
	case 50:
		s = "NSEC3"
	case 52:
		s = "TLSA"
	case TypeSVCB:
		s = "SVCB"
	case TypeHTTPS:
		s = "HTTPS"
	case 99:
		s = "SPF"
	case 249:
		s = "TKEY"
	case 250:
		s = "TSIG"
	case 251:
		s = "IXFR"
	case 252:
		s = "AXFR"
	case 255:
		s = "ANY"
	case 256:
		s = "URI"
	case 257:
		s = "CAA"
	default:
		return strconv.AppendUint(append(dst, "TYPE"...), uint64(t), 10)
	}
	return append(dst, s...)
}

// appendRcode appends the mnemonic of a response code, RFC 6895, Section 2.3.
func appendRcode(dst []byte, rcode uint8) []byte {
	names := [...]string{
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
	}
	if int(rcode) < len(names) {
		return append(dst, names[rcode]...)
	}
	return strconv.AppendUint(append(dst, "RCODE"...), uint64(rcode), 10)
}
