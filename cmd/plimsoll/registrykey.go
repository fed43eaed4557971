//go:build !gateway

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// newRegistryKey is the verbs on the keys of logs, witnesses, issuers and registries.
func newRegistryKey(e env, words *locale.Catalogue) *cobra.Command {
	c := &cobra.Command{Use: "key", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return wrongUsage("error.verb", "name", "registry key "+args[0])
		}
		return c.Help()
	}}
	c.AddCommand(newRegistryKeyList(e, words), newRegistryKeyMake(e, words), newRegistryKeyRotate(e, words))
	return c
}

// The kinds of keys.
const (
	keyLog      = "log"
	keyWitness  = "witness"
	keyIssuer   = "issuer"
	keyRegistry = "registry"
)

func newRegistryKeyMake(e env, words *locale.Catalogue) *cobra.Command {
	var kind, name, out string
	c := &cobra.Command{Use: "make", Args: noArgs, RunE: func(*cobra.Command, []string) error {
		if out == "" || name == "" && (kind == keyLog || kind == keyWitness) {
			return wrongUsage("error.registry.key.flags")
		}
		private, public, err := makeKey(kind, name)
		if err != nil {
			return logFault(err, name)
		}
		if err := writeSecret(out, private); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(e.err, words.Text("registry.key.made", "name", out)); err != nil {
			return err
		}
		_, err = e.out.Write(public)
		return err
	}}
	f := c.Flags()
	f.StringVar(&kind, "kind", "", "")
	f.StringVar(&name, "name", "", "")
	f.StringVar(&out, "out", "", "")
	return c
}

// makeKey makes a key: of a log or a witness for notes, of others in PEM.
func makeKey(kind, name string) (private, public []byte, err error) {
	switch kind {
	case keyLog, keyWitness:
		newKey := labellog.NewLogKey
		if kind == keyWitness {
			newKey = labellog.NewWitnessKey
		}
		private, vkey, err := newKey(name)
		return []byte(private + "\n"), []byte(vkey + "\n"), err
	case keyIssuer, keyRegistry:
		verify, sign, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, nil, err
		}
		secret, err := x509.MarshalPKCS8PrivateKey(sign)
		if err != nil {
			return nil, nil, err
		}
		known, err := x509.MarshalPKIXPublicKey(verify)
		return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: known}), err
	}
	return nil, nil, wrongUsage("error.registry.key.kind", "kind", kind)
}

// writeSecret writes a file that only its owner may read, and that is not there yet.
func writeSecret(name string, data []byte) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return &fault{key: "error.registry.key.there", args: []any{"name", name}}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Sync(), f.Close())
}

// registryKeys is what schema/registry-keys.json describes.
type registryKeys struct {
	Schema  string        `json:"schema"`
	Log     string        `json:"log"`
	Size    uint64        `json:"size"`
	Issuers []registryKey `json:"issuers"`
}

type registryKey struct {
	Name  string    `json:"name"`
	Key   string    `json:"key"` // Ed25519, hexadecimal
	From  label.Day `json:"from"`
	Until label.Day `json:"until,omitzero"`
}

func newRegistryKeyList(e env, words *locale.Catalogue) *cobra.Command {
	var policy, log string
	asJSON := false
	c := &cobra.Command{Use: "list", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		if policy == "" || log == "" {
			return wrongUsage("error.registry.log.flags")
		}
		p, err := readPolicy(policy)
		if err != nil {
			return err
		}
		r, err := labellog.NewReader(log, logClient())
		if err != nil {
			return err
		}
		// a monitor that keeps nothing: keys that the log does not prove are not listed
		report, err := (&labellog.Monitor{Reader: r, Policy: p}).Check(c.Context())
		if err != nil {
			return logFault(err, log)
		}
		if a := report.Torn(); a != nil {
			return &fault{errUnverified, "error.registry.torn", []any{"name", log, "cause", a.Detail}}
		}
		keys := registryKeys{"plimsoll.registry.keys/1", report.Now.Origin, report.Now.Size, []registryKey{}}
		for _, i := range report.Issuers {
			keys.Issuers = append(keys.Issuers, registryKey{i.Name, hex.EncodeToString(i.Key), i.From, i.Until})
		}
		if asJSON {
			return printJSON(e.out, keys)
		}
		for _, k := range keys.Issuers {
			text := words.Text("registry.key.from", "name", k.Name, "key", k.Key, "from", words.Date(k.From.Time()))
			if k.Until != 0 {
				text = words.Text("registry.key.until", "name", k.Name, "key", k.Key, "from", words.Date(k.From.Time()), "until", words.Date(k.Until.Time()))
			}
			if _, err := fmt.Fprintln(e.out, printable(text)); err != nil {
				return err
			}
		}
		return nil
	}}
	f := c.Flags()
	f.StringVar(&policy, "policy", "", "")
	f.StringVar(&log, "log", "", "")
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

// rotation is a change of an issuer’s keys.
type rotation struct {
	log, logKey, policy, issuer, add, end string
	from, until                           label.Day
}

func newRegistryKeyRotate(e env, words *locale.Catalogue) *cobra.Command {
	var r rotation
	c := &cobra.Command{Use: "rotate", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		if r.log == "" || r.logKey == "" || r.issuer == "" || r.add == "" && r.end == "" {
			return wrongUsage("error.registry.rotate.flags")
		}
		leaves, err := r.leaves(label.DayOf(time.Now()))
		if err != nil {
			return err
		}
		return r.append(c.Context(), e, words, leaves)
	}}
	f := c.Flags()
	f.StringVar(&r.log, "log", "", "")
	f.StringVar(&r.logKey, "log-key", "", "")
	f.StringVar(&r.policy, "policy", "", "")
	f.StringVar(&r.issuer, "issuer", "", "")
	f.StringVar(&r.add, "add", "", "")
	f.StringVar(&r.end, "end", "", "")
	f.TextVar(&r.from, "from", label.Day(0), "")
	f.TextVar(&r.until, "until", label.Day(0), "")
	return c
}

// leaves are what the log is told: the new key first, so that the issuer is never without.
func (r *rotation) leaves(today label.Day) (list []labellog.Leaf, err error) {
	if r.add != "" {
		k, err := readPublicKey(r.add)
		if err != nil {
			return nil, err
		}
		list = append(list, labellog.KeyAdded{Name: r.issuer, Key: k, From: orDay(r.from, today)})
	}
	if r.end != "" {
		k, err := readPublicKey(r.end)
		if err != nil {
			return nil, err
		}
		list = append(list, labellog.KeyEnded{Name: r.issuer, Key: k, Until: orDay(r.until, today)})
	}
	return list, nil
}

func orDay(d, otherwise label.Day) label.Day {
	if d == 0 {
		return otherwise
	}
	return d
}

// append opens the log, which no registry may be running on, and adds the leaves.
func (r *rotation) append(ctx context.Context, e env, words *locale.Catalogue, leaves []labellog.Leaf) (err error) {
	var o labellog.Options
	if r.policy != "" {
		if o.Policy, err = readPolicy(r.policy); err != nil {
			return err
		}
	}
	private, err := readNoteKey(r.logKey)
	if err != nil {
		return err
	}
	signer, err := labellog.LogSigner(private)
	if err != nil {
		return logFault(err, r.logKey)
	}
	labellog.LogTo(quiet())
	l, err := labellog.Open(ctx, r.log, signer, o)
	if err != nil {
		return logFault(err, r.log)
	}
	defer func() { err = errors.Join(err, l.Close(context.WithoutCancel(ctx))) }()
	for _, leaf := range leaves {
		index, err := l.Append(ctx, leaf)
		if err != nil {
			return &fault{key: "error.registry.append", args: []any{"cause", err.Error()}}
		}
		if _, err := fmt.Fprintln(e.err, printable(words.Text("registry.key.logged", "name", r.issuer, "index", index))); err != nil {
			return err
		}
	}
	return nil
}
