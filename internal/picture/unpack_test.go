package picture_test

import (
	"bytes"
	"errors"
	"testing"

	"plimsoll.example/plimsoll/internal/picture"
)

// scanned is a JPEG picture of 4096 × 4096 grey pixels in so many scans, each of some thirty octets, that go over all of it.
func scanned(scans int) []byte {
	b := bytes.NewBuffer([]byte{0xff, 0xd8, 0xff, 0xdb, 0, 67, 0})
	b.Write(bytes.Repeat([]byte{1}, 64))
	b.Write([]byte{0xff, 0xc2, 0, 11, 8, 0x10, 0, 0x10, 0, 1, 1, 0x11, 0})
	for _, table := range [][2]byte{{0x10, 0xe0}, {0, 0}} { // one symbol of one bit: the end of 16384 blocks and more
		b.Write([]byte{0xff, 0xc4, 0, 20, table[0], 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, table[1]})
	}
	for range scans {
		b.Write([]byte{0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 0x10})
		b.Write(bytes.Repeat([]byte{0x7f, 0xfe}, 9))
	}
	b.Write([]byte{0xff, 0xd9})
	return b.Bytes()
}

// A few kilobytes must not keep a processor busy for an hour.
func TestAPictureOfManyScansIsNotUnpacked(t *testing.T) {
	for _, scans := range []int{26, 100, 100_000} {
		if _, _, err := picture.Unpack(scanned(scans), picture.MaxArea); !errors.Is(err, picture.ErrLarge) {
			t.Errorf("%d scans: %v", scans, err)
		}
	}
	if _, _, err := picture.Unpack(scanned(2), picture.MaxArea); errors.Is(err, picture.ErrLarge) {
		t.Errorf("2 scans: %v", err)
	}
}
