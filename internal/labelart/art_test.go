package labelart_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/glance"
	"plimsoll.example/plimsoll/internal/labelart"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/qr"
	"plimsoll.example/plimsoll/label"
	"plimsoll.example/plimsoll/mud"
	"plimsoll.example/plimsoll/norms"
)

var keep = flag.String("keep", "", "keep the drawings in this folder")

var both = labelart.Words{locale.New(locale.English), locale.New(locale.French)}

func day(t *testing.T, s string) (d label.Day) {
	t.Helper()
	if err := d.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return d
}

// camera is a product whose label has much to say.
func camera(t *testing.T) *label.Statement {
	s := &label.Statement{
		Version: 1, GTIN: 9506000134352, Maker: "Northern Lights Consumer Electronics", Model: "Porch Camera Ultra 4K (second edition)", Profile: 1,
		Support: day(t, "2030-03-31"), Issued: day(t, "2026-11-26"), MUDURL: "https://mud.northern-lights.example/porch4k", Index: 7,
		Sensors: 1 | 2 | 8 | 16 | 32, Practices: 0x7f,
	}
	for i, n := range label.ProfileNorms(1) {
		s.SetClass(n, label.Class(1+i%4))
	}
	return s
}

// link is that of a label with a landmark path of a depth; 0 is none.
func link(t *testing.T, s *label.Statement, depth int) string {
	t.Helper()
	sign1, err := label.Sign(s, ed25519.NewKeyFromSeed(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	e := &label.Envelope{Version: label.Version, Label: sign1}
	if depth > 0 {
		e.Proof = &label.Proof{Day: s.Issued, Index: 4000, Path: bytes.Repeat([]byte{0x5a}, 32*depth)}
	}
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return label.Link("id.registry.example", s, data)
}

func drawings(t *testing.T) map[string]*labelart.Drawing {
	t.Helper()
	all := map[string]*labelart.Drawing{}
	sparse := &label.Statement{Version: 1, GTIN: 9506000134352, Maker: "Lamps", Model: "L1", Profile: 1, Norms: make([]byte, 20), Issued: day(t, "2026-11-26")}
	for name, s := range map[string]*label.Statement{"camera": camera(t), "lamp": sparse} {
		for form, draw := range map[string]func(*label.Statement, string, labelart.Words) (*labelart.Drawing, error){"shelf": labelart.Shelf, "pack": labelart.Pack} {
			for proof, depth := range map[string]int{"signed": 0, "proved": 12} {
				d, err := draw(s, link(t, s, depth), both)
				if err != nil {
					t.Fatalf("%s of %s, %s: %v", form, name, proof, err)
				}
				all[form+"-"+name+"-"+proof] = d
			}
		}
	}
	d, err := labelart.Body(&mud.Sticker{Brand: "Northern Lights", Product: "Camera", Model: "NL-4K", URL: "https://mud.northern-lights.example/porch4k", MAC: []byte{2, 0, 0, 1, 2, 3}}, both)
	if err != nil {
		t.Fatal(err)
	}
	all["body"] = d
	if *keep != "" {
		for name, d := range all {
			pdf, err := d.PDF()
			if err := errors.Join(err, os.WriteFile(filepath.Join(*keep, name+".svg"), d.SVG(), 0o600), os.WriteFile(filepath.Join(*keep, name+".pdf"), pdf, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

// printed is the page of a document as a printer of 300 dots an inch would print it, by another program.
func printed(t *testing.T, d *labelart.Drawing) image.Image {
	t.Helper()
	if _, err := exec.LookPath("pdftoppm"); err != nil {
		t.Skip("pdftoppm is missing (Debian: poppler-utils)")
	}
	pdf, err := d.PDF()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("pdftoppm", "-r", "300", "-png", "-singlefile", "-")
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(pdf), &out, &complaint
	if err := cmd.Run(); err != nil || complaint.Len() > 0 {
		t.Fatalf("pdftoppm: %v\n%s", err, complaint.Bytes())
	}
	p, err := png.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheCodeOnPaperIsRead(t *testing.T) {
	want := map[string]string{"body": "[)>\x1e06\x1d12NB000Northern Lights\x1f"}
	for name, d := range drawings(t) {
		var b bytes.Buffer
		p := printed(t, d)
		if w, h := float64(p.Bounds().Dx())/300*25.4, float64(p.Bounds().Dy())/300*25.4; w < d.Width-0.2 || w > d.Width+0.2 || h < d.Height-0.2 || h > d.Height+0.2 {
			t.Errorf("%s is printed %.1f × %.1f mm large, and should be %v × %v", name, w, h, d.Width, d.Height)
		}
		if err := png.Encode(&b, p); err != nil {
			t.Fatal(err)
		}
		text, err := qr.Decode(b.Bytes())
		prefix := want[name]
		if prefix == "" {
			prefix = "HTTPS://ID.REGISTRY.EXAMPLE/01/09506000134352#"
		}
		if err != nil || !strings.HasPrefix(text, prefix) {
			t.Errorf("%s: read as %.60q, %v", name, text, err)
		}
	}
}

// Nothing is drawn over the edge, where a printer would cut it off.
func TestTheEdgeStaysWhite(t *testing.T) {
	for name, d := range drawings(t) {
		p := printed(t, d)
		b := p.Bounds()
		edge := func(x, y int) {
			if g := color.GrayModel.Convert(p.At(x, y)).(color.Gray); g.Y < 250 {
				t.Errorf("%s: something is drawn at the edge, at %d, %d of %v", name, x, y, b)
			}
		}
		for x := b.Min.X; x < b.Max.X; x++ {
			edge(x, b.Min.Y)
			edge(x, b.Max.Y-1)
		}
		for y := b.Min.Y; y < b.Max.Y; y++ {
			edge(b.Min.X, y)
			edge(b.Max.X-1, y)
		}
	}
}

// Who cannot see the drawing is told all of it, in both languages.
func TestWhatIsDrawnIsSaidInWordsToo(t *testing.T) {
	svg := string(drawings(t)["shelf-camera-proved"].SVG())
	for _, want := range []string{
		"<title id=\"label-title\">Label of Porch Camera Ultra 4K (second edition)</title>", "Check first", "À vérifier",
		"Until 31 March 2030", "31 mars 2030", "Sold, used for advertising", "Vendues, utilisées", "id.registry.example/01/09506000134352", "Northern Lights",
	} {
		if !strings.Contains(svg, want) {
			t.Errorf("the drawing does not say %q", want)
		}
	}
}

func TestWhatCannotBePrintedIsRefused(t *testing.T) {
	s := camera(t)
	s.Maker = "東芝"
	if _, err := labelart.Shelf(s, link(t, s, 0), both); !errors.Is(err, labelart.ErrLetter) {
		t.Errorf("a maker in Chinese: %v", err)
	}
	if _, err := labelart.Body(&mud.Sticker{Brand: "x"}, both); err == nil {
		t.Error("a sticker without MUD URL was drawn")
	}
}

func TestAComparisonIsAPictureThatSaysAllOfIt(t *testing.T) {
	catalogue, err := norms.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range both {
		other := camera(t)
		other.Practices, other.Support = 1<<1, 0
		sides := []glance.Side{{Label: camera(t), Status: label.Active}, {Label: other, Status: label.Suspended}, {}}
		different, _ := glance.Compare(sides, day(t, "2027-01-01"), catalogue, words)
		different = different[:6]
		d, err := labelart.Comparison([]labelart.Column{{"Northern Lights Porch Camera Ultra", glance.Check}, {"Other", glance.Avoid}, {"09506000134369", glance.Unlabelled}}, different, "registry.example", words)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range different {
			if !strings.Contains(d.Says, r.Name) && r.Topic != "verdict" || !strings.Contains(d.Says, r.Values[0]) {
				t.Errorf("it does not say %s: %s", r.Name, r.Values[0])
			}
		}
		data, err := d.PNG(6)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(data))
		if err != nil || picture.Bounds().Dx() != 900 || len(data) > 200<<10 {
			t.Fatalf("%v, %d octets", err, len(data))
		}
		if *keep != "" {
			if err := os.WriteFile(filepath.Join(*keep, "comparison-"+string(words.Lang())+".png"), data, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// The same drawing is the same code on a screen and as a picture.
func TestATagAsAPictureCanBeScanned(t *testing.T) {
	s := camera(t)
	d, err := labelart.Shelf(s, link(t, s, 0), both)
	if err != nil {
		t.Fatal(err)
	}
	data, err := d.PNG(12)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := qr.Decode(data); err != nil || text != link(t, s, 0) {
		t.Errorf("%.60q, %v", text, err)
	}
}
