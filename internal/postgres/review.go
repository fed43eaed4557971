package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"plimsoll.example/plimsoll/internal/review"
	"plimsoll.example/plimsoll/label"
)

func scanCase(r pgx.CollectableRow) (*review.Case, error) {
	var data string
	if err := r.Scan(&data); err != nil {
		return nil, err
	}
	c := &review.Case{}
	return c, json.Unmarshal([]byte(data), c)
}

// Cases are those of an account and a state, the newest first; "" is all.
func (s *Registry) Cases(ctx context.Context, account string, state review.State, limit int) ([]*review.Case, error) {
	rows, err := s.pool.Query(ctx, "select data from review where ($1 = '' or account = $1) and ($2 = '' or state = $2) order by at desc, id limit $3",
		account, string(state), limit)
	return list(rows, err, "cases", scanCase)
}

// Case is the one of that ID.
func (s *Registry) Case(ctx context.Context, id string) (*review.Case, error) {
	rows, err := s.pool.Query(ctx, "select data from review where id = $1", id)
	return one(rows, err, "case", scanCase)
}

// SaveCase keeps a case, and a file that is new in it, if what is kept has the version before.
func (s *Registry) SaveCase(ctx context.Context, c *review.Case, f *review.File, body []byte) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		text, args := "update review set state = $1, version = $2, data = $3 where id = $4 and version = $5", []any{string(c.State), c.Version, string(data), c.ID, c.Version - 1}
		if c.Version == 1 {
			text, args = "insert into review (id, account, state, version, at, data) values ($1, $2, $3, 1, $4, $5) on conflict do nothing",
				[]any{c.ID, c.Account, string(c.State), c.Began.At.UnixMilli(), string(data)}
		}
		tag, err := tx.Exec(ctx, text, args...)
		if err != nil {
			return err
		}
		if tag.RowsAffected() != 1 {
			return review.ErrStale
		}
		if f != nil {
			_, err = tx.Exec(ctx, "insert into review_file (review, hash, body) values ($1, $2, $3)", c.ID, f.SHA256[:], body)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("keep case %s: %w", c.ID, err)
	}
	return nil
}

// CaseFile is a file of a case.
func (s *Registry) CaseFile(ctx context.Context, id string, hash label.Hash) ([]byte, error) {
	rows, err := s.pool.Query(ctx, "select body from review_file where review = $1 and hash = $2", id, hash[:])
	return one(rows, err, "file of a case", func(r pgx.CollectableRow) (body []byte, _ error) { return body, r.Scan(&body) })
}
