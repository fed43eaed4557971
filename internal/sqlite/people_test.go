package sqlite_test

import (
	"path/filepath"
	"testing"

	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/storetest"
)

func TestAHomeKeepsPeopleAndTheirSessions(t *testing.T) {
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "home.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	storetest.People(t, s)
}
