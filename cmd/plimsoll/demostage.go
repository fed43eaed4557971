//go:build !gateway

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"plimsoll.example/plimsoll/internal/capture"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/lab"
	"plimsoll.example/plimsoll/internal/lab/stage"
	"plimsoll.example/plimsoll/internal/locale"
)

// onStage is set in the environment of a demonstration in networks of its own, to the process that started it: in one that
// comes by it otherwise it says nothing.
const onStage = "_PLIMSOLL_STAGE"

func staging(e env) bool { return e.getenv(onStage) == strconv.Itoa(os.Getppid()) }

// What such a process is given.
const (
	pagesFile  = 3 // the listener of the home
	labelsFile = 4 // the listener of the registry
	failedFile = 5 // takes why there are no networks; ends empty where there are
)

// takeStage runs a demonstration in networks of its own, by a process that is in one: the ports are of this machine, the rest
// is not. It returns false, and why, where there are none. They go with the process, however it ends.
func takeStage(ctx context.Context, e env, args []string, listeners ...net.Listener) (ran bool, err error) {
	out, isFile := e.out.(*os.File)
	complaints, too := e.err.(*os.File)
	if !isFile || !too {
		return false, errors.New("it is part of another program")
	}
	if err := stage.Tools(); err != nil {
		return false, err
	}
	c := exec.Command("/proc/self/exe", args...)
	c.Env, c.Stdout, c.Stderr = append(os.Environ(), onStage+"="+strconv.Itoa(os.Getpid())), out, complaints
	for _, l := range listeners {
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			return false, err
		}
		c.ExtraFiles = append(c.ExtraFiles, f)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return false, err
	}
	defer read.Close()
	c.ExtraFiles = append(c.ExtraFiles, write)
	// In a group of its own, so that Ctrl-C is told once; and it ends if this process is killed.
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if uid := os.Geteuid(); uid != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	runtime.LockOSThread() // Pdeathsig is of the thread
	defer runtime.UnlockOSThread()
	err = c.Start()
	for _, f := range c.ExtraFiles {
		_ = f.Close() // they are the other’s now
	}
	if err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Process.Signal(syscall.SIGTERM) })
	defer stop()
	why, _ := io.ReadAll(io.LimitReader(read, 4096))
	if len(why) == 0 {
		for _, l := range listeners {
			_ = l.Close()
		}
	}
	err = c.Wait()
	switch exit := (*exec.ExitError)(nil); {
	case len(why) > 0 && ctx.Err() == nil:
		return false, errors.New(string(why))
	case ctx.Err() != nil:
		return true, ctx.Err()
	case errors.As(err, &exit):
		return true, exited(max(exit.ExitCode(), exitFailed))
	}
	return true, err
}

// staged is a home that is played on real networks: what lies behind is told, and what comes is sent, and listened to.
type staged struct {
	*demonstration
	*stage.Stage
	listen func() (source, error)
	live   source
	stop   context.CancelFunc
	ended  chan error
}

// enter makes the networks of a demonstration, if the process was started for that, and has the gateway stand in them: it
// holds devices.
func enter(e env, s *showing, g *gatewayFlags) (on bool, err error) {
	if !staging(e) {
		return false, nil
	}
	// It is told to end, and told again if who started it is killed: it puts its things away all the same.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt, syscall.SIGTERM)
	failed := os.NewFile(failedFile, "failed")
	defer failed.Close()
	built, err := stage.Build(lab.Demo(time.Now()), g.pagePort)
	if err != nil {
		fmt.Fprint(failed, err)
		return false, exited(exitFailed)
	}
	// What is in these networks reaches the registry at the same address.
	inside, err := net.Listen("tcp", s.registry.listeners[0].Addr().String())
	if err != nil {
		fmt.Fprint(failed, err)
		return false, exited(exitFailed)
	}
	s.registry.listeners = append(s.registry.listeners, inside)
	g.mode, g.lan, g.wan, g.upstreams = home.Hold, stage.LAN, stage.WAN, []string{built.Upstream().String()}
	g.open = func() (source, error) {
		p, err := newDemonstration(time.Now())
		if err != nil {
			return nil, err
		}
		return &staged{demonstration: p, Stage: built, listen: g.listen}, nil
	}
	return true, nil
}

// next gives what lies behind, and then what is heard.
func (s *staged) next(ctx context.Context, b *capture.Batch) error {
	if s.live != nil {
		return s.live.next(ctx, b)
	}
	b.Data, b.Records = b.Data[:0], b.Records[:0]
	s.fill(b, time.Now(), s.Saw)
	if len(b.Records) > 0 {
		return nil
	}
	var err error
	if s.live, err = s.listen(); err != nil {
		return err
	}
	playing, stop := context.WithCancel(ctx)
	s.stop, s.ended = stop, make(chan error, 1)
	go func() { s.ended <- s.Play(playing, s.one) }()
	return nil
}

func (s *staged) warnings(words *locale.Catalogue) ([]string, bool) { return nil, false }

// Close ends the play.
func (s *staged) Close() error {
	if s.live == nil {
		return nil
	}
	s.stop()
	err := <-s.ended
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, s.live.Close())
}

// handed are the ports that whoever started this process opened for it; nil: it opens its own.
func handed(e env) (pages, labels net.Listener, err error) {
	if !staging(e) {
		return nil, nil, nil
	}
	for file, l := range map[uintptr]*net.Listener{pagesFile: &pages, labelsFile: &labels} {
		f := os.NewFile(file, "listener")
		if *l, err = net.FileListener(f); err != nil {
			return nil, nil, err
		}
		_ = f.Close()
	}
	return pages, labels, nil
}
