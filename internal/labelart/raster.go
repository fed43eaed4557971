package labelart

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"golang.org/x/image/vector"
)

// PNG is the drawing as a picture of dots for each millimetre, as for sending to somebody.
func (d *Drawing) PNG(dots float64) ([]byte, error) {
	picture := image.NewRGBA(image.Rect(0, 0, int(math.Ceil(d.Width*dots)), int(math.Ceil(d.Height*dots))))
	for _, s := range d.shapes {
		s.raster(picture, dots)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return nil, fmt.Errorf("make the picture: %w", err)
	}
	return b.Bytes(), nil
}

// raster fills a shape, looking at no more of the picture than it covers.
func (s *shape) raster(picture *image.RGBA, dots float64) {
	low, high := point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, t := range s.path {
		for _, p := range t.points[:operands[t.op]] {
			low = point{min(low.x, p.x), min(low.y, p.y)}
			high = point{max(high.x, p.x), max(high.y, p.y)}
		}
	}
	box := image.Rect(int(low.x*dots), int(low.y*dots), int(high.x*dots)+1, int(high.y*dots)+1).Intersect(picture.Rect)
	if box.Empty() {
		return
	}
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	at := func(p point) (x, y float32) {
		return float32(p.x*dots - float64(box.Min.X)), float32(p.y*dots - float64(box.Min.Y))
	}
	for _, t := range s.path {
		x, y := at(t.points[0])
		switch t.op {
		case 'M':
			r.MoveTo(x, y)
		case 'L':
			r.LineTo(x, y)
		case 'C':
			bx, by := at(t.points[1])
			cx, cy := at(t.points[2])
			r.CubeTo(x, y, bx, by, cx, cy)
		case 'Z':
			r.ClosePath()
		}
	}
	r.Draw(picture, box, image.NewUniform(color.RGBA{s.fill[0], s.fill[1], s.fill[2], 255}), image.Point{})
}
