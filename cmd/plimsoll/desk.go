//go:build !gateway

package main

import (
	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/qr"
)

// newDesk is the verbs for somebody at a desk: a maker, a lab, a developer. The build for a gateway goes without.
func newDesk(e env, words *locale.Catalogue) []*cobra.Command {
	return []*cobra.Command{newLabel(e, words), newMUD(e, words), newProbe(e, words), newRegistry(e, words), newUp(e, words), newDemo(e, words)}
}

// readCode is the text of the QR code in a picture.
func readCode(data []byte, name string) (string, error) {
	text, err := qr.Decode(data)
	if err != nil {
		return "", scanFault(err, name)
	}
	return text, nil
}

// scanPhoto is the text of the QR code on a photograph that somebody took of a device.
func scanPhoto(data []byte) (string, error) { return qr.Decode(data) }
