package mud

import (
	"iter"
	"time"
)

// Form says which spelling a file uses.
type Form string

// The forms.
const (
	RFC   Form = "rfc"   // as RFC 8520, RFC 8519 and RFC 7951 write it
	Draft Form = "draft" // with shapes of the drafts before them, which most published files have, or faults of their kind
)

// Direction is that of a policy, and of who opened a TCP connection.
type Direction string

// The directions.
const (
	FromDevice Direction = "from-device"
	ToDevice   Direction = "to-device"
)

// DefaultCacheValidity is in hours, for files that do not say (RFC 8520 §3.5).
const DefaultCacheValidity = 48

// File is one MUD file (RFC 8520 §3). Text in it is what its author wrote: untrusted.
type File struct {
	Form     Form
	Raw      []byte    // the file as it came: what a signature is over; nil in a File that was not parsed
	Problems []Problem // what Parse has to say, in the order of the file

	Version       uint8     // mud-version: 1
	URL           string    // mud-url
	LastUpdate    time.Time // last-update
	Signature     string    // mud-signature: the URL of a detached CMS signature; "" is none
	CacheValidity uint8     // hours, 1 to 168; 0 where the file does not say: see CacheHours
	IsSupported   bool      // false: the maker will update neither device nor file any more
	SystemInfo    string    // systeminfo: for display, at most 60 characters
	MfgName       string
	ModelName     string
	FirmwareRev   string
	SoftwareRev   string
	Documentation string   // a URL
	Extensions    []string // the extensions that the file uses

	// The names of the ACLs that hold for packets from the device and to it (RFC 8520 §3.3).
	FromDevice, ToDevice []string

	TLSProfiles  *bool         // is-tls-dtls-profile-supported (RFC 9761 §5.4); nil where the file does not say
	Transparency *Transparency // RFC 9472; nil is none
	Ownership    *Ownership    // the extension ol; nil is none
	Reporter     *Reporter     // the extension reporter; nil is none

	ACLs []ACL
}

// CacheHours is how long a file must be kept before asking for it again.
func (f *File) CacheHours() int {
	if f.CacheValidity == 0 {
		return DefaultCacheValidity
	}
	return int(f.CacheValidity)
}

// ACL is the access list of that name, or nil.
func (f *File) ACL(name string) *ACL {
	for i := range f.ACLs {
		if f.ACLs[i].Name == name {
			return &f.ACLs[i]
		}
	}
	return nil
}

// Policy is the names of the access lists of a direction.
func (f *File) Policy(d Direction) []string {
	if d == ToDevice {
		return f.ToDevice
	}
	return f.FromDevice
}

// Entries are the entries that hold in a direction, in order, each with its access list. Those that are Dead are
// among them. An access list that is named twice comes once; one that is named but missing does not come.
func (f *File) Entries(d Direction) iter.Seq2[*ACL, *ACE] {
	return func(yield func(*ACL, *ACE) bool) {
		seen := map[string]bool{}
		for _, name := range f.Policy(d) {
			acl := f.ACL(name)
			if acl == nil || seen[name] {
				continue
			}
			seen[name] = true
			for i := range acl.ACEs {
				if !yield(acl, &acl.ACEs[i]) {
					return
				}
			}
		}
	}
}

// Transparency tells where the software bill of materials and what is known of vulnerabilities are (RFC 9472).
type Transparency struct {
	SBOMs              []SBOM
	SBOMLocalWellKnown string // https, http, coaps or coap: the device itself serves it
	SBOMContactURI     string // tel, mailto, http or https
	SBOMArchiveList    string
	VulnURLs           []string
	VulnContactURI     string
}

// SBOM is the bill of materials of one version.
type SBOM struct{ Version, URL string }

// Ownership tells who owns the file, and on what terms others may use it: the extension ol,
// draft-ietf-opsawg-ol and its successor draft-ietf-iotops-ol.
type Ownership struct {
	Owners      []string
	SPDXTags    []string
	LicenseInfo string // the URL of a licence
	Licenses    []License
}

// License is one owner's terms.
type License struct {
	Owner    string
	SPDXTags []string
	Info     string // the URL of a licence
}

// Reporter tells where the maker wants to hear of how networks treat the device: the extension reporter,
// draft-ietf-opsawg-mud-reporter.
type Reporter struct{ ReportURI string }
