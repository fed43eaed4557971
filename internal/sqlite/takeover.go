package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"

	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/home"
)

// maxSnapshots bounds the imports that can be undone, the last ones.
const maxSnapshots = 4

// TakeOver keeps all that an import, or that two devices are one, or the undoing of it, makes of what is kept, or nothing of
// it, and numbers t.By.
func (s *Store) TakeOver(ctx context.Context, t *home.Takeover) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		for _, f := range t.Files {
			_, err := tx.ExecContext(ctx, "insert into file (sha256, at, origin, body) values (?, ?, ?, ?) on conflict do nothing", f.SHA256, f.At.UnixNano(), f.Origin, f.Body)
			if err != nil {
				return err
			}
		}
		for _, id := range t.Gone {
			if _, err := tx.ExecContext(ctx, "delete from device where id = ?", id); err != nil {
				return err
			}
		}
		for _, d := range t.Devices {
			seen, stance, err := marshal(d, d.Stance)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `insert into device (id, seen, stance) values (?, ?, ?)
				on conflict (id) do update set seen = excluded.seen, stance = excluded.stance`, d.ID, seen, stance)
			if err != nil {
				return err
			}
		}
		if err := setParts(ctx, tx, t); err != nil {
			return err
		}
		added, err := addDecisions(ctx, tx, t.Decisions)
		if err != nil {
			return err
		}
		if t.By.Seq, err = addDecision(ctx, tx, t.By, false); err != nil {
			return err
		}
		for _, seq := range added {
			if _, err := tx.ExecContext(ctx, "update decision set imported = ? where seq = ?", t.By.Seq, seq); err != nil {
				return err
			}
		}
		if err := addNotes(ctx, tx, t.Notes); err != nil {
			return err
		}
		if err := addTicks(ctx, tx, t.Ticks); err != nil {
			return err
		}
		if t.Settings != nil {
			if err := set(ctx, tx, "home", t.Settings); err != nil {
				return err
			}
		}
		if t.By.Verb == home.Undo {
			_, err := tx.ExecContext(ctx, "update decision set undone = ? where seq = ?", t.By.Seq, t.By.Argument)
			return err
		}
		if t.Before == nil {
			return nil
		}
		if _, err := tx.ExecContext(ctx, "insert into snapshot (decision, body) values (?, ?)", t.By.Seq, t.Before); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "delete from snapshot where decision not in (select decision from snapshot order by decision desc limit ?)", maxSnapshots)
		return err
	})
	if err != nil {
		return fmt.Errorf("take over: %w", err)
	}
	return nil
}

// addDecision adds a decision to the log: with its own number, if that is free and asked for.
func addDecision(ctx context.Context, tx *sql.Tx, d *home.Decision, numbered bool) (int64, error) {
	before, after, err := marshal(d.Before, d.After)
	if err != nil {
		return 0, err
	}
	var said []byte
	if d.Said != nil {
		if said, err = json.Marshal(d.Said); err != nil {
			return 0, err
		}
	}
	seq := sql.NullInt64{Int64: d.Seq, Valid: numbered}
	r, err := tx.ExecContext(ctx, `insert into decision (seq, at, actor, verb, device, argument, before, after, said) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		seq, d.At.UnixNano(), d.Actor, d.Verb, d.Device, d.Argument, before, after, string(said))
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// addDecisions adds those that are not in the log yet. In an empty log they keep their numbers.
func addDecisions(ctx context.Context, tx *sql.Tx, list []*home.Decision) (added []int64, err error) {
	some := false
	if err := tx.QueryRowContext(ctx, "select exists (select 1 from decision)").Scan(&some); err != nil {
		return nil, err
	}
	number := map[int64]int64{} // here, by that in the list
	for _, d := range list {
		var seq int64
		err := tx.QueryRowContext(ctx, "select seq from decision where at = ? and actor = ? and verb = ? and device = ? order by seq limit 1",
			d.At.UnixNano(), d.Actor, d.Verb, d.Device).Scan(&seq)
		switch {
		case err == nil && some:
			number[d.Seq] = seq
			continue
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return nil, err
		}
		c := *d
		if undone, err := strconv.ParseInt(d.Argument, 10, 64); d.Verb == home.Undo && err == nil && number[undone] != 0 {
			c.Argument = strconv.FormatInt(number[undone], 10)
		}
		if seq, err = addDecision(ctx, tx, &c, !some); err != nil {
			return nil, err
		}
		number[d.Seq] = seq
		added = append(added, seq)
	}
	for _, d := range list {
		if d.Undone == 0 || number[d.Undone] == 0 {
			continue
		}
		if _, err := tx.ExecContext(ctx, "update decision set undone = ? where seq = ? and undone = 0", number[d.Undone], number[d.Seq]); err != nil {
			return nil, err
		}
	}
	return added, nil
}

func addNotes(ctx context.Context, tx *sql.Tx, list []home.Note) error {
	for _, n := range list {
		f := finding.Finding{Kind: n.Kind, Device: n.Device, Role: n.Role, Key: n.Key, First: n.Last.UnixNano(), Last: n.Last.UnixNano(), Detected: n.Last.UnixNano()}
		body, err := json.Marshal(&f)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `insert into finding (id, device, last, state, body) values (?, ?, ?, ?, ?)
			on conflict (id) do update set state = excluded.state`, f.ID(), f.Device, f.Last, n.State, string(body))
		if err != nil {
			return err
		}
	}
	return nil
}

func addTicks(ctx context.Context, tx *sql.Tx, list []*home.Ticked) error {
	for _, t := range list {
		_, err := tx.ExecContext(ctx, `insert into tick (list, item, at, actor) values (?, ?, ?, ?)
			on conflict do update set at = excluded.at, actor = excluded.actor where excluded.at > at`, t.List, t.Item, t.At.UnixNano(), t.By)
		if err != nil {
			return err
		}
	}
	return nil
}

// Snapshot is what was before the import of that number.
func (s *Store) Snapshot(ctx context.Context, seq int64) (body []byte, err error) {
	err = s.reader().QueryRowContext(ctx, "select body from snapshot where decision = ?", seq).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("read what was before import %d: %w", seq, err)
	}
	return body, nil
}

// Contents puts decisions, files, notes, settings and ticks into an export.
func (s *Store) Contents(ctx context.Context, x *home.Export) error {
	list, err := s.Decisions(ctx, "", 0, home.MaxDecisions)
	if err != nil {
		return err
	}
	slices.Reverse(list)
	x.Decisions = append(x.Decisions, list...)
	if err := errors.Join(s.contentFiles(ctx, x), s.contentTicks(ctx, x)); err != nil {
		return err
	}
	said, err := s.Settings(ctx)
	if err != nil {
		return err
	}
	if *said != (home.Settings{}) {
		x.Settings = said
	}
	rows, err := s.reader().QueryContext(ctx, "select state, body from finding where state != ? order by last desc, id", home.Open)
	if err != nil {
		return fmt.Errorf("read findings: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var state home.NoteState
		var body string
		var f finding.Finding
		if err := rows.Scan(&state, &body); err != nil {
			return fmt.Errorf("read findings: %w", err)
		}
		if err := json.Unmarshal([]byte(body), &f); err != nil {
			return fmt.Errorf("read findings: %w: %w", ErrDamaged, err)
		}
		x.Notes = append(x.Notes, home.Note{Kind: f.Kind, Device: f.Device, Role: f.Role, Key: f.Key, State: state, Last: atNano(f.Last)})
	}
	return rows.Err()
}

func (s *Store) contentTicks(ctx context.Context, x *home.Export) error {
	for _, list := range home.Lists {
		ticks, err := s.Ticks(ctx, list)
		if err != nil {
			return err
		}
		for _, item := range slices.Sorted(maps.Keys(ticks)) {
			if len(x.Ticks) < home.MaxTicks {
				x.Ticks = append(x.Ticks, &home.Ticked{List: list, Item: item, Tick: ticks[item]})
			}
		}
	}
	return nil
}

// Bounds of the files of an export, beside those that devices are held to: strangers offer as many as they like.
const (
	maxFiles  = 512
	maxOctets = home.MaxExport / 8
)

// contentFiles puts files into an export: all that devices are held to, their labels, and those that are offered, or that a decision can
// be undone to, as far as there is room. An offer that there is no room for is made again.
func (s *Store) contentFiles(ctx context.Context, x *home.Export) error {
	here, octets := map[string]bool{}, 0
	add := func(sha string, needed bool) (bool, error) {
		if sha == "" || here[sha] {
			return true, nil
		}
		if !needed && (len(here) >= maxFiles || octets >= maxOctets) {
			return false, nil
		}
		f, err := s.File(ctx, sha)
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		here[sha], octets = true, octets+len(f.Body)
		x.Files = append(x.Files, f)
		return true, nil
	}
	for _, d := range x.Devices {
		for _, p := range append([]*home.Device{d}, d.Parts...) {
			for _, sha := range []string{p.File, p.LabelFile} {
				if _, err := add(sha, true); err != nil {
					return err
				}
			}
		}
	}
	for _, d := range x.Devices {
		if d.Offer == nil {
			continue
		}
		ok, err := add(d.Offer.File, false)
		if err != nil {
			return err
		}
		if !ok {
			d.Offer = nil
		}
	}
	for _, d := range slices.Backward(x.Decisions) {
		for _, sha := range []string{d.Before.File, d.After.File, d.Before.LabelFile, d.After.LabelFile} {
			if _, err := add(sha, false); err != nil {
				return err
			}
		}
	}
	return nil
}
