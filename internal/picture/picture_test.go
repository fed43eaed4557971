package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/picture"
)

// corners is a picture whose corners can be told from each other: red, green, blue, black, clockwise from the upper left.
func corners(w, h int) image.Image {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{255, 0, 0, 255}
			switch {
			case x >= w/2 && y < h/2:
				c = color.RGBA{0, 255, 0, 255}
			case x >= w/2:
				c = color.RGBA{0, 0, 255, 255}
			case y >= h/2:
				c = color.RGBA{0, 0, 0, 255}
			}
			p.SetRGBA(x, y, c)
		}
	}
	return p
}

func jpegOf(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pngOf(t testing.TB, p image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// held is a JPEG picture with Exif data that says how the camera was held, and where.
func held(data []byte, orientation byte) []byte {
	tiff := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00" + string(orientation) + "\x00\x00\x00\x00\x00\x00SECRET-PLACE")
	segment := append([]byte("Exif\x00\x00"), tiff...)
	head := append([]byte{0xff, 0xd8, 0xff, 0xe1}, binary.BigEndian.AppendUint16(nil, uint16(len(segment)+2))...)
	return append(append(head, segment...), data[2:]...)
}

// read is what is kept of a picture; it must be a square JPEG within its bounds.
func read(t testing.TB, kept []byte) image.Image {
	t.Helper()
	p, err := jpeg.Decode(bytes.NewReader(kept))
	if err != nil {
		t.Fatalf("what is kept is no JPEG: %v", err)
	}
	if b := p.Bounds(); b.Dx() != b.Dy() || b.Dx() > picture.Side || len(kept) > picture.MaxKept {
		t.Fatalf("%v, %d octets", b, len(kept))
	}
	return p
}

// name is the colour of a place.
func name(p image.Image, x, y int) string {
	r, g, b, _ := p.At(x, y).RGBA()
	switch bright := func(v uint32) bool { return v > 0x8000 }; {
	case bright(r) && bright(g) && bright(b):
		return "white"
	case bright(r):
		return "red"
	case bright(g):
		return "green"
	case bright(b):
		return "blue"
	}
	return "black"
}

func TestAPictureIsKeptWholeInASquare(t *testing.T) {
	for what, data := range map[string][]byte{"JPEG": jpegOf(t, corners(1600, 800)), "PNG": pngOf(t, corners(1600, 800))} {
		kept, err := picture.Square(data)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		p := read(t, kept)
		if p.Bounds().Dx() != picture.Side {
			t.Errorf("%s: %v", what, p.Bounds())
		}
		for at, want := range map[image.Point]string{{20, 20}: "white", {20, 180}: "red", {620, 180}: "green", {620, 460}: "blue", {20, 460}: "black", {620, 620}: "white"} {
			if got := name(p, at.X, at.Y); got != want {
				t.Errorf("%s: at %v it is %s, want %s", what, at, got, want)
			}
		}
	}
}

func TestWhatIsTransparentIsWhite(t *testing.T) {
	kept, err := picture.Square(pngOf(t, image.NewNRGBA(image.Rect(0, 0, 200, 200))))
	if err != nil {
		t.Fatal(err)
	}
	if p := read(t, kept); name(p, 100, 100) != "white" || p.Bounds().Dx() != 200 {
		t.Errorf("%s, %v", name(p, 100, 100), p.Bounds())
	}
}

// A camera notes how it was held: the picture is turned so, and the note goes, with all others.
func TestAPictureIsTurnedUprightAndKeepsNoNotes(t *testing.T) {
	plain := jpegOf(t, corners(400, 400))
	for orientation, want := range map[byte][4]string{ // of the corners, clockwise
		0: {"red", "green", "blue", "black"}, 1: {"red", "green", "blue", "black"}, 2: {"green", "red", "black", "blue"}, 3: {"blue", "black", "red", "green"}, 4: {"black", "blue", "green", "red"},
		5: {"red", "black", "blue", "green"}, 6: {"black", "red", "green", "blue"}, 7: {"blue", "green", "red", "black"}, 8: {"green", "blue", "black", "red"}, 9: {"red", "green", "blue", "black"},
	} {
		kept, err := picture.Square(held(plain, orientation))
		if err != nil {
			t.Fatal(err)
		}
		p := read(t, kept)
		if got := [4]string{name(p, 20, 20), name(p, 380, 20), name(p, 380, 380), name(p, 20, 380)}; got != want {
			t.Errorf("orientation %d: %v, want %v", orientation, got, want)
		}
		if bytes.Contains(kept, []byte("Exif")) || bytes.Contains(kept, []byte("SECRET")) {
			t.Error("a note of the camera is kept")
		}
	}
}

// Noise does not pack: it is kept smaller.
func TestWhatDoesNotPackIsKeptSmaller(t *testing.T) {
	p, noise := image.NewRGBA(image.Rect(0, 0, 900, 900)), rand.New(rand.NewPCG(1, 2))
	for i := range p.Pix {
		p.Pix[i] = byte(noise.Uint32())
	}
	kept, err := picture.Square(pngOf(t, p))
	if err != nil {
		t.Fatal(err)
	}
	read(t, kept)
}

// claims is a PNG picture that says it is of another size than it is.
func claims(data []byte, w, h uint32) []byte {
	data = bytes.Clone(data)
	binary.BigEndian.PutUint32(data[16:], w)
	binary.BigEndian.PutUint32(data[20:], h)
	binary.BigEndian.PutUint32(data[29:], crc32.ChecksumIEEE(data[12:29]))
	return data
}

func TestWhatIsNoPictureOfAProductIsRefused(t *testing.T) {
	good := pngOf(t, corners(200, 200))
	for what, x := range map[string]struct {
		data []byte
		want error
	}{
		"nothing":                    {nil, picture.ErrForm},
		"text":                       {[]byte(strings.Repeat("no picture ", 50)), picture.ErrForm},
		"a drawing":                  {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), picture.ErrForm},
		"a picture that is cut":      {good[:len(good)/2], picture.ErrForm},
		"too many octets":            {make([]byte, picture.MaxFile+1), picture.ErrLarge},
		"one that would fill memory": {claims(good, 60_000, 60_000), picture.ErrLarge},
		"one that overflows":         {claims(good, 1<<31-1, 1<<31-1), picture.ErrForm},
		"a stamp":                    {pngOf(t, corners(90, 90)), picture.ErrSmall},
		"a strip":                    {pngOf(t, corners(4000, 200)), picture.ErrSmall},
	} {
		if _, err := picture.Square(x.data); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", what, err, x.want)
		}
	}
}

func FuzzSquare(f *testing.F) {
	small := jpegOf(f, corners(120, 140))
	for _, seed := range [][]byte{small, held(small, 6), pngOf(f, corners(110, 110)), held(small, 255), []byte("\xff\xd8\xff\xe1\xff\xff"), nil} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		kept, err := picture.Square(data)
		if err != nil {
			if !errors.Is(err, picture.ErrForm) && !errors.Is(err, picture.ErrLarge) && !errors.Is(err, picture.ErrSmall) {
				t.Fatal(err)
			}
			return
		}
		read(t, kept)
		if again, err := picture.Square(kept); err != nil || len(again) == 0 {
			t.Errorf("what was kept is no picture: %v", err)
		}
	})
}
