package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"plimsoll.example/plimsoll/internal/auth"
)

// mostSessions bounds the sessions that are kept of one person: the oldest end.
const mostSessions = 50

// keeper is a database: that of a home, or of a registry.
type keeper interface {
	reader() *sql.DB
	exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	change(ctx context.Context, do func(*sql.Tx) error) error
}

// people is the part of a database that says who may come in, and who is in.
type people struct{ keeper }

// one reads the JSON that a query gives into v; an error that wraps fs.ErrNotExist where it gives nothing.
func (s people) one(ctx context.Context, v any, query string, args ...any) error {
	return parse(s.reader().QueryRowContext(ctx, query, args...), v)
}

func parse(row *sql.Row, v any) error {
	var data string
	err := row.Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return fs.ErrNotExist
	}
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(data), v)
}

// User is the person of that name.
func (s people) User(ctx context.Context, name string) (*auth.User, error) {
	u := &auth.User{}
	if err := s.one(ctx, u, "select data from person where name = ?", name); err != nil {
		return nil, fmt.Errorf("person %q: %w", name, err)
	}
	return u, nil
}

// Users are all persons, by name.
func (s people) Users(ctx context.Context) (list []*auth.User, err error) {
	rows, err := s.reader().QueryContext(ctx, "select data from person order by name")
	if err != nil {
		return nil, fmt.Errorf("persons: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var data string
		u := &auth.User{}
		if err := rows.Scan(&data); err != nil {
			return nil, fmt.Errorf("persons: %w", err)
		}
		if err := json.Unmarshal([]byte(data), u); err != nil {
			return nil, fmt.Errorf("persons: %w", err)
		}
		list = append(list, u)
	}
	return list, rows.Err()
}

// SaveUser keeps a person.
func (s people) SaveUser(ctx context.Context, u *auth.User) error {
	data, err := json.Marshal(u)
	if err != nil {
		return err
	}
	if _, err := s.exec(ctx, "insert into person (name, data) values (?, ?) on conflict (name) do update set data = excluded.data", u.Name, string(data)); err != nil {
		return fmt.Errorf("keep person: %w", err)
	}
	return nil
}

// ChangeUser keeps what do makes of a person, and nothing if it fails.
func (s people) ChangeUser(ctx context.Context, name string, do func(*auth.User) error) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		u := &auth.User{}
		if err := parse(tx.QueryRowContext(ctx, "select data from person where name = ?", name), u); err != nil {
			return err
		}
		if err := do(u); err != nil {
			return err
		}
		data, err := json.Marshal(u)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "update person set data = ? where name = ?", string(data), name)
		return err
	})
	if err != nil {
		return fmt.Errorf("change person %q: %w", name, err)
	}
	return nil
}

// DeleteUser forgets a person, and ends their sessions.
func (s people) DeleteUser(ctx context.Context, name string) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "delete from session where person = ?", name); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "delete from person where name = ?", name)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget person: %w", err)
	}
	return nil
}

// Session is the one of that digest.
func (s people) Session(ctx context.Context, d auth.Digest) (*auth.Session, error) {
	x := &auth.Session{}
	if err := s.one(ctx, x, "select data from session where digest = ?", d[:]); err != nil {
		return nil, fmt.Errorf("session: %w", err)
	}
	return x, nil
}

// SaveSession keeps a session. Of one person the newest are kept.
func (s people) SaveSession(ctx context.Context, d auth.Digest, x *auth.Session) error {
	data, err := json.Marshal(x)
	if err != nil {
		return err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "insert into session (digest, person, last, data) values (?, ?, ?, ?) on conflict (digest) do update set last = excluded.last, data = excluded.data",
			d[:], x.User, x.Last.UnixNano(), string(data)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "delete from session where person = ? and digest not in (select digest from session where person = ? order by last desc limit ?)",
			x.User, x.User, mostSessions)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep session: %w", err)
	}
	return nil
}

// RenewSession keeps a session anew; fs.ErrNotExist where it was ended.
func (s people) RenewSession(ctx context.Context, d auth.Digest, x *auth.Session) error {
	data, err := json.Marshal(x)
	if err != nil {
		return err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "update session set last = ?, data = ? where digest = ?", x.Last.UnixNano(), string(data), d[:])
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); n == 0 && err == nil {
			return fs.ErrNotExist
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("renew session: %w", err)
	}
	return nil
}

// EndSession forgets a session; it is no error if there is none.
func (s people) EndSession(ctx context.Context, d auth.Digest) error {
	if _, err := s.exec(ctx, "delete from session where digest = ?", d[:]); err != nil {
		return fmt.Errorf("end session: %w", err)
	}
	return nil
}

// Sessions are those of a person (all persons, for ""), the latest first.
func (s people) Sessions(ctx context.Context, person string) (list []auth.Visit, err error) {
	rows, err := s.reader().QueryContext(ctx, "select digest, data from session where (? = '' or person = ?) order by last desc limit 500", person, person)
	if err != nil {
		return nil, fmt.Errorf("sessions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var v auth.Visit
		var id []byte
		var data string
		if err := rows.Scan(&id, &data); err != nil {
			return nil, fmt.Errorf("sessions: %w", err)
		}
		if copy(v.ID[:], id) != len(v.ID) {
			return nil, fmt.Errorf("sessions: %w", ErrDamaged)
		}
		if err := json.Unmarshal([]byte(data), &v.Session); err != nil {
			return nil, fmt.Errorf("sessions: %w", err)
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
