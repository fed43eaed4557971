package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"plimsoll.example/plimsoll/internal/home"
)

// day is the span that amounts are added up over.
const day = 24 * time.Hour

// addAmounts adds traffic to how much each device said on its day.
func addAmounts(ctx context.Context, tx *sql.Tx, list []home.Traffic) error {
	type key struct {
		at     int64
		device string
	}
	sums := map[key]*home.Amount{}
	for i := range list {
		t := &list[i]
		k := key{t.At.UTC().Truncate(day).Unix(), t.Device}
		a := sums[k]
		if a == nil {
			a = &home.Amount{}
			sums[k] = a
		}
		a.Out, a.In, a.Flows = a.Out+t.Out, a.In+t.In, a.Flows+t.Flows
		if t.Recognised() {
			a.Read += t.Out + t.In
		}
	}
	for k, a := range sums {
		_, err := tx.ExecContext(ctx, `insert into amount (at, device, octets_out, octets_in, octets_read, flows) values (?, ?, ?, ?, ?, ?)
			on conflict do update set octets_out = octets_out + excluded.octets_out, octets_in = octets_in + excluded.octets_in,
				octets_read = octets_read + excluded.octets_read, flows = flows + excluded.flows`,
			k.at, k.device, int64(a.Out), int64(a.In), int64(a.Read), int64(a.Flows))
		if err != nil {
			return err
		}
	}
	return nil
}

// Amounts are how much each device said in the days that began in a time, added up; at most home.MaxDevices, each once.
func (s *Store) Amounts(ctx context.Context, from, to time.Time) (list []home.Amount, err error) {
	rows, err := s.reader().QueryContext(ctx, `select `+wholeOf+` as whole, min(at), sum(octets_out), sum(octets_in), sum(octets_read), sum(flows) from amount
		where at >= ? and at < ? group by whole order by whole limit ?`, from.Unix(), to.Unix(), home.MaxDevices)
	if err != nil {
		return nil, fmt.Errorf("read amounts: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a home.Amount
		var at int64
		if err := rows.Scan(&a.Device, &at, &a.Out, &a.In, &a.Read, &a.Flows); err != nil {
			return nil, fmt.Errorf("read amounts: %w", err)
		}
		a.Day = time.Unix(at, 0).UTC()
		list = append(list, a)
	}
	return list, rows.Err()
}

// Settings are what the household says of itself; nothing, before it said anything.
func (s *Store) Settings(ctx context.Context) (*home.Settings, error) {
	x := &home.Settings{}
	if err := s.one(ctx, x, "select data from setting where name = 'home'"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return x, nil
}

// SaveSettings keeps them.
func (s *Store) SaveSettings(ctx context.Context, x *home.Settings) error {
	if err := s.change(ctx, func(tx *sql.Tx) error { return set(ctx, tx, "home", x) }); err != nil {
		return fmt.Errorf("keep settings: %w", err)
	}
	return nil
}

// set keeps a setting of that name.
func set(ctx context.Context, tx *sql.Tx, name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "insert into setting (name, data) values (?, ?) on conflict (name) do update set data = excluded.data", name, string(data))
	return err
}

// Tokens are those that let programs read, the oldest first.
func (s *Store) Tokens(ctx context.Context) (list []home.Token, err error) {
	if err := s.one(ctx, &list, "select data from setting where name = 'tokens'"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read tokens: %w", err)
	}
	return list, nil
}

// ChangeTokens makes of the tokens what change makes of them, while nobody else does; its error changes nothing.
func (s *Store) ChangeTokens(ctx context.Context, change func([]home.Token) ([]home.Token, error)) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		var list []home.Token
		err := parse(tx.QueryRowContext(ctx, "select data from setting where name = 'tokens'"), &list)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if list, err = change(list); err != nil {
			return err
		}
		return set(ctx, tx, "tokens", list)
	})
	if err != nil {
		return fmt.Errorf("change tokens: %w", err)
	}
	return nil
}

// KnowsToken reports whether a secret is that of a token, and notes that it is used, to the hour.
func (s *Store) KnowsToken(ctx context.Context, secret string, now time.Time) (bool, error) {
	list, err := s.Tokens(ctx)
	if err != nil {
		return false, err
	}
	i := home.FindToken(list, secret)
	if i < 0 {
		return false, nil
	}
	if hour := now.UTC().Truncate(time.Hour); list[i].Used.Before(hour) {
		err = s.ChangeTokens(ctx, func(list []home.Token) ([]home.Token, error) {
			if i := home.FindToken(list, secret); i >= 0 {
				list[i].Used = hour
			}
			return list, nil
		})
	}
	return err == nil, err
}

// Ticks are the points of a list that were done.
func (s *Store) Ticks(ctx context.Context, list string) (map[string]home.Tick, error) {
	rows, err := s.reader().QueryContext(ctx, "select item, at, actor from tick where list = ?", list)
	if err != nil {
		return nil, fmt.Errorf("read list %s: %w", list, err)
	}
	defer rows.Close()
	all := map[string]home.Tick{}
	for rows.Next() {
		var item string
		var t home.Tick
		var at int64
		if err := rows.Scan(&item, &at, &t.By); err != nil {
			return nil, fmt.Errorf("read list %s: %w", list, err)
		}
		t.At = atNano(at)
		all[item] = t
	}
	return all, rows.Err()
}

// Tick notes that a point of a list was done; with nil, that it is to be done again.
func (s *Store) Tick(ctx context.Context, list, item string, t *home.Tick) error {
	var err error
	if t == nil {
		_, err = s.exec(ctx, "delete from tick where list = ? and item = ?", list, item)
	} else {
		_, err = s.exec(ctx, "insert into tick (list, item, at, actor) values (?, ?, ?, ?) on conflict do update set at = excluded.at, actor = excluded.actor",
			list, item, t.At.UnixNano(), t.By)
	}
	if err != nil {
		return fmt.Errorf("note in list %s: %w", list, err)
	}
	return nil
}
