package sqlite

import (
	"context"
	"database/sql"

	"plimsoll.example/plimsoll/internal/home"
)

// What is kept of a device, and of those that are one with it, is that of both. ofDevice is a condition on its ID, or "" for
// all devices, which is @device; wholeOf is the ID of the device that a row is of.
const (
	ofDevice = "(@device = '' or device = @device or device in (select id from part where whole = @device))"
	wholeOf  = "coalesce((select whole from part where part.id = device), device)"
)

// setParts keeps which devices are parts of those of a takeover.
func setParts(ctx context.Context, tx *sql.Tx, t *home.Takeover) error {
	for _, id := range t.Gone {
		if _, err := tx.ExecContext(ctx, "delete from part where whole = ?", id); err != nil {
			return err
		}
	}
	for _, d := range t.Devices {
		if _, err := tx.ExecContext(ctx, "delete from part where ?1 in (id, whole)", d.ID); err != nil {
			return err
		}
	}
	for _, d := range t.Devices {
		for _, p := range d.Parts {
			if p.ID == d.ID {
				continue
			}
			if _, err := tx.ExecContext(ctx, "insert into part (id, whole) values (?, ?) on conflict (id) do update set whole = excluded.whole", p.ID, d.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
