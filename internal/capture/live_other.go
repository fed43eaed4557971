//go:build !linux

package capture

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"plimsoll.example/plimsoll/internal/frame"
)

// Live captures from an interface; on Linux only.
type Live struct{}

// OpenLive answers errors.ErrUnsupported.
func OpenLive(LiveConfig) (*Live, error) {
	return nil, fmt.Errorf("live capture on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Next answers errors.ErrUnsupported.
func (*Live) Next(context.Context, *Batch) error { return errors.ErrUnsupported }

// LinkType is that of the interface.
func (*Live) LinkType() frame.LinkType { return 0 }

// Stats answers errors.ErrUnsupported.
func (*Live) Stats() (LiveStats, error) { return LiveStats{}, errors.ErrUnsupported }

// Close does nothing.
func (*Live) Close() error { return nil }
