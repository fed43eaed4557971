package sqlite_test

import (
	"context"
	"path/filepath"
	"testing"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/storetest"
)

func TestSQLiteKeepsARegistry(t *testing.T) {
	storetest.Registry(t, func(t *testing.T) (registry.Store, func() registry.Store) {
		name := filepath.Join(t.TempDir(), "registry.db")
		again := func() registry.Store {
			s, err := sqlite.OpenRegistry(context.Background(), name)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		}
		return again(), again
	})
}

func TestSQLiteKeepsWhatWorkspacesNeed(t *testing.T) {
	storetest.Desks(t, func(t *testing.T) storetest.Desk {
		s, err := sqlite.OpenRegistry(context.Background(), filepath.Join(t.TempDir(), "registry.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}
