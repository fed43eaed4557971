package tls

import "encoding/binary"

// Versions of TLS and DTLS, as on the wire.
const (
	ssl2   = 0x0002
	ssl3   = 0x0300
	tls10  = 0x0301
	tls11  = 0x0302
	tls12  = 0x0303
	tls13  = 0x0304
	dtls10 = 0xfeff
	dtls12 = 0xfefd
	dtls13 = 0xfefc
	dtls09 = 0x0100 // DTLS before RFC 4347, as in old OpenSSL and AnyConnect
)

func isDTLS(v uint16) bool { return v>>8 == 0xfe || v == dtls09 }

// newer reports whether version a came after b. DTLS counts down.
func newer(a, b uint16) bool {
	if isDTLS(a) && isDTLS(b) {
		return a < b
	}
	return a > b
}

// hidesCertificates reports whether what follows a ServerHello of version v is encrypted.
func hidesCertificates(v uint16) bool {
	return v == tls13 || v == dtls13 || isDraft13(v)
}

// isDraft13 knows the drafts of TLS 1.3, and those of Facebook's Fizz.
func isDraft13(v uint16) bool { return v>>8 == 0x7f || v>>8 == 0xfb }

// versionName is the number of a version in people's words; the drafts of 1.3 are 1.3.
func versionName(v uint16) string {
	switch v {
	case ssl2:
		return "ssl2"
	case ssl3:
		return "ssl3"
	case tls10, dtls10, dtls09:
		return "1.0"
	case tls11:
		return "1.1"
	case tls12, dtls12:
		return "1.2"
	case tls13, dtls13:
		return "1.3"
	}
	if isDraft13(v) {
		return "1.3"
	}
	return ""
}

// appendCode appends v in the form 0xc02f.
func appendCode(dst []byte, v uint16) []byte {
	return appendHex(append(dst, "0x"...), v)
}

func appendHex(dst []byte, v uint16) []byte {
	const digits = "0123456789abcdef"
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return append(dst, digits[b[0]>>4], digits[b[0]&15], digits[b[1]>>4], digits[b[1]&15])
}
