package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/home"
)

// MaxRows bounds the traffic of each span that is kept: beyond it the oldest goes, however young. A row takes some 100
// octets.
const MaxRows = 1_000_000

// AddTraffic adds what was seen to what is kept, in each of home.Spans. The span of list’s elements does not matter.
func (s *Store) AddTraffic(ctx context.Context, list []home.Traffic) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		add, err := tx.PrepareContext(ctx, `insert into traffic (span, at, device, peer, scope, service, began, flows, octets_out, octets_in)
			values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			on conflict do update set flows = flows + excluded.flows,
				octets_out = octets_out + excluded.octets_out, octets_in = octets_in + excluded.octets_in`)
		if err != nil {
			return err
		}
		defer add.Close()
		for i := range list {
			t := &list[i]
			for _, span := range home.Spans {
				at := t.At.UTC().Truncate(span.Span)
				_, err := add.ExecContext(ctx, int64(span.Span/time.Second), at.Unix(), t.Device, t.Peer, t.Scope, t.Service, t.Began,
					int64(t.Flows), int64(t.Out), int64(t.In))
				if err != nil {
					return err
				}
			}
		}
		return addAmounts(ctx, tx, list)
	})
	if err != nil {
		return fmt.Errorf("add traffic: %w", err)
	}
	return nil
}

// Traffic is what a device did (all devices, for "") in spans of that length that began in a time, oldest first, at
// most limit.
func (s *Store) Traffic(ctx context.Context, device string, span time.Duration, from, to time.Time, limit int) (list []home.Traffic, err error) {
	rows, err := s.reader().QueryContext(ctx, `select at, `+wholeOf+`, peer, scope, service, began, flows, octets_out, octets_in from traffic
		where span = ? and `+ofDevice+` and at >= ? and at < ? order by at, device, peer, service, began limit ?`,
		int64(span/time.Second), sql.Named("device", device), from.Unix(), to.Unix(), limit)
	if err != nil {
		return nil, fmt.Errorf("read traffic: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		t := home.Traffic{Span: span}
		var at int64
		if err := rows.Scan(&at, &t.Device, &t.Peer, &t.Scope, &t.Service, &t.Began, &t.Flows, &t.Out, &t.In); err != nil {
			return nil, fmt.Errorf("read traffic: %w", err)
		}
		t.At = time.Unix(at, 0).UTC()
		list = append(list, t)
	}
	return list, rows.Err()
}

// Trim forgets the oldest traffic of each span of which there are more rows than that.
func (s *Store) Trim(ctx context.Context, most int) error {
	for _, span := range home.Spans {
		for {
			n, err := s.forget(ctx, `select span, device, at, peer, service, began from traffic where span = ?1
				order by at limit max(0, min(5000, (select count(*) from traffic where span = ?1) - ?2))`, span.Span, int64(most))
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	return nil
}

// forget deletes the rows of traffic that a query finds, which is given a span and a number. It returns how many there were.
func (s *Store) forget(ctx context.Context, query string, span time.Duration, number int64) (int64, error) {
	r, err := s.exec(ctx, "delete from traffic where (span, device, at, peer, service, began) in ("+query+")", int64(span/time.Second), number)
	if err != nil {
		return 0, fmt.Errorf("prune traffic: %w", err)
	}
	return r.RowsAffected()
}

// Prune forgets what is older than it is kept, and what there is too much of. It works in small steps, so that nothing
// waits for it long.
func (s *Store) Prune(ctx context.Context, now time.Time) error {
	for _, span := range home.Spans {
		for {
			n, err := s.forget(ctx, "select span, device, at, peer, service, began from traffic where span = ? and at < ? limit 5000", span.Span, now.Add(-span.Keep).Unix())
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
		}
	}
	if err := s.Trim(ctx, MaxRows); err != nil {
		return err
	}
	if _, err := s.exec(ctx, "delete from amount where at < ?", now.Add(-home.Spans[len(home.Spans)-1].Keep).Unix()); err != nil {
		return fmt.Errorf("prune amounts: %w", err)
	}
	_, err := s.exec(ctx, `delete from finding where id not in (select id from finding order by last desc limit ?)`, maxFindings)
	if err != nil {
		return fmt.Errorf("prune findings: %w", err)
	}
	if err := s.pruneReaches(ctx, now); err != nil {
		return err
	}
	if err := s.pruneFiles(ctx); err != nil {
		return fmt.Errorf("prune files: %w", err)
	}
	return nil
}

// spokenOf is whatever may be the digest of a file in what is kept of devices, in what was decided, and in what imports can
// be undone to.
const spokenOf = `select value from device, json_tree(stance) where type = 'text' and length(value) = 64
	union select value from device, json_tree(seen) where type = 'text' and length(value) = 64
	union select value from decision, json_tree(before) where type = 'text' and length(value) = 64
	union select value from decision, json_tree(after) where type = 'text' and length(value) = 64
	union select value from snapshot, json_tree(cast(body as text)) where type = 'text' and length(value) = 64`

// pruneFiles forgets the files that nothing speaks of, now and when it looked before: strangers offer as many as they like.
// One that was just saved is about to be spoken of.
func (s *Store) pruneFiles(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.unused) > 0 {
		list, err := json.Marshal(s.unused)
		if err != nil {
			return err
		}
		if _, err := s.exec(ctx, "delete from file where sha256 in (select value from json_each(?)) and sha256 not in ("+spokenOf+")", string(list)); err != nil {
			return err
		}
	}
	s.unused = nil
	rows, err := s.reader().QueryContext(ctx, "select sha256 from file where sha256 not in ("+spokenOf+")")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var sha string
		if err := rows.Scan(&sha); err != nil {
			return err
		}
		s.unused = append(s.unused, sha)
	}
	return rows.Err()
}

const maxFindings = 10_000

// SaveFindings keeps findings; of those that are kept already, what the household did about them stays.
func (s *Store) SaveFindings(ctx context.Context, list []home.Noted) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for i := range list {
			body, err := json.Marshal(&list[i].Finding)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `insert into finding (id, device, last, state, body) values (?, ?, ?, ?, ?)
				on conflict (id) do update set last = excluded.last, body = excluded.body`,
				list[i].ID(), list[i].Device, list[i].Last, list[i].State, string(body))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save findings: %w", err)
	}
	return nil
}

// SetFinding says what the household did about a finding.
func (s *Store) SetFinding(ctx context.Context, id string, state home.NoteState) error {
	r, err := s.exec(ctx, "update finding set state = ? where id = ?", state, id)
	if err != nil {
		return fmt.Errorf("set finding %s: %w", id, err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		return fmt.Errorf("set finding %s: %w", id, errors.Join(fs.ErrNotExist, err))
	}
	return nil
}

// NoteOf is what a finding of a device is to the household.
func (s *Store) NoteOf(ctx context.Context, device, id string) (state home.NoteState, err error) {
	err = s.reader().QueryRowContext(ctx, "select state from finding where id = ? and "+ofDevice, id, sql.Named("device", device)).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return "", fmt.Errorf("read finding %.40q: %w", id, err)
	}
	return state, nil
}

// Findings are those of a device (all devices, for ""), the latest first, at most limit.
func (s *Store) Findings(ctx context.Context, device string, limit int) (list []home.Noted, err error) {
	return s.findings(ctx, findingColumns+"where "+ofDevice+" order by last desc, id limit ?", sql.Named("device", device), limit)
}

// OpenFindings are those of all devices that nobody did anything about, the latest first, at most limit.
func (s *Store) OpenFindings(ctx context.Context, limit int) (list []home.Noted, err error) {
	return s.findings(ctx, findingColumns+"where state = ? order by last desc, id limit ?", home.Open, limit)
}

// CountFindings is how many findings of all devices are in a state.
func (s *Store) CountFindings(ctx context.Context, state home.NoteState) (n int, err error) {
	if err := s.reader().QueryRowContext(ctx, "select count(*) from finding where state = ?", state).Scan(&n); err != nil {
		return 0, fmt.Errorf("count findings: %w", err)
	}
	return n, nil
}

// Finding is the one of that ID.
func (s *Store) Finding(ctx context.Context, id string) (*home.Noted, error) {
	list, err := s.findings(ctx, findingColumns+"where id = ?", id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("read finding %.40q: %w", id, fs.ErrNotExist)
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// FindingsSince are those of a device that were seen after a time, the latest first.
func (s *Store) FindingsSince(ctx context.Context, device string, since time.Time) ([]home.Noted, error) {
	return s.findings(ctx, findingColumns+"where last > ? and "+ofDevice+" order by last desc, id", since.UnixNano(), sql.Named("device", device))
}

const findingColumns = "select id, " + wholeOf + ", state, body from finding "

func (s *Store) findings(ctx context.Context, query string, args ...any) (list []home.Noted, err error) {
	rows, err := s.reader().QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n home.Noted
		var device, body string
		if err := rows.Scan(&n.Kept, &device, &n.State, &body); err != nil {
			return nil, fmt.Errorf("read findings: %w", err)
		}
		if err := json.Unmarshal([]byte(body), &n.Finding); err != nil {
			return nil, fmt.Errorf("read findings: %w: %w", ErrDamaged, err)
		}
		n.Device = device
		list = append(list, n)
	}
	return list, rows.Err()
}

// SaveFile keeps a MUD file under its digest.
func (s *Store) SaveFile(ctx context.Context, f *home.File) error {
	s.mu.Lock()
	s.unused = slices.DeleteFunc(s.unused, func(sha string) bool { return sha == f.SHA256 })
	s.mu.Unlock()
	_, err := s.exec(ctx, "insert into file (sha256, at, origin, body) values (?, ?, ?, ?) on conflict do nothing",
		f.SHA256, f.At.UnixNano(), f.Origin, f.Body)
	if err != nil {
		return fmt.Errorf("save file %s: %w", f.SHA256, err)
	}
	return nil
}

// File is the MUD file of that digest.
func (s *Store) File(ctx context.Context, sha256 string) (*home.File, error) {
	f := &home.File{SHA256: sha256}
	var at int64
	err := s.reader().QueryRowContext(ctx, "select at, origin, body from file where sha256 = ?", sha256).Scan(&at, &f.Origin, &f.Body)
	if errors.Is(err, sql.ErrNoRows) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("read file %s: %w", sha256, err)
	}
	f.At = time.Unix(0, at).UTC()
	return f, nil
}
