package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"plimsoll.example/plimsoll/internal/notice"
)

// Told are the keys of causes that nobody is told again, with when they were.
func (s *Store) Told(ctx context.Context) (map[string]time.Time, error) {
	rows, err := s.reader().QueryContext(ctx, "select key, at from told")
	if err != nil {
		return nil, fmt.Errorf("read what was told: %w", err)
	}
	defer rows.Close()
	all := map[string]time.Time{}
	for rows.Next() {
		var key string
		var at int64
		if err := rows.Scan(&key, &at); err != nil {
			return nil, fmt.Errorf("read what was told: %w", err)
		}
		all[key] = atNano(at)
	}
	return all, rows.Err()
}

// Queue keeps deliveries, and keys that are told by them: all or nothing. A delivery of an occasion that its channel has
// already is left as it was.
func (s *Store) Queue(ctx context.Context, list []*notice.Delivery, told []string, now time.Time) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for _, d := range list {
			data, err := json.Marshal(d.Message)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `insert into notice (channel, occasion, at, until, next, tries, state, trouble, data) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
				on conflict do nothing`,
				d.Channel, d.Occasion, d.At.UnixNano(), d.Until.UnixNano(), d.Next.UnixNano(), d.Tries, d.State, d.Trouble, string(data))
			if err != nil {
				return err
			}
		}
		for _, key := range told {
			if _, err := tx.ExecContext(ctx, "insert into told (key, at) values (?, ?) on conflict do nothing", key, now.UnixNano()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keep what is to be told: %w", err)
	}
	return nil
}

// Forget forgets that these were told.
func (s *Store) Forget(ctx context.Context, told []string) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for _, key := range told {
			if _, err := tx.ExecContext(ctx, "delete from told where key = ?", key); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forget what was told: %w", err)
	}
	return nil
}

// Deliveries are the newest, at most limit.
func (s *Store) Deliveries(ctx context.Context, limit int) (list []*notice.Delivery, err error) {
	rows, err := s.reader().QueryContext(ctx, "select channel, occasion, at, until, next, tries, state, trouble, data from notice order by at desc, channel, occasion limit ?", limit)
	if err != nil {
		return nil, fmt.Errorf("read what is to be told: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		d := &notice.Delivery{}
		var at, until, next int64
		var data string
		if err := rows.Scan(&d.Channel, &d.Occasion, &at, &until, &next, &d.Tries, &d.State, &d.Trouble, &data); err != nil {
			return nil, fmt.Errorf("read what is to be told: %w", err)
		}
		if err := json.Unmarshal([]byte(data), &d.Message); err != nil {
			return nil, fmt.Errorf("read what is to be told: %w: %w", ErrDamaged, err)
		}
		d.At, d.Until, d.Next = atNano(at), atNano(until), atNano(next)
		list = append(list, d)
	}
	return list, rows.Err()
}

// SaveDelivery keeps how one stands.
func (s *Store) SaveDelivery(ctx context.Context, d *notice.Delivery) error {
	_, err := s.exec(ctx, "update notice set next = ?, tries = ?, state = ?, trouble = ? where channel = ? and occasion = ?",
		d.Next.UnixNano(), d.Tries, d.State, d.Trouble, d.Channel, d.Occasion)
	if err != nil {
		return fmt.Errorf("keep how a notice stands: %w", err)
	}
	return nil
}

// ForgetDeliveries forgets those from before a time that are not waiting, and those of channels that are no more.
func (s *Store) ForgetDeliveries(ctx context.Context, before time.Time, channels []string) error {
	here, err := json.Marshal(channels)
	if err != nil {
		return err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "delete from notice where at < ? and state <> ?", before.UnixNano(), notice.Waiting); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "delete from notice where channel not in (select value from json_each(?))", string(here))
		return err
	})
	if err != nil {
		return fmt.Errorf("forget notices: %w", err)
	}
	return nil
}
