package qr_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"

	"plimsoll.example/plimsoll/internal/qr"
)

const sticker = "[)>\x1e06\x1d12NB000Lamps Inc.\x1fB002L1\x1fM180https://mud.lamps.example/lamp.json\x1f\x1e\x04"

func encode(t *testing.T, text string) *qr.Code {
	t.Helper()
	c, err := qr.Encode(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatIsDrawnCanBeRead(t *testing.T) {
	for _, text := range []string{"x", sticker, strings.Repeat("plimsoll ", 40)} {
		got, err := qr.Decode(encode(t, text).PNG())
		if err != nil || got != text {
			t.Errorf("%.30q is read as %.30q, %v", text, got, err)
		}
	}
}

// A link whose fragment is a number takes hardly more room than the number.
func TestDigitsInALinkArePacked(t *testing.T) {
	link := "HTTPS://ID.EXAMPLE/01/09506000134352#" + strings.Repeat("1234567890", 48)
	c := encode(t, link)
	if got, err := qr.Decode(c.PNG()); err != nil || got != link {
		t.Errorf("read as %.60q, %v", got, err)
	}
	if c.Size() > 61 {
		t.Errorf("%d modules wide, at most 61 are needed", c.Size())
	}
}

// photograph is a code as a phone would take it: turned, unevenly lit, noisy, as JPEG; width is that of the code, in
// pixels, and gone says which parts of it are, in widths of the code.
func photograph(t *testing.T, c *qr.Code, width, degrees float64, gone func(u, v float64) bool, seed uint64) []byte {
	t.Helper()
	code, err := png.Decode(bytes.NewReader(c.PNG()))
	if err != nil {
		t.Fatal(err)
	}
	return taken(t, code, 4.0/float64(c.Size()+8), width, degrees, gone, seed)
}

// taken is a square drawing as a phone would take it; white is how much of it is around the code.
func taken(t *testing.T, code image.Image, white, width, degrees float64, gone func(u, v float64) bool, seed uint64) []byte {
	t.Helper()
	w, h := int(2*width)+200, int(1.6*width)+100
	rng := rand.New(rand.NewPCG(seed, 1))
	photo := image.NewRGBA(image.Rect(0, 0, w, h))
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	n := float64(code.Bounds().Dx())
	scale := n / width
	for y := range h {
		for x := range w {
			dx, dy := float64(x-w/2), float64(y-h/2)
			u, v := (dx*cos+dy*sin)*scale+n/2, (dy*cos-dx*sin)*scale+n/2
			light := 200.0
			if u >= 0 && v >= 0 && u < n && v < n {
				r, _, _, _ := code.At(int(u), int(v)).RGBA()
				light = 30 + 200*float64(r)/65535
				if inside := 1 - 2*white; gone((u/n-white)/inside, (v/n-white)/inside) {
					light = 150
				}
			}
			light *= 0.7 + 0.3*float64(x)/float64(w)
			light += rng.NormFloat64() * 8
			g := uint8(min(255, max(0, light)))
			photo.Set(x, y, color.RGBA{g, g, uint8(float64(g) * 0.9), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, photo, &jpeg.Options{Quality: 70}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func whole(_, _ float64) bool { return false }

// torn is a tenth of the code gone, with the corner.
func torn(u, v float64) bool { return 2-u-v < math.Sqrt(0.2) }

// blot is a part of the code under something dark, near its middle.
func blot(part float64) func(u, v float64) bool {
	return func(u, v float64) bool { return math.Max(math.Abs(u-0.52), math.Abs(v-0.57)) < math.Sqrt(part)/2 }
}

func TestAPhotographIsRead(t *testing.T) {
	c := encode(t, sticker)
	for i, degrees := range []float64{0, 7, 90, 200} {
		if got, err := qr.Decode(photograph(t, c, 500, degrees, whole, uint64(i))); err != nil || got != sticker {
			t.Errorf("turned by %v degrees: %q, %v", degrees, got, err)
		}
	}
}

// bars is the bar code of a product, on a square of white.
func bars(t *testing.T, format gozxing.BarcodeFormat, digits string) image.Image {
	t.Helper()
	m, err := map[gozxing.BarcodeFormat]gozxing.Writer{
		gozxing.BarcodeFormat_EAN_13: oned.NewEAN13Writer(), gozxing.BarcodeFormat_EAN_8: oned.NewEAN8Writer(),
		gozxing.BarcodeFormat_UPC_A: oned.NewUPCAWriter(), gozxing.BarcodeFormat_UPC_E: oned.NewUPCEWriter(),
	}[format].Encode(digits, format, 500, 250, nil)
	if err != nil {
		t.Fatal(err)
	}
	square := image.NewGray(image.Rect(0, 0, 600, 600))
	for y := range 600 {
		for x := range 600 {
			square.SetGray(x, y, color.Gray{255})
			if in := image.Pt(x-50, y-175); in.In(image.Rect(0, 0, m.GetWidth(), m.GetHeight())) && m.Get(in.X, in.Y) {
				square.SetGray(x, y, color.Gray{0})
			}
		}
	}
	return square
}

func TestTheBarCodeOfAProductIsReadFromAPhotograph(t *testing.T) {
	for _, c := range []struct {
		format gozxing.BarcodeFormat
		digits string
		want   string
	}{
		{gozxing.BarcodeFormat_EAN_13, "9506000134352", "9506000134352"},
		{gozxing.BarcodeFormat_EAN_8, "96385074", "96385074"},
		{gozxing.BarcodeFormat_UPC_A, "036000291452", "036000291452"},
		{gozxing.BarcodeFormat_UPC_E, "01234565", "012345000065"},
		{gozxing.BarcodeFormat_UPC_E, "04210007", "042000001007"},
	} {
		turns := []float64{0}
		if c.format == gozxing.BarcodeFormat_EAN_13 {
			turns = []float64{0, 5, 90, 180, 270}
		}
		for i, degrees := range turns {
			got, isBars, err := qr.Scan(taken(t, bars(t, c.format, c.digits), 0, 900, degrees, whole, uint64(i)))
			if err != nil || !isBars || strings.TrimLeft(got, "0") != strings.TrimLeft(c.want, "0") {
				t.Errorf("%s turned by %v degrees: %q, %v, %v", c.digits, degrees, got, isBars, err)
			}
		}
	}
	if got, isBars, err := qr.Scan(photograph(t, encode(t, sticker), 500, 7, whole, 1)); err != nil || isBars || got != sticker {
		t.Errorf("a QR code: %q, %v, %v", got, isBars, err)
	}
	blank := image.NewGray(image.Rect(0, 0, 600, 600))
	if got, _, err := qr.Scan(taken(t, blank, 0, 300, 0, whole, 1)); !errors.Is(err, qr.ErrNoCode) {
		t.Errorf("of nothing it reads %q, %v", got, err)
	}
}

// A label is read from photographs of four sizes, turned, with a tenth of it gone: as large as one that carries its
// signature, and as one that carries a path of the log too. How much may be gone depends on where: of the larger one a
// corner, but under a blot in its middle no more than a twelfth.
func TestALabelIsReadInEverySizeTurnedAndDamaged(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, size := range []struct {
		modules, digits int
		damage          map[string]func(u, v float64) bool
	}{
		{61, 484, map[string]func(u, v float64) bool{"whole": whole, "there is a blot": blot(0.1)}},
		{97, 1431, map[string]func(u, v float64) bool{"whole": whole, "there is a blot": blot(0.08), "a corner is torn off": torn}},
	} {
		link := "HTTPS://ID.REGISTRY.EXAMPLE/01/09506000134352#"
		for range size.digits {
			link += string(rune('0' + rng.IntN(10)))
		}
		c := encode(t, link)
		if c.Size() != size.modules {
			t.Fatalf("%d digits take %d modules", size.digits, c.Size())
		}
		for i, pixels := range []float64{3, 4, 6, 9} { // a module
			degrees := []float64{4, 90, 187, 352}[i]
			for name, gone := range size.damage {
				got, err := qr.Decode(photograph(t, c, pixels*float64(c.Size()+8), degrees, gone, uint64(i)))
				if err != nil || got != link {
					t.Errorf("%d modules of %v pixels, turned by %v degrees, %s: %.40q, %v", c.Size(), pixels, degrees, name, got, err)
				}
			}
		}
	}
}

// A picture of a few octets can claim to be enormous.
func TestAnEnormousPictureIsRefusedBeforeItIsUnpacked(t *testing.T) {
	header := []byte{0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff, 8, 0, 0, 0, 0}
	bomb := append([]byte("\x89PNG\r\n\x1a\n"), binary.BigEndian.AppendUint32(nil, uint32(len(header)))...)
	chunk := append([]byte("IHDR"), header...)
	bomb = binary.BigEndian.AppendUint32(append(bomb, chunk...), crc32.ChecksumIEEE(chunk))
	if _, err := qr.Decode(bomb); !errors.Is(err, qr.ErrTooLarge) {
		t.Errorf("65535 × 65535 pixels: %v", err)
	}
	for name, data := range map[string][]byte{"nothing": nil, "text": []byte("hello"), "a cut picture": encode(t, "x").PNG()[:60]} {
		if _, err := qr.Decode(data); !errors.Is(err, qr.ErrNoPicture) && !errors.Is(err, qr.ErrNoCode) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 300, 300))); err != nil {
		t.Fatal(err)
	}
	if _, err := qr.Decode(b.Bytes()); !errors.Is(err, qr.ErrNoCode) {
		t.Errorf("a black picture: %v", err)
	}
}

func TestADrawingSaysWhatItIs(t *testing.T) {
	svg := encode(t, sticker).SVG("A <title>", "what it says")
	for _, want := range []string{"<title id=\"qr-title\">A &lt;title&gt;</title>", "<desc", `role="img"`, "fill=\"#000\""} {
		if !strings.Contains(svg, want) {
			t.Errorf("the drawing lacks %s", want)
		}
	}
	if text := encode(t, "x").Text(); !strings.HasPrefix(text, strings.Repeat("█", 29)+"\n") {
		t.Errorf("no white around:\n%s", text)
	}
}

// BenchmarkScanOfNothing is the most that a picture can cost: all readers look at all of it, and find nothing.
func BenchmarkScanOfNothing(b *testing.B) {
	photo := image.NewGray(image.Rect(0, 0, 4000, 3000))
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range photo.Pix {
		photo.Pix[i] = uint8(rng.IntN(256))
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, photo, nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := qr.Scan(out.Bytes()); err == nil {
			b.Fatal("found something")
		}
	}
}

func FuzzDecode(f *testing.F) {
	c, err := qr.Encode("x")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(c.PNG())
	f.Add([]byte("GIF89a"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if config, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && config.Width*config.Height > 1<<20 {
			return // too large to be quick
		}
		if digits, isBars, err := qr.Scan(data); err == nil && isBars && strings.Trim(digits, "0123456789") != "" {
			t.Errorf("the digits of a bar code are %q", digits)
		}
		text, err := qr.Decode(data)
		switch {
		case err == nil: // what was read can be drawn, and read again
			if c, err := qr.Encode(text); err == nil {
				if again, err := qr.Decode(c.PNG()); err != nil || again != text {
					t.Errorf("%q is drawn, and read as %q, %v", text, again, err)
				}
			}
		case text != "" || !errors.Is(err, qr.ErrNoPicture) && !errors.Is(err, qr.ErrTooLarge) && !errors.Is(err, qr.ErrNoCode):
			t.Errorf("%q, %v", text, err)
		}
	})
}
