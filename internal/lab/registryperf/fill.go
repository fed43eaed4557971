package main

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/label"
)

// batch is how many labels are kept in one transaction.
const batch = 5000

// elsewhere is where the leaves of the labels that fill the database are said to be: the log that is measured is new.
const elsewhere = 1 << 40

// key is one that is always the same for a seed.
func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(append(make([]byte, 31), seed))
}

func publicKey(seed byte) ed25519.PublicKey {
	k, _ := key(seed).Public().(ed25519.PublicKey)
	return k
}

// gtin is the n-th, with its check digit.
func gtin(n int) uint64 {
	g := 950600000000 + uint64(n)
	sum := uint64(0)
	for i, x := 0, g; x > 0; i, x = i+1, x/10 {
		if i%2 == 0 {
			sum += 3 * (x % 10)
		} else {
			sum += x % 10
		}
	}
	return g*10 + (10-sum%10)%10
}

var kinds = []string{"camera", "light", "plug", "speaker", "tv", "lock", "thermostat", "router"}

// statement is the one of the n-th product: of the usual size.
func statement(n int, index uint32, day label.Day) *label.Statement {
	s := &label.Statement{
		Version: label.Version, GTIN: gtin(n), Maker: fmt.Sprintf("Maker %d", n%4000), Model: fmt.Sprintf("Model %d", n), Profile: 1, Issued: day, Index: index,
		Support: day + 1500, MUDURL: "https://mud.example/p", Sensors: 1, Practices: 3,
	}
	for i, id := range label.ProfileNorms(1) {
		s.SetClass(id, label.Class((n+i)%5))
	}
	return s
}

// fill makes the database, unless it is there: one label in a hundred is suspended, by chance.
func fill(ctx context.Context, name string, labels int, talk io.Writer) (err error) {
	s, err := sqlite.OpenRegistry(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if list, err := s.Accounts(ctx); err != nil || len(list) > 0 {
		return err
	}
	day := label.DayOf(time.Now()) - 1
	chance := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the same each time
	for from := 0; from < labels; from += batch {
		entries := sign(from, min(from+batch, labels), day)
		if err := s.Commit(ctx, entries, nil, nil); err != nil {
			return err
		}
		changes := make([]*registry.Entry, 0, batch/100)
		for i, e := range entries {
			if e.Refused() != nil {
				return e.Refused()
			}
			e.Index, e.Logged = elsewhere+2*uint64(from+i), true
			if chance.IntN(100) == 0 {
				c, err := suspend(e)
				if err != nil {
					return err
				}
				c.Index = e.Index + 1
				changes = append(changes, c)
			}
		}
		if err := s.Commit(ctx, nil, entries, nil); err != nil {
			return err
		}
		if err := s.Commit(ctx, changes, nil, nil); err != nil {
			return err
		}
		for _, c := range changes {
			c.Logged = true
		}
		if err := s.Commit(ctx, nil, changes, nil); err != nil {
			return err
		}
		if (from/batch)%20 == 19 {
			fmt.Fprintf(talk, "%d labels\n", from+batch)
		}
	}
	blocks := []registry.Block{{First: 0, Size: uint32(labels)}, {First: uint32(labels), Size: 10_000_000}}
	return s.SaveAccount(ctx, &registry.Account{
		ID: "body", Name: "Example Authority", Role: registry.CertificationBody, Since: time.Now(), Keys: []registry.Key{{Public: publicKey(1), From: day}}, Blocks: blocks,
	})
}

// sign makes the entries of labels, on all cores.
func sign(from, to int, day label.Day) []*registry.Entry {
	list := make([]*registry.Entry, to-from)
	var all sync.WaitGroup
	cores := runtime.NumCPU()
	for c := range cores {
		all.Go(func() {
			for i := c; i < len(list); i += cores {
				st := statement(from+i, uint32(from+i), day)
				sign1, err := label.Sign(st, key(1))
				if err != nil {
					panic(err) // the statement is our own
				}
				e := &registry.Entry{
					Kind: registry.Grant, Hash: label.LeafHash(sign1), Body: sign1, Account: "body", At: day.Time().Add(time.Hour), GTIN: st.GTIN, StatusIndex: st.Index,
					Status: label.Active,
				}
				e.Label = e.Hash
				e.Grant = &registry.Label{ID: e.Hash, Sign1: sign1, Account: "body", Category: kinds[(from+i)%len(kinds)]}
				list[i] = e
			}
		})
	}
	all.Wait()
	return list
}

func suspend(of *registry.Entry) (*registry.Entry, error) {
	c := &label.Change{Version: label.Version, Label: of.Label, Number: 1, Verb: label.Suspend, At: of.At.Unix() + 1, Reason: "exploited"}
	sign1, err := label.SignChange(c, key(1))
	if err != nil {
		return nil, err
	}
	return &registry.Entry{
		Kind: registry.Change, Hash: registry.ChangeHash(sign1), Body: sign1, Account: "body", At: c.Time(), Label: of.Label, GTIN: of.GTIN, StatusIndex: of.StatusIndex,
		Change: c,
	}, nil
}
