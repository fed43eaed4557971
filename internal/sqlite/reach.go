package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"plimsoll.example/plimsoll/internal/home"
)

// maxReaches bounds those that are kept: beyond it the oldest go.
const maxReaches = 100_000

// AddReaches keeps in which countries devices reached whom. That one is reached again is written once an hour.
func (s *Store) AddReaches(ctx context.Context, list []home.Reach) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		add, err := tx.PrepareContext(ctx, `insert into reach (device, peer, country, first, last) values (?, ?, ?, ?, ?)
			on conflict do update set last = excluded.last where excluded.last >= reach.last + 3600`)
		if err != nil {
			return err
		}
		defer add.Close()
		for i := range list {
			r := &list[i]
			if _, err := add.ExecContext(ctx, r.Device, r.Peer, r.Country, r.First.Unix(), r.Last.Unix()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("add reaches: %w", err)
	}
	return nil
}

// Reaches are those of a device (all devices, for "") that were seen since a time, the latest first, at most limit.
func (s *Store) Reaches(ctx context.Context, device string, from time.Time, limit int) (list []home.Reach, err error) {
	rows, err := s.reader().QueryContext(ctx, `select `+wholeOf+`, peer, country, first, last from reach
		where `+ofDevice+` and last >= ? order by last desc, device, peer, country limit ?`,
		sql.Named("device", device), from.Add(-time.Hour).Unix(), limit)
	if err != nil {
		return nil, fmt.Errorf("read reaches: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var r home.Reach
		var first, last int64
		if err := rows.Scan(&r.Device, &r.Peer, &r.Country, &first, &last); err != nil {
			return nil, fmt.Errorf("read reaches: %w", err)
		}
		r.First, r.Last = time.Unix(first, 0).UTC(), time.Unix(last, 0).UTC()
		list = append(list, r)
	}
	return list, rows.Err()
}

// pruneReaches forgets those that are older than traffic is kept, and those that there are too many of.
func (s *Store) pruneReaches(ctx context.Context, now time.Time) error {
	_, err := s.exec(ctx, `delete from reach where last < ?1 or (device, peer, country) in
		(select device, peer, country from reach order by last desc limit -1 offset ?2)`,
		now.Add(-home.Spans[len(home.Spans)-1].Keep).Unix(), maxReaches)
	if err != nil {
		return fmt.Errorf("prune reaches: %w", err)
	}
	return nil
}
