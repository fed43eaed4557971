//go:build !gateway

package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/label"
)

func scanCase(r row) (*review.Case, error) {
	var data string
	if err := scan(r, "case", &data); err != nil {
		return nil, err
	}
	c := &review.Case{}
	if err := json.Unmarshal([]byte(data), c); err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	return c, nil
}

// Cases are those of an account and a state, the newest first; "" is all.
func (s *Registry) Cases(ctx context.Context, account string, state review.State, limit int) ([]*review.Case, error) {
	rows, err := s.read.QueryContext(ctx, "select data from review where (? = '' or account = ?) and (? = '' or state = ?) order by at desc, id limit ?",
		account, account, string(state), string(state), limit)
	return list(rows, err, "cases", scanCase)
}

// Case is the one of that ID.
func (s *Registry) Case(ctx context.Context, id string) (*review.Case, error) {
	return scanCase(s.read.QueryRowContext(ctx, "select data from review where id = ?", id))
}

// SaveCase keeps a case, and a file that is new in it, if what is kept has the version before.
func (s *Registry) SaveCase(ctx context.Context, c *review.Case, f *review.File, body []byte) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	err = s.change(ctx, func(tx *sql.Tx) error {
		text, args := "update review set state = ?, version = ?, data = ? where id = ? and version = ?", []any{string(c.State), c.Version, string(data), c.ID, c.Version - 1}
		if c.Version == 1 {
			text, args = "insert into review (id, account, state, version, at, data) values (?, ?, ?, 1, ?, ?) on conflict do nothing",
				[]any{c.ID, c.Account, string(c.State), c.Began.At.UnixMilli(), string(data)}
		}
		r, err := tx.ExecContext(ctx, text, args...)
		if err != nil {
			return err
		}
		if n, err := r.RowsAffected(); err != nil || n != 1 {
			return review.ErrStale
		}
		if f != nil {
			_, err = tx.ExecContext(ctx, "insert into review_file (review, hash, body) values (?, ?, ?)", c.ID, f.SHA256[:], body)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("keep case %s: %w", c.ID, err)
	}
	return nil
}

// CaseFile is a file of a case.
func (s *Registry) CaseFile(ctx context.Context, id string, hash label.Hash) (body []byte, err error) {
	err = scan(s.read.QueryRowContext(ctx, "select body from review_file where review = ? and hash = ?", id, hash[:]), "file of a case", &body)
	return body, err
}
