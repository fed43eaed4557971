package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"plimsoll.example/plimsoll/internal/home"
)

// Devices are all that were saved.
func (s *Store) Devices(ctx context.Context) (list []*home.Device, err error) {
	rows, err := s.reader().QueryContext(ctx, "select id, seen, stance from device order by id")
	if err != nil {
		return nil, fmt.Errorf("read devices: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, seen, stance string
		if err := rows.Scan(&id, &seen, &stance); err != nil {
			return nil, fmt.Errorf("read devices: %w", err)
		}
		d := &home.Device{}
		if err := json.Unmarshal([]byte(seen), d); err != nil {
			return nil, fmt.Errorf("read device %s: %w: %w", id, ErrDamaged, err)
		}
		d.ID, d.Stance = id, home.Stance{}
		if err := json.Unmarshal([]byte(stance), &d.Stance); err != nil {
			return nil, fmt.Errorf("read device %s: %w: %w", id, ErrDamaged, err)
		}
		list = append(list, d)
	}
	return list, rows.Err()
}

// Save keeps what was seen of devices. The stance of a device that is new is kept with it; of one that is known it is
// left as Record wrote it.
func (s *Store) Save(ctx context.Context, list []*home.Device) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for _, d := range list {
			seen, stance, err := marshal(d, d.Stance)
			if err != nil {
				return err
			}
			// one that became a part of another a moment ago is no device any more
			_, err = tx.ExecContext(ctx, `insert into device (id, seen, stance) select ?1, ?2, ?3 where not exists (select 1 from part where id = ?1)
				on conflict (id) do update set seen = excluded.seen`, d.ID, seen, stance)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save devices: %w", err)
	}
	return nil
}

func marshal(a, b any) (x, y string, err error) {
	ja, err := json.Marshal(a)
	if err != nil {
		return "", "", err
	}
	jb, err := json.Marshal(b)
	return string(ja), string(jb), err
}

// Record keeps a decision and the stance that it leads to, both or neither, and numbers it.
func (s *Store) Record(ctx context.Context, d *home.Decision) error {
	after, err := json.Marshal(d.After)
	if err != nil {
		return fmt.Errorf("record decision: %w", err)
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		if d.Seq, err = addDecision(ctx, tx, d, false); err != nil {
			return err
		}
		if d.Verb == home.Undo {
			undone, err := strconv.ParseInt(d.Argument, 10, 64)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "update decision set undone = ? where seq = ?", d.Seq, undone); err != nil {
				return err
			}
		}
		// one that was not saved yet is known by what was decided about it, until it is seen again
		_, err = tx.ExecContext(ctx, `insert into device (id, seen, stance) values (?, '{}', ?)
			on conflict (id) do update set stance = excluded.stance`, d.Device, string(after))
		return err
	})
	if err != nil {
		return fmt.Errorf("record decision: %w", err)
	}
	return nil
}

// atNano is an instant as it is kept.
func atNano(n int64) time.Time { return time.Unix(0, n).UTC() }

const decisionColumns = "select seq, at, actor, verb, device, argument, before, after, said, undone from decision "

func scanDecision(row interface{ Scan(...any) error }) (*home.Decision, error) {
	var d home.Decision
	var at int64
	var before, after, said string
	err := row.Scan(&d.Seq, &at, &d.Actor, &d.Verb, &d.Device, &d.Argument, &before, &after, &said, &d.Undone)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	d.At = atNano(at)
	err = errors.Join(json.Unmarshal([]byte(before), &d.Before), json.Unmarshal([]byte(after), &d.After))
	if err == nil && said != "" {
		err = json.Unmarshal([]byte(said), &d.Said)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return &d, nil
}

// Decision is the one of that number.
func (s *Store) Decision(ctx context.Context, seq int64) (*home.Decision, error) {
	d, err := scanDecision(s.reader().QueryRowContext(ctx, decisionColumns+"where seq = ?", seq))
	if err != nil {
		return nil, fmt.Errorf("read decision %d: %w", seq, err)
	}
	return d, nil
}

// Last is the newest decision of a person that was not undone, and is neither an undoing nor a description.
func (s *Store) Last(ctx context.Context) (*home.Decision, error) {
	d, err := scanDecision(s.reader().QueryRowContext(ctx, decisionColumns+`where undone = 0 and actor != ? and verb not in (?, ?, ?)
		and (imported = 0 or imported in (select seq from decision where undone = 0)) order by seq desc limit 1`, home.Program, home.Undo, home.Describe, home.NoteOn))
	if err != nil {
		return nil, fmt.Errorf("read last decision: %w", err)
	}
	return d, nil
}

// Decisions are those before a number (0: all), the newest first, at most limit; of one device and those that are one with it,
// or of all for "".
func (s *Store) Decisions(ctx context.Context, device string, before int64, limit int) (list []*home.Decision, err error) {
	rows, err := s.reader().QueryContext(ctx, decisionColumns+"where "+ofDevice+" and (? = 0 or seq < ?) order by seq desc limit ?",
		sql.Named("device", device), before, before, limit)
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		d, err := scanDecision(rows)
		if err != nil {
			return nil, fmt.Errorf("read decisions: %w", err)
		}
		list = append(list, d)
	}
	return list, rows.Err()
}
