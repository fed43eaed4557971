// Package securitytxt reads security.txt files (RFC 9116): whom to tell of a flaw, and until when that is true.
package securitytxt

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
	"plimsoll.example/plimsoll/label"
)

// MaxFile bounds a file, octets (RFC 9116 §5.2 asks readers to have a bound).
const MaxFile = 32 << 10

// File is what a file says.
type File struct {
	Contact            []string // URIs, in the order of preference
	Expires            time.Time
	Encryption         []string
	Acknowledgments    []string
	PreferredLanguages []string
	Canonical          []string
	Policy             []string
	Hiring             []string
	CSAF               []string // provider-metadata.json (CSAF 2.0 §7.1.8)
	Signed             bool     // it has the form of a cleartext signature (RFC 9580 §7); the signature is not verified here
	Digest             string
}

// Problem is what is wrong with a file, in a word.
type Problem string

// The problems.
const (
	NoContact      Problem = "contact-missing" // RFC 9116 §2.5.3
	BadContact     Problem = "contact-no-uri"  // not a URI, or one of http (§2.5.3)
	NoExpires      Problem = "expires-missing" // §2.5.5
	TwiceExpires   Problem = "expires-twice"   // §2.5.5
	BadExpires     Problem = "expires-no-date" // not as in RFC 3339
	Expired        Problem = "expired"         // at the time that was asked about
	FarExpires     Problem = "expires-far"     // more than a year ahead, which §2.5.5 advises against
	TwiceLanguages Problem = "languages-twice" // §2.5.8
	OtherCanonical Problem = "canonical-other" // it does not name where it was found (§2.5.2)
	SignatureCut   Problem = "signature-cut"   // it begins as signed, and has no signature
	ManyFields     Problem = "too-many-fields" // more than are read
)

// maxFields bounds the values of a field.
const maxFields = 32

// Parse reads a file. Problems of form are told and do not keep what else it says from being read; only what is no text of
// that form at all is an error.
func Parse(data []byte) (*File, []Problem, error) {
	if len(data) > MaxFile {
		return nil, nil, fmt.Errorf("%w: %d octets, at most %d are read", record.ErrLarge, len(data), MaxFile)
	}
	f := &File{Digest: record.Digest(data)}
	var problems []Problem
	data = f.unwrap(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")), &problems)
	fields, dates, languages := 0, 0, 0
	s := bufio.NewScanner(bytes.NewReader(data))
	s.Buffer(nil, MaxFile+1)
	for s.Scan() {
		line := strings.TrimRight(s.Text(), "\r \t")
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = record.Text(value)
		if !ok || value == "" || strings.ContainsAny(name, " \t") {
			continue // §2.3: what is not understood is passed over
		}
		fields++
		switch strings.ToLower(name) {
		case "expires":
			dates++
			t, err := time.Parse(time.RFC3339, strings.ToUpper(value))
			if err != nil {
				problems = append(problems, BadExpires)
			} else if f.Expires.IsZero() || t.Before(f.Expires) {
				f.Expires = t.UTC()
			}
		case "preferred-languages":
			languages++
			for l := range strings.SplitSeq(value, ",") {
				f.PreferredLanguages = add(f.PreferredLanguages, strings.TrimSpace(l), &problems)
			}
		case "contact":
			if !uri(value) {
				problems = append(problems, BadContact)
			}
			f.Contact = add(f.Contact, value, &problems)
		default:
			if list := f.list(strings.ToLower(name)); list != nil {
				*list = add(*list, value, &problems)
			} else {
				fields--
			}
		}
	}
	if fields == 0 {
		return nil, nil, fmt.Errorf("%w: it has no field of a security.txt file (RFC 9116 §2.3)", record.ErrFormat)
	}
	if len(f.Contact) == 0 {
		problems = append(problems, NoContact)
	}
	switch {
	case dates == 0:
		problems = append(problems, NoExpires)
	case dates > 1:
		problems = append(problems, TwiceExpires)
	}
	if languages > 1 {
		problems = append(problems, TwiceLanguages)
	}
	return f, problems, nil
}

func (f *File) list(name string) *[]string {
	switch name {
	case "encryption":
		return &f.Encryption
	case "acknowledgments":
		return &f.Acknowledgments
	case "canonical":
		return &f.Canonical
	case "policy":
		return &f.Policy
	case "hiring":
		return &f.Hiring
	case "csaf":
		return &f.CSAF
	}
	return nil
}

func add(list []string, value string, problems *[]Problem) []string {
	if len(list) >= maxFields {
		if len(*problems) == 0 || (*problems)[len(*problems)-1] != ManyFields {
			*problems = append(*problems, ManyFields)
		}
		return list
	}
	return append(list, value)
}

// uri reports whether a contact is a URI, of https where it is of the web.
func uri(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && !strings.EqualFold(u.Scheme, "http") && (u.Opaque != "" || u.Host != "")
}

const (
	signedHead = "-----BEGIN PGP SIGNED MESSAGE-----"
	signature  = "\n-----BEGIN PGP SIGNATURE-----"
)

// unwrap takes the cleartext out of a signed message.
func (f *File) unwrap(data []byte, problems *[]Problem) []byte {
	if !bytes.HasPrefix(data, []byte(signedHead)) {
		return data
	}
	f.Signed = true
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	if _, body, ok := strings.Cut(text, "\n\n"); ok { // behind the Hash headers
		text = body
	}
	text, _, ok := strings.Cut(text, signature)
	if !ok {
		*problems = append(*problems, SignatureCut)
	}
	return []byte(strings.ReplaceAll("\n"+text, "\n- ", "\n"))
}

// Check says what is wrong at a time with a file that was found at a URL; "" where that is not known.
func (f *File) Check(at time.Time, where string) (problems []Problem) {
	switch {
	case f.Expires.IsZero():
	case at.After(f.Expires):
		problems = append(problems, Expired)
	case f.Expires.Sub(at) > 366*24*time.Hour:
		problems = append(problems, FarExpires)
	}
	if where != "" && len(f.Canonical) > 0 {
		found := false
		for _, c := range f.Canonical {
			found = found || c == where
		}
		if !found {
			problems = append(problems, OtherCanonical)
		}
	}
	return problems
}

// Read reads a file of a maker and gives it as an advisory about the maker’s products: that somebody can be told of flaws
// until a day. The feed’s settings say whose it is.
func Read(r io.Reader, give func(*advisory.Advisory) error) (head record.Head, err error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return head, err
	}
	f, _, err := Parse(data)
	if err != nil {
		return head, err
	}
	a := &advisory.Advisory{
		Source: advisory.SecurityTxt, Kind: advisory.Contact, ID: "security.txt", Digest: f.Digest,
		Affected: []advisory.Affected{{Says: advisory.Investigating, All: true}},
	}
	if !f.Expires.IsZero() {
		a.Expires = label.DayOf(f.Expires)
	}
	if len(f.Contact) > 0 {
		a.Title = f.Contact[0]
	}
	head.Records = 1
	return head, give(a)
}
