// Package picture makes a photograph of a product fit to be shown. Whatever was sent, what is kept was drawn anew here: so
// nothing stays of where, when and with what it was taken, and nobody’s browser is given a stranger’s octets.
package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"

	"golang.org/x/image/draw"
)

// Bounds of pictures.
const (
	MaxFile = 10 << 20 // octets of one that is sent
	MaxArea = 16 << 20 // pixels of one that is sent: most phones take 12 million
	Side    = 640      // pixels of one that is kept, which is square
	MaxKept = 96 << 10 // octets of one that is kept
	least   = 100      // pixels of the shorter side, once it is scaled: below that nobody knows a product by it
)

// Media is the type of pictures that are kept.
const Media = "image/jpeg"

// What is wrong with what was sent.
var (
	ErrForm  = errors.New("not a JPEG or PNG picture")
	ErrLarge = errors.New("picture is too large")
	ErrSmall = errors.New("picture is too small or too narrow")
)

// Square draws a JPEG or PNG picture anew, upright, whole and on white, in a square whose sides are at most Side, and
// gives it as JPEG of at most MaxKept octets. It is the same for the same octets.
func Square(data []byte) ([]byte, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%w: %d octets", ErrLarge, len(data))
	}
	whole, form, err := Unpack(data, MaxArea)
	if err != nil {
		return nil, err
	}
	if form == "gif" {
		return nil, fmt.Errorf("%w: it is a GIF", ErrForm)
	}
	if w, h := within(whole.Bounds().Dx(), whole.Bounds().Dy(), Side); min(w, h) < least {
		return nil, fmt.Errorf("%w: %d × %d pixels", ErrSmall, whole.Bounds().Dx(), whole.Bounds().Dy())
	}
	for side := Side; ; side = side * 3 / 4 {
		p := onSquare(upright(scaled(whole, side), orientation(data)))
		for _, quality := range []int{85, 75, 60} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, p, &jpeg.Options{Quality: quality}); err != nil {
				return nil, fmt.Errorf("draw picture: %w", err)
			}
			if b.Len() <= MaxKept {
				return b.Bytes(), nil
			}
		}
	}
}

// within is a size that is at most side on each side, of the same proportions.
func within(w, h, side int) (int, int) {
	if longer := max(w, h); longer > side {
		return max(1, w*side/longer), max(1, h*side/longer)
	}
	return w, h
}

// scaled is a picture no larger than side. What is transparent is white.
func scaled(p image.Image, side int) *image.RGBA {
	w, h := within(p.Bounds().Dx(), p.Bounds().Dy(), side)
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(to, to.Rect, image.White, image.Point{}, draw.Src)
	draw.CatmullRom.Scale(to, to.Rect, p, p.Bounds(), draw.Over, nil)
	return to
}

// onSquare puts a picture in the middle of a white square.
func onSquare(p *image.RGBA) *image.RGBA {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	side := max(w, h)
	to := image.NewRGBA(image.Rect(0, 0, side, side))
	draw.Draw(to, to.Rect, image.White, image.Point{}, draw.Src)
	at := image.Pt((side-w)/2, (side-h)/2)
	draw.Draw(to, p.Rect.Add(at), p, image.Point{}, draw.Src)
	return to
}

// upright turns a picture as its orientation says (Exif 2.3 §4.6.4, tag 274): cameras note how they were held.
func upright(p *image.RGBA, orientation uint16) *image.RGBA {
	w, h := p.Rect.Dx(), p.Rect.Dy()
	from := map[uint16]func(x, y int) (int, int){
		2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, h - 1 - x },
		7: func(x, y int) (int, int) { return w - 1 - y, h - 1 - x },
		8: func(x, y int) (int, int) { return w - 1 - y, x },
	}[orientation]
	if from == nil {
		return p
	}
	if orientation > 4 {
		w, h = h, w
	}
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	w, h = p.Rect.Dx(), p.Rect.Dy()
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			to.SetRGBA(x, y, p.RGBAAt(from(x, y)))
		}
	}
	return to
}

// orientation is the one that the Exif data of a JPEG picture notes, or 0.
func orientation(data []byte) uint16 {
	if len(data) < 2 || data[0] != 0xff || data[1] != 0xd8 {
		return 0
	}
	for at := 2; at+4 <= len(data) && data[at] == 0xff; {
		marker, size := data[at+1], int(binary.BigEndian.Uint16(data[at+2:]))
		if marker == 0xda || size < 2 || at+2+size > len(data) { // the picture itself begins
			return 0
		}
		if tiff, ok := bytes.CutPrefix(data[at+4:at+2+size], []byte("Exif\x00\x00")); ok && marker == 0xe1 {
			return oriented(tiff)
		}
		at += 2 + size
	}
	return 0
}

// oriented looks for the orientation in the first directory of a TIFF file (TIFF 6.0 §2).
func oriented(tiff []byte) uint16 {
	if len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder = binary.BigEndian
	if tiff[0] == 'I' {
		order = binary.LittleEndian
	}
	at := uint64(order.Uint32(tiff[4:]))
	if at+2 > uint64(len(tiff)) {
		return 0
	}
	entries := uint64(order.Uint16(tiff[at:]))
	const orientation, short = 274, 3
	for i := range entries {
		e := at + 2 + 12*i
		if e+12 > uint64(len(tiff)) {
			return 0
		}
		if order.Uint16(tiff[e:]) == orientation && order.Uint16(tiff[e+2:]) == short {
			return order.Uint16(tiff[e+8:])
		}
	}
	return 0
}
