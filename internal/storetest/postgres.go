package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is a PostgreSQL server for tests: the one that PLIMSOLL_TEST_PG names by its URL, or one of its own that speaks
// on a socket in a temporary folder and ends with stop. Without either, the error says what is missing.
func server() (serverURL string, stop func(), err error) {
	if u := os.Getenv("PLIMSOLL_TEST_PG"); u != "" {
		return u, func() {}, nil
	}
	bin, err := programs()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return "", nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	run := func(name string, args ...string) error {
		c := exec.Command(filepath.Join(bin, name), args...)
		c.Dir, c.Env = dir, append(os.Environ(), "LC_ALL=C")
		if os.Geteuid() == 0 { // which PostgreSQL refuses to run as
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		}
		out, err := c.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", name, err, out)
		}
		return nil
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 65534, 65534); err != nil {
			return "", nil, err
		}
	}
	data := filepath.Join(dir, "data")
	err = run("initdb", "-D", data, "-U", "plimsoll", "-A", "trust", "-E", "UTF8", "--no-sync")
	if err == nil {
		err = run("pg_ctl", "-D", data, "-w", "-l", filepath.Join(dir, "log"), "-o", "-k "+dir+" -c listen_addresses='' -c fsync=off", "start")
	}
	if err != nil {
		remove()
		return "", nil, err
	}
	stop = func() {
		_ = run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
		remove()
	}
	return "postgres://plimsoll@/postgres?host=" + url.QueryEscape(dir), stop, nil
}

// Need is a server for a test, which ends with it. Where there can be none the test is left out, and says what is missing;
// with PLIMSOLL_POSTGRES=require it fails.
func Need(t testing.TB) (serverURL string) {
	t.Helper()
	serverURL, stop, err := server()
	if err != nil {
		if os.Getenv("PLIMSOLL_POSTGRES") == "require" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	t.Cleanup(stop)
	return serverURL
}

// programs is the folder of PostgreSQL’s programs.
func programs() (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p), nil
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // as Debian has it
	if err != nil || len(found) == 0 {
		return "", fmt.Errorf("PostgreSQL’s initdb is missing (Debian: postgresql), and PLIMSOLL_TEST_PG names no server")
	}
	slices.Sort(found)
	return filepath.Dir(found[len(found)-1]), nil
}

// Database makes an empty database on a server, which goes with the test, and gives its URL.
func Database(t testing.TB, server string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	name := "test_" + strings.ToLower(rand.Text())
	if _, err := c.Exec(ctx, "create database "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if c, err := pgx.Connect(ctx, server); err == nil {
			_, _ = c.Exec(ctx, "drop database "+name+" with (force)")
			_ = c.Close(ctx)
		}
	})
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}
