//go:build !gateway

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// changeFlags is what the flags of the verbs that change a label say.
type changeFlags struct {
	registry, key, reason, note string
	evidence                    []string
}

// documentBody is a document as it is sent.
type documentBody struct {
	Media string `json:"media"`
	Body  []byte `json:"body"`
}

// newLabelChange is a verb that changes the status of a label: the change is signed here, and sent to the registry.
func newLabelChange(e env, words *locale.Catalogue, verb label.Verb) *cobra.Command {
	var g changeFlags
	c := &cobra.Command{Use: string(verb), Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		if g.registry == "" || g.key == "" || g.reason == "" {
			return wrongUsage("error.label.change.flags")
		}
		return g.change(c.Context(), e, words, verb, args[0])
	}}
	f := c.Flags()
	f.StringVar(&g.registry, "registry", "", "")
	f.StringVar(&g.key, "key", "", "")
	f.StringVar(&g.reason, "reason", "", "")
	f.StringVar(&g.note, "note", "", "")
	f.StringArrayVar(&g.evidence, "evidence", nil, "")
	return c
}

func (g *changeFlags) change(ctx context.Context, e env, words *locale.Catalogue, verb label.Verb, file string) error {
	envelope, _, err := e.readLabel(file)
	if err != nil {
		return err
	}
	key, err := readSigningKey(g.key)
	if err != nil {
		return err
	}
	client, err := newRegistryClient(g.registry)
	if err != nil {
		return err
	}
	id := label.Hash(label.LeafHash(envelope.Label))
	data, err := client.do(ctx, http.MethodGet, "/api/v1/labels/"+id.String(), nil, nil)
	if err != nil {
		return err
	}
	var now struct {
		Changes []struct {
			Number uint32 `json:"number"`
		} `json:"changes"`
	}
	if err := json.Unmarshal(data, &now); err != nil {
		return &fault{key: "error.registry.refused", args: []any{"url", g.registry, "cause", err.Error()}}
	}
	change := &label.Change{Version: label.Version, Label: id, Number: 1, Verb: verb, At: time.Now().Unix(), Reason: label.Reason(g.reason), Note: g.note}
	for _, c := range now.Changes {
		change.Number = max(change.Number, c.Number+1)
	}
	documents, err := g.documents(change)
	if err != nil {
		return err
	}
	sign1, err := label.SignChange(change, key)
	if err != nil {
		return &fault{errUsage, "error.label.change", []any{"cause", err.Error()}}
	}
	data, err = client.do(ctx, http.MethodPost, "/api/v1/labels/"+id.String()+"/changes", struct {
		Change    []byte         `json:"change"`
		Documents []documentBody `json:"documents,omitempty"`
	}{sign1, documents}, idempotent(sign1))
	if err != nil {
		return err
	}
	var done struct {
		Status label.Status `json:"status"`
		Leaf   uint64       `json:"leaf"`
	}
	if err := json.Unmarshal(data, &done); err != nil {
		return &fault{key: "error.registry.refused", args: []any{"url", g.registry, "cause", err.Error()}}
	}
	_, err = fmt.Fprintln(e.out, printable(words.Text("label.changed", "status", words.Text("label.status."+string(done.Status)), "leaf", fmt.Sprint(done.Leaf))))
	return err
}

// documents reads the evidence, and has the change name it.
func (g *changeFlags) documents(c *label.Change) (list []documentBody, err error) {
	for _, name := range g.evidence {
		body, err := readFile(name, registry.MaxDocument)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		c.Evidence = append(c.Evidence, sum[:])
		media := "application/octet-stream"
		switch strings.ToLower(filepath.Ext(name)) {
		case ".json":
			media = "application/json"
		case ".txt", ".md":
			media = "text/plain"
		case ".pdf":
			media = "application/pdf"
		}
		list = append(list, documentBody{media, body})
	}
	return list, nil
}

// idempotent is the header with which what is sent twice is taken once.
func idempotent(sign1 []byte) map[string]string {
	sum := sha256.Sum256(sign1)
	return map[string]string{"Idempotency-Key": hex.EncodeToString(sum[:16])}
}

// newLabelGrant sends a label that was signed to the registry, which logs and publishes it.
func newLabelGrant(e env, words *locale.Catalogue) *cobra.Command {
	var at, category string
	c := &cobra.Command{Use: "grant", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		if at == "" {
			return wrongUsage("error.label.grant.flags")
		}
		envelope, _, err := e.readLabel(args[0])
		if err != nil {
			return err
		}
		client, err := newRegistryClient(at)
		if err != nil {
			return err
		}
		data, err := client.do(c.Context(), http.MethodPost, "/api/v1/labels", struct {
			Label    []byte `json:"label"`
			Category string `json:"category,omitempty"`
		}{envelope.Label, category}, idempotent(envelope.Label))
		if err != nil {
			return err
		}
		var done struct {
			Leaf    uint64           `json:"leaf"`
			Product *label.Statement `json:"product"`
		}
		if err := json.Unmarshal(data, &done); err != nil || done.Product == nil {
			return &fault{key: "error.registry.refused", args: []any{"url", at, "cause", fmt.Sprint(err)}}
		}
		_, err = fmt.Fprintln(e.out, printable(words.Text("label.granted", "leaf", fmt.Sprint(done.Leaf), "url", client.base+"/01/"+done.Product.GTIN14())))
		return err
	}}
	c.Flags().StringVar(&at, "registry", "", "")
	c.Flags().StringVar(&category, "category", "", "")
	return c
}
