package picture

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif" // the forms of pictures that are read
	_ "image/jpeg"
	_ "image/png"
)

// What a picture may cost to unpack. A JPEG picture may go over all its pixels again with each scan, of some thirty
// octets: what a camera or program makes has at most a dozen.
const (
	maxSide   = 16_384
	maxScans  = 64
	maxPasses = 400 << 20 // pixels in all scans
)

// Unpack unpacks a JPEG, PNG or GIF picture of at most area pixels, in a time that its octets and pixels bound. form is the
// name of its form ("jpeg"). It is ErrLarge or ErrForm.
func Unpack(data []byte, area int) (p image.Image, form string, err error) {
	c, form, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > area {
		return nil, "", fmt.Errorf("%w: %d × %d pixels", ErrLarge, c.Width, c.Height)
	}
	if form == "jpeg" {
		// The mark of a scan is found nowhere in what a scan holds (ITU-T T.81 §B.1.1.5); that it may be found in notes of the
		// camera only makes this more careful.
		if scans := bytes.Count(data, []byte{0xff, 0xda}); scans > maxScans || scans*c.Width*c.Height > maxPasses {
			return nil, "", fmt.Errorf("%w: %d × %d pixels in %d scans", ErrLarge, c.Width, c.Height, scans)
		}
	}
	if p, _, err = image.Decode(bytes.NewReader(data)); err != nil {
		return nil, "", fmt.Errorf("%w: %w", ErrForm, err)
	}
	return p, form, nil
}
