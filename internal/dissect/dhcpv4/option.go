package dhcpv4

import "strconv"

// Option codes (IANA, BOOTP Vendor Extensions and DHCP Options).
const (
	pad                    = 0
	subnetMask             = 1
	router                 = 3
	nameServer             = 6
	hostName               = 12
	domainName             = 15
	requestedAddress       = 50
	leaseTime              = 51
	overload               = 52
	messageType            = 53
	serverID               = 54
	parameterRequest       = 55
	vendorClass            = 60
	clientID               = 61
	userClass              = 77
	clientFQDN             = 81
	vendorIdentifyingClass = 124
	mudURL                 = 161
	end                    = 255
)

const (
	maxOrder = 128  // options whose order is told; the codes in use are fewer
	maxValue = 1024 // octets of an option that comes in parts
)

// options are the options of one message. The values are slices of the message, except those that
// came in parts.
type options struct {
	order [maxOrder]byte // codes as they came
	n     int            // of order
	value [256][]byte    // by code
}

// read reads the options of the message d, which has its fixed part. The fields for the boot file and
// for the server name, in that order, hold more options if the overload option says so (RFC 2131 §4.1).
func (o *options) read(d []byte) {
	o.field(d[cookieAt+4:])
	if v := o.value[overload]; len(v) == 1 {
		if v[0]&1 != 0 {
			o.field(d[108:cookieAt])
		}
		if v[0]&2 != 0 {
			o.field(d[44:108])
		}
	}
}

// field reads options up to the end option, or to the cut.
func (o *options) field(b []byte) {
	for len(b) > 0 && b[0] != end {
		if b[0] == pad {
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return
		}
		code, v := b[0], b[2:2+int(b[1])]
		b = b[2+int(b[1]):]
		if o.n < maxOrder {
			o.order[o.n] = code
			o.n++
		}
		switch held := o.value[code]; {
		case held == nil:
			o.value[code] = v[:len(v):len(v)]
		case len(held) < maxValue:
			// A long option comes in parts (RFC 3396 §7). The first part has no room behind it, so
			// that joining them copies and leaves the message as it is.
			o.value[code] = append(held, v...)
		}
	}
}

// message is the message type, or 0 for BOOTP.
func (o *options) message() byte {
	if v := o.value[messageType]; len(v) == 1 {
		return v[0]
	}
	return 0
}

// name is the message type in words.
func (o *options) name() string {
	names := [...]string{"bootp", "discover", "offer", "request", "decline", "ack", "nak", "release", "inform"}
	if t := int(o.message()); t >= len(names) {
		return strconv.Itoa(t)
	}
	return names[o.message()]
}
