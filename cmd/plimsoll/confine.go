package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// keptCapabilities are what the gateway needs: to change rules, to capture packets, and to answer on port 53.
var keptCapabilities = []uintptr{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW, unix.CAP_NET_BIND_SERVICE}

// confine gives up what the gateway does not need: all other privileges, for itself and the programs that it starts, and
// the right to write anything but some files and what is in some folders, where the kernel has Landlock. It needs a program that was built without
// cgo. What is not given up is said, and does not keep the gateway from running.
func confine(files []string, folders ...string) error {
	writes, privileges := confineWrites(files, folders), dropCapabilities()
	if writes != nil {
		writes = fmt.Errorf("confine writing: %w", writes)
	}
	if privileges != nil {
		privileges = fmt.Errorf("give up privileges: %w", privileges)
	}
	return errors.Join(writes, privileges)
}

// onAll makes a system call on all threads.
func onAll(trap, a, b, c uintptr) error {
	if _, _, e := syscall.AllThreadsSyscall(trap, a, b, c); e != 0 {
		return e
	}
	return nil
}

func dropCapabilities() error {
	if err := onAll(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return err
	}
	data := make([]unix.CapUserData, 2)
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	has := func(bit uintptr) bool { return data[bit/32].Permitted>>(bit%32)&1 != 0 }
	if has(unix.CAP_SETPCAP) { // what is not in the bounding set, no program that is started gets either
		for bit := uintptr(0); bit <= unix.CAP_LAST_CAP; bit++ {
			if !kept(bit) {
				if err := onAll(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, bit, 0); err != nil && !errors.Is(err, unix.EINVAL) {
					return err
				}
			}
		}
	}
	next := make([]unix.CapUserData, 2)
	for _, bit := range keptCapabilities {
		if has(bit) {
			next[bit/32].Permitted |= 1 << (bit % 32)
			next[bit/32].Effective |= 1 << (bit % 32)
			next[bit/32].Inheritable |= data[bit/32].Inheritable & (1 << (bit % 32))
		}
	}
	header = unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	return onAll(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&next[0])), 0)
}

func kept(bit uintptr) bool {
	for _, k := range keptCapabilities {
		if k == bit {
			return true
		}
	}
	return false
}

// confineWrites lets the program write some files, and below some folders, alone (landlock(7)). An older kernel lets it write on.
func confineWrites(files, folders []string) error {
	abi, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return nil // there is no Landlock
	}
	var rights uint64 = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	if abi >= 2 {
		rights |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		rights |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: rights}
	set, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Handled_access_fs), 0)
	if e != 0 {
		return e
	}
	defer unix.Close(int(set))
	allow := func(name string, rights uint64) error {
		fd, err := unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return &os.PathError{Op: "open", Path: name, Err: err}
		}
		defer unix.Close(fd)
		beneath := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
		_, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, set, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&beneath)), 0, 0, 0)
		if e != 0 {
			return e
		}
		return nil
	}
	for _, name := range folders {
		if err := os.MkdirAll(name, 0o750); err != nil {
			return err
		}
		if err := allow(filepath.Clean(name), rights); err != nil {
			return err
		}
	}
	for _, name := range append([]string{"/dev/null"}, files...) {
		err := allow(name, rights&(unix.LANDLOCK_ACCESS_FS_WRITE_FILE|unix.LANDLOCK_ACCESS_FS_TRUNCATE))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := onAll(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0); err != nil {
		return err
	}
	return onAll(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0)
}
