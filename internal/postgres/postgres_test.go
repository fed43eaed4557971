package postgres_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"plimsoll.example/plimsoll/internal/postgres"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/storetest"
)

func open(t *testing.T, url string) *postgres.Registry {
	t.Helper()
	s, err := postgres.Open(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestPostgreSQLKeepsARegistry(t *testing.T) {
	at := storetest.Need(t)
	storetest.Registry(t, func(t *testing.T) (registry.Store, func() registry.Store) {
		url := storetest.Database(t, at)
		return open(t, url), func() registry.Store { return open(t, url) }
	})
	storetest.Desks(t, func(t *testing.T) storetest.Desk { return open(t, storetest.Database(t, at)) })
	t.Run("several processes migrate at once, and one does it", func(t *testing.T) {
		url := storetest.Database(t, at)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if s, err := postgres.Open(context.Background(), url); err != nil {
					t.Error(err)
				} else {
					_ = s.Close()
				}
			})
		}
		all.Wait()
	})
	t.Run("a database of a later version is refused", func(t *testing.T) {
		url := storetest.Database(t, at)
		_ = open(t, url).Close()
		c, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(context.Background())
		if _, err := c.Exec(t.Context(), "insert into plimsoll_version values (99)"); err != nil {
			t.Fatal(err)
		}
		if _, err := postgres.Open(t.Context(), url); !errors.Is(err, postgres.ErrNewer) {
			t.Errorf("%v", err)
		}
	})
}
