package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// shed lets go of the parts of the program that were needed to start it. They count as memory of the process as long as
// they are mapped; what is needed again comes back from the page cache by itself, piece by piece. The program grows with
// each of its verbs, and a small router should not have to pay for those that it does not use.
func shed() {
	for _, part := range programParts() {
		advise(part.from, part.to, unix.MADV_DONTNEED)
	}
}

type part struct{ from, to uintptr }

// programParts is where the program is mapped, less what can be written, or could be while it was loaded, which has no
// other copy. It is cut into pieces: with a page that is needed the kernel maps all that it keeps in one with that, which
// is anything from 4 KiB to 2 MiB, but never more than a mapping spans; and neighbours with different advice stay mappings
// of their own.
var programParts = sync.OnceValue(func() (list []part) {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil
	}
	kinds := []string{"r-xp", "r--p"}
	if movable(program) {
		kinds = kinds[:1] // its loader wrote addresses into what is now only read
	}
	piece := uintptr(max(16<<10, os.Getpagesize()))
	for line := range bytes.Lines(maps) {
		f := strings.Fields(string(line))
		if len(f) < 6 || f[5] != program || !slices.Contains(kinds, f[1]) {
			continue
		}
		a, b, _ := strings.Cut(f[0], "-")
		from, err1 := strconv.ParseUint(a, 16, strconv.IntSize)
		to, err2 := strconv.ParseUint(b, 16, strconv.IntSize)
		if err1 != nil || err2 != nil || to <= from {
			continue
		}
		p := part{uintptr(from), uintptr(to)}
		for at := p.from&^(piece-1) + piece; at < p.to; at += 2 * piece {
			advise(at, min(at+piece, p.to), unix.MADV_DONTDUMP) // of what a core dump leaves out anyway
		}
		list = append(list, p)
	}
	return list
})

// movable reports whether a program may be loaded anywhere (-buildmode=pie), or is none that can be told.
func movable(program string) bool {
	f, err := os.Open(program)
	if err != nil {
		return true
	}
	defer f.Close()
	var head [18]byte
	_, err = io.ReadFull(f, head[:])
	return err != nil || binary.NativeEndian.Uint16(head[16:]) != 2 // e_type is not ET_EXEC
}

// advise asks the kernel for something that it may refuse.
func advise(from, to uintptr, advice int) {
	_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, uintptr(advice))
}
