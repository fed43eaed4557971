// Package recordtest holds the readers of feeds to what all of them promise.
package recordtest

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"plimsoll.example/plimsoll/internal/advisory"
	"plimsoll.example/plimsoll/internal/advisory/record"
)

// Reader is that of a format.
type Reader func(io.Reader, func(*advisory.Advisory) error) (record.Head, error)

// All reads what a reader gives.
func All(t testing.TB, read Reader, text string) ([]*advisory.Advisory, record.Head) {
	t.Helper()
	list, head, err := collect(read, []byte(text))
	if err != nil {
		t.Fatalf("%v in %.200s", err, text)
	}
	return list, head
}

func collect(read Reader, data []byte) (list []*advisory.Advisory, head record.Head, err error) {
	head, err = read(bytes.NewReader(data), func(a *advisory.Advisory) error {
		list = append(list, a)
		return nil
	})
	return list, head, err
}

// Fuzz reads whatever there is: it never panics, says twice the same, keeps to its bounds, and stops when it is told to.
func Fuzz(f *testing.F, read Reader, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(s))
		f.Add([]byte(s[:len(s)/2]))
	}
	f.Add([]byte("{}"))
	f.Add([]byte("[[[[[[[["))
	stop := errors.New("stop")
	f.Fuzz(func(t *testing.T, data []byte) {
		list, head, err := collect(read, data)
		again, headAgain, errAgain := collect(read, data)
		if !reflect.DeepEqual(list, again) || head != headAgain || (err == nil) != (errAgain == nil) {
			t.Error("read twice it is not the same")
		}
		if head.Records < 0 || head.Skipped < 0 || err == nil && len(list) == 0 && head.Records > len(data) {
			t.Errorf("counts: %+v", head)
		}
		for _, a := range list {
			check(t, a)
		}
		if len(list) > 0 {
			_, err := read(bytes.NewReader(data), func(*advisory.Advisory) error { return stop })
			if !errors.Is(err, stop) {
				t.Errorf("told to stop, it says %v", err)
			}
		}
	})
}

func check(t *testing.T, a *advisory.Advisory) {
	t.Helper()
	if len(a.Digest) != 64 || strings.Trim(a.Digest, "0123456789abcdef") != "" {
		t.Errorf("digest %q", a.Digest)
	}
	texts := append([]string{a.ID, a.Title, a.Voice}, a.Names...)
	for i := range a.Affected {
		f := &a.Affected[i]
		texts = append(append(texts, f.Maker, f.Product, f.Hardware, f.Why, f.System), f.CPEs...)
		if len(f.Fixed) > 4*16 {
			t.Errorf("%d versions that mend it", len(f.Fixed))
		}
		if f.Says == "" {
			t.Error("it says nothing of a product")
		}
	}
	for _, s := range texts {
		if len(s) > 4*record.MaxText || !utf8.ValidString(s) {
			t.Errorf("a text of %d octets: %.80q", len(s), s)
		}
	}
	if len(a.Affected) > 2*record.MaxAffected {
		t.Errorf("%d products", len(a.Affected))
	}
}
