package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"

	"plimsoll.example/plimsoll/internal/auth"
)

// mostSessions bounds the sessions that are kept of one person: the oldest end.
const mostSessions = 50

// read reads the JSON that a query gives into v; an error that wraps fs.ErrNotExist where it gives nothing.
func (s *Registry) read(ctx context.Context, v any, query string, args ...any) error {
	return parse(s.pool.QueryRow(ctx, query, args...), v)
}

func parse(row pgx.Row, v any) error {
	var data string
	err := row.Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return fs.ErrNotExist
	}
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(data), v)
}

// User is the person of that name.
func (s *Registry) User(ctx context.Context, name string) (*auth.User, error) {
	u := &auth.User{}
	if err := s.read(ctx, u, "select data from person where name = $1", name); err != nil {
		return nil, fmt.Errorf("person %q: %w", name, err)
	}
	return u, nil
}

// Users are all persons, by name.
func (s *Registry) Users(ctx context.Context) ([]*auth.User, error) {
	rows, err := s.pool.Query(ctx, "select data from person order by name")
	return list(rows, err, "persons", func(r pgx.CollectableRow) (*auth.User, error) {
		var data string
		if err := r.Scan(&data); err != nil {
			return nil, err
		}
		u := &auth.User{}
		return u, json.Unmarshal([]byte(data), u)
	})
}

// SaveUser keeps a person.
func (s *Registry) SaveUser(ctx context.Context, u *auth.User) error {
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	if _, err := s.pool.Exec(ctx, "insert into person (name, data) values ($1, $2) on conflict (name) do update set data = excluded.data", u.Name, string(data)); err != nil {
		return fmt.Errorf("keep person: %w", err)
	}
	return nil
}

// ChangeUser keeps what do makes of a person, and nothing if it fails.
func (s *Registry) ChangeUser(ctx context.Context, name string, do func(*auth.User) error) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		u := &auth.User{}
		if err := parse(tx.QueryRow(ctx, "select data from person where name = $1 for update", name), u); err != nil {
			return err
		}
		if err := do(u); err != nil {
			return err
		}
		data, err := json.Marshal(u)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, "update person set data = $2 where name = $1", name, string(data))
		return err
	})
	if err != nil {
		return fmt.Errorf("change person %q: %w", name, err)
	}
	return nil
}

// DeleteUser forgets a person, and ends their sessions.
func (s *Registry) DeleteUser(ctx context.Context, name string) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "delete from session where person = $1", name); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "delete from person where name = $1", name)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget person: %w", err)
	}
	return nil
}

// Session is the one of that digest.
func (s *Registry) Session(ctx context.Context, d auth.Digest) (*auth.Session, error) {
	x := &auth.Session{}
	if err := s.read(ctx, x, "select data from session where digest = $1", d[:]); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return x, nil
}

// SaveSession keeps a session. Of one person the newest are kept.
func (s *Registry) SaveSession(ctx context.Context, d auth.Digest, x *auth.Session) error {
	data, err := json.Marshal(x)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "insert into session (digest, person, last, data) values ($1, $2, $3, $4) on conflict (digest) do update set last = excluded.last, data = excluded.data",
			d[:], x.User, x.Last.UnixNano(), string(data)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "delete from session where person = $1 and digest not in (select digest from session where person = $1 order by last desc limit $2)", x.User, mostSessions)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep session: %w", err)
	}
	return nil
}

// RenewSession keeps a session anew; fs.ErrNotExist where it was ended.
func (s *Registry) RenewSession(ctx context.Context, d auth.Digest, x *auth.Session) error {
	data, err := json.Marshal(x)
	if err != nil {
		return err
	}
	t, err := s.pool.Exec(ctx, "update session set last = $1, data = $2 where digest = $3", x.Last.UnixNano(), string(data), d[:])
	if err == nil && t.RowsAffected() == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	return nil
}

// EndSession forgets a session; it is no error if there is none.
func (s *Registry) EndSession(ctx context.Context, d auth.Digest) error {
	if _, err := s.pool.Exec(ctx, "delete from session where digest = $1", d[:]); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Sessions are those of a person, the latest first.
func (s *Registry) Sessions(ctx context.Context, person string) ([]auth.Visit, error) {
	rows, err := s.pool.Query(ctx, "select digest, data from session where person = $1 order by last desc", person)
	return list(rows, err, "sessions", func(r pgx.CollectableRow) (v auth.Visit, err error) {
		var id []byte
		var data string
		if err := r.Scan(&id, &data); err != nil {
			return v, err
		}
		if copy(v.ID[:], id) != len(v.ID) {
			return v, errors.New("a digest is cut off")
		}
		return v, json.Unmarshal([]byte(data), &v.Session)
	})
}
