//go:build !gateway && !linux

package main

import (
	"context"
	"errors"
	"net"
)

// takeStage needs networks of its own, as Linux has them.
func takeStage(context.Context, env, []string, ...net.Listener) (ran bool, err error) {
	return false, errors.ErrUnsupported
}

func enter(env, *showing, *gatewayFlags) (on bool, err error) { return false, nil }

func handed(env) (pages, labels net.Listener, err error) { return nil, nil, nil }
