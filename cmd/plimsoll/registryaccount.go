//go:build !gateway

package main

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// accountFlags is what the verbs on accounts have in common: whoever reaches the database is the scheme’s owner.
type accountFlags struct {
	env
	words           *locale.Catalogue
	state, database string
}

// newRegistryAccount is the verbs on those who may write. A registry that runs takes changes in within seconds.
func newRegistryAccount(e env, words *locale.Catalogue) *cobra.Command {
	c := &cobra.Command{Use: "account", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.verb", "name", "registry account "+args[0])
		}
		return c.Help()
	}}
	g := accountFlags{env: e, words: words}
	c.AddCommand(g.newAdd(), g.newEnd(), g.newExtend(), g.newList())
	return c
}

func (g *accountFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&g.state, "state", "", "")
	c.Flags().StringVar(&g.database, "database", "", "")
}

// with opens the database.
func (g *accountFlags) with(ctx context.Context, do func(registry.Store) error) (err error) {
	dir := filepath.Join(stateDir(g.state, g.getenv), "registry")
	s, err := openRegistry(ctx, g.database, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return accountFault(do(s))
}

func accountFault(err error) error {
	switch {
	case errors.Is(err, registry.ErrUnknown):
		return &fault{fs.ErrNotExist, "error.registry.account.unknown", []any{"cause", err.Error()}}
	case registry.IsRefusal(err):
		return &fault{key: "error.registry.account", args: []any{"cause", err.Error()}}
	}
	return err
}

// find is the account of an ID.
func find(ctx context.Context, s registry.Store, id string) (*registry.Account, error) {
	list, err := s.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	return nil, fmt.Errorf("account %.40q: %w", id, registry.ErrUnknown)
}

func (g *accountFlags) newAdd() *cobra.Command {
	var name, role, public string
	var from label.Day
	keep := false
	c := &cobra.Command{Use: "add", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 || (public == "") != keep {
			return wrongUsage("error.registry.account.flags")
		}
		key, err := g.accountKey(args[0], public)
		if err != nil {
			return err
		}
		now := time.Now().UTC().Truncate(time.Millisecond)
		if from == 0 {
			from = label.DayOf(now)
		}
		return g.with(c.Context(), func(s registry.Store) error {
			a, err := find(c.Context(), s, args[0])
			switch {
			case errors.Is(err, registry.ErrUnknown):
				a = &registry.Account{ID: args[0], Name: name, Role: registry.Role(role), Since: now}
			case err != nil:
				return err
			}
			for _, k := range a.Keys {
				if k.Public.Equal(key) {
					return nil // it has it
				}
			}
			a.Keys = append(a.Keys, registry.Key{Public: key, From: from})
			if err := registry.NewAccount(c.Context(), s, a); err != nil {
				return err
			}
			return g.note(c.Context(), s, "account-key-add", a.ID, key)
		})
	}}
	g.flags(c)
	f := c.Flags()
	f.StringVar(&name, "org", "", "")
	f.StringVar(&role, "role", "", "")
	f.StringVar(&public, "public", "", "")
	f.BoolVar(&keep, "keep", false, "")
	f.TextVar(&from, "from", label.Day(0), "")
	return c
}

// accountKey is the public key of an account: of a file, or "" for one that is made and kept at the registry, so that its
// persons can sign in their workspace.
func (g *accountFlags) accountKey(id, public string) (ed25519.PublicKey, error) {
	if public != "" {
		return readPublicKey(public)
	}
	if err := (&registry.Account{ID: id, Name: "x", Role: registry.Lab}).Check(); err != nil {
		return nil, accountFault(err) // the ID names a file
	}
	name := deskKey(filepath.Join(stateDir(g.state, g.getenv), "registry"), id)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	if err := makeIfMissing(name, keyRegistry, ""); err != nil {
		return nil, err
	}
	private, err := readSigningKey(name)
	if err != nil {
		return nil, err
	}
	key, _ := private.Public().(ed25519.PublicKey)
	return key, nil
}

// note audits what the operator did.
func (g *accountFlags) note(ctx context.Context, s registry.Store, action, id string, key ed25519.PublicKey) error {
	err := s.Note(ctx, &registry.Audit{At: time.Now(), Account: registry.Self, Action: action, Subject: id, Outcome: registry.Done})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(g.err, printable(g.words.Text("registry.account.done", "name", id, "key", hex.EncodeToString(label.KeyID(key)))))
	return err
}

func (g *accountFlags) newEnd() *cobra.Command {
	var public string
	var until label.Day
	c := &cobra.Command{Use: "end", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 || public == "" {
			return wrongUsage("error.registry.account.flags")
		}
		key, err := readPublicKey(public)
		if err != nil {
			return err
		}
		if until == 0 {
			until = label.DayOf(time.Now())
		}
		return g.with(c.Context(), func(s registry.Store) error {
			a, err := find(c.Context(), s, args[0])
			if err != nil {
				return err
			}
			for i := range a.Keys {
				if a.Keys[i].Public.Equal(key) {
					a.Keys[i].Until = until
					if err := s.SaveAccount(c.Context(), a); err != nil {
						return err
					}
					return g.note(c.Context(), s, "account-key-end", a.ID, key)
				}
			}
			return fmt.Errorf("key %x of %s: %w", label.KeyID(key), a.ID, registry.ErrUnknown)
		})
	}}
	g.flags(c)
	c.Flags().StringVar(&public, "public", "", "")
	c.Flags().TextVar(&until, "until", label.Day(0), "")
	return c
}

func (g *accountFlags) newExtend() *cobra.Command {
	var size uint32
	c := &cobra.Command{Use: "extend", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 || size == 0 {
			return wrongUsage("error.registry.extend")
		}
		return g.with(c.Context(), func(s registry.Store) error {
			_, err := registry.Extend(c.Context(), s, args[0], size)
			return err
		})
	}}
	g.flags(c)
	c.Flags().Uint32Var(&size, "labels", registry.BlockSize, "")
	return c
}

// accountList is what schema/registry-accounts.json describes.
type accountList struct {
	Schema   string             `json:"schema"`
	Accounts []registry.Account `json:"accounts"`
}

func (g *accountFlags) newList() *cobra.Command {
	asJSON := false
	c := &cobra.Command{Use: "list", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		return g.with(c.Context(), func(s registry.Store) error {
			list, err := s.Accounts(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(g.out, accountList{"plimsoll.registry.accounts/1", append([]registry.Account{}, list...)})
			}
			for _, a := range list {
				text := g.words.Text("registry.account.line", "id", a.ID, "name", a.Name, "role", g.words.Text("registry.role."+string(a.Role)), "n", len(a.Keys))
				if _, err := fmt.Fprintln(g.out, printable(text)); err != nil {
					return err
				}
			}
			return nil
		})
	}}
	g.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}

// newRegistryAudit lists what accounts did, and what they were refused.
func newRegistryAudit(e env, words *locale.Catalogue) *cobra.Command {
	g := accountFlags{env: e, words: words}
	asJSON := false
	limit := 50
	c := &cobra.Command{Use: "audit", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		if limit < 1 || limit > 100_000 {
			return wrongUsage("error.registry.limit")
		}
		return g.with(c.Context(), func(s registry.Store) error {
			list, err := s.Audits(c.Context(), 0, limit)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(e.out, struct {
					Schema string            `json:"schema"`
					Audit  []*registry.Audit `json:"audit"`
				}{"plimsoll.registry.audit/1", append([]*registry.Audit{}, list...)})
			}
			for _, a := range list {
				if _, err := fmt.Fprintln(e.out, printable(fmt.Sprintf("%s  %s  %s  %s  %s", rfc3339(a.At), a.Account, a.Action, a.Subject, a.Outcome))); err != nil {
					return err
				}
			}
			return nil
		})
	}}
	g.flags(c)
	c.Flags().IntVar(&limit, "limit", limit, "")
	c.Flags().BoolVar(&asJSON, "json", false, "")
	return c
}
