package main

import (
	"os"
	"path/filepath"
	"time"
)

// stateDir is where what the program keeps belongs: as the flag says, else where the XDG Base Directory Specification
// puts it, or for root, who serves all, below /var/lib.
func stateDir(flag string, getenv func(string) string) string {
	switch {
	case flag != "":
		return flag
	case os.Geteuid() == 0:
		return "/var/lib/plimsoll"
	case filepath.IsAbs(getenv("XDG_STATE_HOME")):
		return filepath.Join(getenv("XDG_STATE_HOME"), "plimsoll")
	}
	return filepath.Join(getenv("HOME"), ".local", "state", "plimsoll")
}

// floor is a time that has passed: this program did not exist before. A clock that says otherwise is not set.
func floor() time.Time { return time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC) }
