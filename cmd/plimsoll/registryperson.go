//go:build !gateway

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/auth"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/internal/review"
)

// registryStore is all that a registry and its workspaces keep.
type registryStore interface {
	registry.Store
	review.Store
	auth.Store
}

// newRegistryPerson is the verbs on those who come into a workspace, each for one account.
func newRegistryPerson(e env, words *locale.Catalogue) *cobra.Command {
	c := &cobra.Command{Use: "person", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.verb", "name", "registry person "+args[0])
		}
		return c.Help()
	}}
	g := accountFlags{env: e, words: words}
	c.AddCommand(g.newPersonAdd(), g.newPersonRemove(), g.newPersonReset(), g.newPersonList())
	return c
}

// people opens the database.
func (g *accountFlags) people(ctx context.Context, do func(registryStore) error) (err error) {
	s, err := openRegistry(ctx, g.database, filepath.Join(stateDir(g.state, g.getenv), "registry"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return accountFault(do(s))
}

var personName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._@-]*$`)

const longestPersonName = 64 // letters; counted in the expression, they would take a megabyte of each program

func (g *accountFlags) newPersonAdd() *cobra.Command {
	var account string
	c := &cobra.Command{Use: "add", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 || account == "" || utf8.RuneCountInString(args[0]) > longestPersonName || !personName.MatchString(args[0]) {
			return wrongUsage("error.registry.person")
		}
		data, err := g.readInput("-", auth.MostPassword+2)
		if err != nil {
			return err
		}
		password := strings.TrimRight(string(data), "\r\n")
		return g.people(c.Context(), func(s registryStore) error {
			a, err := find(c.Context(), s, account)
			if err != nil {
				return err
			}
			err = auth.NewDoor(s, time.Now).Add(c.Context(), args[0], a.ID, password)
			if errors.Is(err, auth.ErrPassword) {
				return &fault{key: "error.registry.password", args: []any{"least", auth.LeastPassword, "most", auth.MostPassword}}
			}
			if err != nil {
				return err
			}
			return notePerson(c.Context(), s, "person-add", args[0], a.ID)
		})
	}}
	g.flags(c)
	c.Flags().StringVar(&account, "account", "", "")
	return c
}

// notePerson audits what the operator did.
func notePerson(ctx context.Context, s registry.Store, action, name, account string) error {
	return s.Note(ctx, &registry.Audit{At: time.Now(), Account: registry.Self, Action: action, Subject: account, Outcome: registry.DoneTo(name)})
}

func (g *accountFlags) newPersonRemove() *cobra.Command {
	return g.personVerb("remove", func(ctx context.Context, s registryStore, name string) error { return s.DeleteUser(ctx, name) })
}

// newPersonReset is for who lost a device, or thinks that somebody else comes in.
func (g *accountFlags) newPersonReset() *cobra.Command {
	return g.personVerb("reset", func(ctx context.Context, s registryStore, name string) error {
		return auth.NewDoor(s, time.Now).Reset(ctx, name)
	})
}

// personVerb is a verb on one person who is there.
func (g *accountFlags) personVerb(verb string, do func(context.Context, registryStore, string) error) *cobra.Command {
	c := &cobra.Command{Use: verb, Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.registry.person")
		}
		return g.people(c.Context(), func(s registryStore) error {
			u, err := s.User(c.Context(), args[0])
			if errors.Is(err, fs.ErrNotExist) {
				return &fault{fs.ErrNotExist, "error.registry.person.unknown", []any{"name", args[0]}}
			}
			if err != nil {
				return err
			}
			if err := do(c.Context(), s, u.Name); err != nil {
				return err
			}
			return notePerson(c.Context(), s, "person-"+verb, u.Name, u.Role)
		})
	}}
	g.flags(c)
	return c
}

// personList is what schema/registry-people.json describes.
type personList struct {
	Schema string       `json:"schema"`
	People []personLine `json:"people"`
}

type personLine struct {
	Name    string `json:"name"`
	Account string `json:"account"`
	Since   string `json:"since"`
	// Passkeys is how many they have.
	Passkeys int `json:"passkeys"`
}

func (g *accountFlags) newPersonList() *cobra.Command {
	asJSON := false
	c := &cobra.Command{Use: "list", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		return g.people(c.Context(), func(s registryStore) error {
			users, err := s.Users(c.Context())
			if err != nil {
				return err
			}
			out := personList{"plimsoll.registry.people/1", []personLine{}}
			for _, u := range users {
				out.People = append(out.People, personLine{u.Name, u.Role, rfc3339(u.Since), len(u.Passkeys)})
			}
			if asJSON {
				return printJSON(g.out, out)
			}
			for _, p := range out.People {
				if _, err := fmt.Fprintln(g.out, printable(g.words.Text("registry.person.line", "name", p.Name, "account", p.Account, "passkeys", p.Passkeys))); err != nil {
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
