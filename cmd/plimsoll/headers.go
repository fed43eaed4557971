package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/frame"
)

// newHeaders is the floor that inspect is measured against: it reads a capture and parses headers from the link layer
// to the transport, on one core, and does nothing else.
func newHeaders(e env) *cobra.Command {
	return &cobra.Command{Use: "headers", Hidden: true, Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, paths []string) error {
		if len(paths) == 0 {
			return wrongUsage("error.capture.none")
		}
		h, err := capture.OpenHistory(paths, e.in)
		if err != nil {
			return err
		}
		defer h.Close()
		var (
			b      capture.Batch
			f      frame.Frame
			depths [frame.Transport + 1]uint64
			octets uint64
		)
		for {
			err := h.Next(&b)
			for i := range b.Records {
				r := &b.Records[i]
				frame.Decode(&f, r.Link, b.Data[r.Offset:r.Offset+r.Len], int(r.Wire))
				depths[f.Depth]++
				octets += uint64(r.Wire)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(e.out, "%d octets; unread %d, link %d, network %d, transport %d\n",
			octets, depths[frame.Nothing], depths[frame.Link], depths[frame.Network], depths[frame.Transport])
		return err
	}}
}
