package qr

import (
	"errors"
	"fmt"
	"image"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
	"github.com/makiuchi-d/gozxing/qrcode"

	"plimsoll.example/plimsoll/internal/picture"
)

// What is read at most.
const (
	MaxFile  = 32 << 20 // octets of a picture
	MaxArea  = 25 << 20 // pixels: most phones take 12 million
	workable = 2_400    // pixels: a larger side is made smaller first
)

// The reasons for which there is no text.
var (
	ErrNoPicture = errors.New("this is no picture of a kind that can be read: PNG, JPEG or GIF")
	ErrTooLarge  = errors.New("the picture is too large")
	ErrNoCode    = errors.New("no code is found in the picture")
)

// Decode finds a QR code in a picture and reads its text. What is in the picture was made by strangers: its size is
// looked at before it is unpacked, and a fault in unpacking or reading is an error.
func Decode(data []byte) (text string, err error) {
	err = read(data, func(g *image.Gray) (err error) {
		text, err = find(g)
		return err
	})
	return text, err
}

// Scan finds a QR code in a picture, or else the bar code of a product (EAN-13, EAN-8, UPC-A, UPC-E), and reads its text;
// bars says that it is the digits of one. It takes what Decode takes.
func Scan(data []byte) (text string, bars bool, err error) {
	err = read(data, func(g *image.Gray) (err error) {
		if text, err = find(g); err == nil {
			bars = false
			return nil
		}
		text, err = findBars(g)
		bars = err == nil
		return err
	})
	if err != nil {
		return "", false, err
	}
	return text, bars, nil
}

// read unpacks a picture, and shows it in several sizes to a reader until that finds something.
func read(data []byte, reader func(*image.Gray) error) (err error) {
	if len(data) > MaxFile {
		return fmt.Errorf("%w: %d octets", ErrTooLarge, len(data))
	}
	defer func() {
		if p := recover(); p != nil { // the readers are known to panic on some pictures
			err = fmt.Errorf("%w: reading failed: %v", ErrNoCode, p)
		}
	}()
	p, _, err := picture.Unpack(data, MaxArea)
	switch {
	case errors.Is(err, picture.ErrLarge):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrNoPicture, err)
	}
	for _, g := range sizes(gray(p)) {
		if reader(g) == nil {
			return nil
		}
	}
	return ErrNoCode
}

// findBars looks for a bar code in a picture of one size, in rows and, where it was taken upright, in columns.
func findBars(g *image.Gray) (string, error) {
	text, err := rowsOf(g)
	if err != nil {
		return rowsOf(turned(g))
	}
	return text, nil
}

// apart is how many rows are between two that must say the same.
const apart = 6

// rowsOf reads a bar code in rows. One digit of it checks the others, which is little: rows above or below must say the
// same, so that noise is not taken for a product.
func rowsOf(g *image.Gray) (string, error) {
	first, err := bars(g)
	if err != nil {
		return "", err
	}
	y := int(first.GetResultPoints()[0].GetY())
	for _, from := range []int{y + apart, y - apart} {
		band := g.Rect.Intersect(image.Rect(0, from-1, g.Rect.Dx(), from+2))
		if band.Empty() {
			continue
		}
		part, _ := g.SubImage(band).(*image.Gray)
		if second, err := bars(part); err == nil && second.GetText() == first.GetText() {
			if first.GetBarcodeFormat() == gozxing.BarcodeFormat_UPC_E {
				return expand(first.GetText()), nil
			}
			return first.GetText(), nil
		}
	}
	return "", ErrNoCode
}

func bars(g *image.Gray) (*gozxing.Result, error) {
	bitmap, err := gozxing.NewBinaryBitmap(gozxing.NewGlobalHistgramBinarizer(gozxing.NewLuminanceSourceFromImage(g)))
	if err != nil {
		return nil, err
	}
	return oned.NewMultiFormatUPCEANReader(nil).Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
}

// expand writes the zeros that a UPC-E code leaves out (GS1 General Specifications §5.2.2.4).
func expand(upce string) string {
	if len(upce) != 8 {
		return upce
	}
	system, d, last, check := upce[:1], upce[1:6], upce[6:7], upce[7:]
	switch last {
	case "0", "1", "2":
		return system + d[:2] + last + "0000" + d[2:] + check
	case "3":
		return system + d[:3] + "00000" + d[3:] + check
	case "4":
		return system + d[:4] + "00000" + d[4:] + check
	}
	return system + d + "0000" + last + check
}

// turned is a picture by a quarter.
func turned(g *image.Gray) *image.Gray {
	w, h := g.Rect.Dx(), g.Rect.Dy()
	t := image.NewGray(image.Rect(0, 0, h, w))
	for y := range h {
		for x := range w {
			t.Pix[x*t.Stride+h-1-y] = g.Pix[y*g.Stride+x]
		}
	}
	return t
}

// find looks for a code in a picture of one size, as a photograph and as a clean drawing.
func find(g *image.Gray) (string, error) {
	source := gozxing.NewLuminanceSourceFromImage(g)
	var last error
	for _, binarizer := range []gozxing.Binarizer{gozxing.NewHybridBinarizer(source), gozxing.NewGlobalHistgramBinarizer(source)} {
		bitmap, err := gozxing.NewBinaryBitmap(binarizer)
		if err != nil {
			return "", err
		}
		for _, hint := range []gozxing.DecodeHintType{gozxing.DecodeHintType_TRY_HARDER, gozxing.DecodeHintType_PURE_BARCODE} {
			r, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{
				hint: true, gozxing.DecodeHintType_CHARACTER_SET: "ISO-8859-1", // octets as they are
			})
			if err == nil {
				return r.GetText(), nil
			}
			last = err
		}
	}
	return "", last
}

// gray is a picture without its colours. What is transparent is white.
func gray(p image.Image) *image.Gray {
	b := p.Bounds()
	g := image.NewGray(image.Rect(0, 0, b.Dx(), b.Dy()))
	for y := range b.Dy() {
		row := g.Pix[y*g.Stride:]
		for x := range b.Dx() {
			r, gr, bl, a := p.At(b.Min.X+x, b.Min.Y+y).RGBA()
			row[x] = uint8((299*(r+0xffff-a) + 587*(gr+0xffff-a) + 114*(bl+0xffff-a)) / 1000 >> 8)
		}
	}
	return g
}

// sizes are a picture as it is, if that is workable, and halved until it is small: noise goes, codes stay.
func sizes(g *image.Gray) (list []*image.Gray) {
	for max(g.Rect.Dx(), g.Rect.Dy()) > workable {
		g = half(g)
	}
	for range 3 {
		list = append(list, g)
		if min(g.Rect.Dx(), g.Rect.Dy()) < 200 {
			break
		}
		g = half(g)
	}
	return list
}

func half(g *image.Gray) *image.Gray {
	h := image.NewGray(image.Rect(0, 0, max(1, g.Rect.Dx()/2), max(1, g.Rect.Dy()/2)))
	for y := range h.Rect.Dy() {
		for x := range h.Rect.Dx() {
			sum := 0
			for _, d := range [...][2]int{{0, 0}, {1, 0}, {0, 1}, {1, 1}} {
				sum += int(g.Pix[min(2*y+d[1], g.Rect.Dy()-1)*g.Stride+min(2*x+d[0], g.Rect.Dx()-1)])
			}
			h.Pix[y*h.Stride+x] = uint8(sum / 4)
		}
	}
	return h
}
