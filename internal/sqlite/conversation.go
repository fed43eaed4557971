package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"time"

	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/policy"
)

// maxConversations bounds those that are kept; the ones that went on last stay.
const maxConversations = 20_000

// SaveConversations keeps conversations, in place of what was kept of them.
func (s *Store) SaveConversations(ctx context.Context, list []policy.Remembered) error {
	err := s.change(ctx, func(tx *sql.Tx) error {
		put, err := tx.PrepareContext(ctx, `insert into conversation (device, direction, unsure, proto, type, peer, own, peer_port, own_port,
				name, told, answered, flows, packets, octets, first, last, flow, protocol)
			values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			on conflict do update set name = excluded.name, told = excluded.told, answered = excluded.answered, flows = excluded.flows,
				packets = excluded.packets, octets = excluded.octets, first = excluded.first, last = excluded.last`)
		if err != nil {
			return err
		}
		defer put.Close()
		for i := range list {
			c := &list[i]
			name := ""
			if len(c.Names) > 0 {
				name = c.Names[0]
			}
			_, err := put.ExecContext(ctx, c.Device.String(), int64(c.Direction), c.Unsure, int64(c.Proto), int64(c.Type), c.Peer.Netip().String(),
				c.Own.Netip().String(), int64(c.PeerPort), int64(c.OwnPort), name, c.Told, c.Answered, int64(c.Flows), int64(c.Packets), int64(c.Octets),
				c.First, c.Last, c.Flow, c.Protocol)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("save conversations: %w", err)
	}
	return nil
}

// Conversations are all that are kept, those that went on last first.
func (s *Store) Conversations(ctx context.Context) (list []policy.Remembered, err error) {
	rows, err := s.reader().QueryContext(ctx, `select device, direction, unsure, proto, type, peer, own, peer_port, own_port,
		name, told, answered, flows, packets, octets, first, last, flow, protocol from conversation order by last desc limit ?`, maxConversations)
	if err != nil {
		return nil, fmt.Errorf("read conversations: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var c policy.Remembered
		var mac, peer, own, name string
		err := rows.Scan(&mac, &c.Direction, &c.Unsure, &c.Proto, &c.Type, &peer, &own, &c.PeerPort, &c.OwnPort,
			&name, &c.Told, &c.Answered, &c.Flows, &c.Packets, &c.Octets, &c.First, &c.Last, &c.Flow, &c.Protocol)
		if err != nil {
			return nil, fmt.Errorf("read conversations: %w", err)
		}
		m, macErr := frame.ParseMAC(mac)
		p, peerErr := netip.ParseAddr(peer)
		o, ownErr := netip.ParseAddr(own)
		if macErr != nil || peerErr != nil || ownErr != nil || c.Direction > policy.ToDevice || c.Flows == 0 {
			continue // nobody else writes here; what cannot be is left out
		}
		if c.Device, c.Peer, c.Own = m, frame.AddrFrom(p), frame.AddrFrom(o); name != "" {
			c.Names = []string{name}
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// ForgetConversations forgets those of which nothing was heard since a time, and those that there are too many of.
func (s *Store) ForgetConversations(ctx context.Context, before time.Time) error {
	_, err := s.exec(ctx, `delete from conversation where last < max(?, coalesce((select last from conversation order by last desc limit 1 offset ?), 0))`,
		before.UnixNano(), maxConversations)
	if err != nil {
		return fmt.Errorf("forget conversations: %w", err)
	}
	return nil
}
