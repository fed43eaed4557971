//go:build !gateway

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/label"
)

// registryProof is what schema/registry-proof.json describes.
type registryProof struct {
	Schema   string `json:"schema"`
	Log      string `json:"log"`
	Leaf     string `json:"leaf"` // hash, hexadecimal
	Index    uint64 `json:"index"`
	Size     uint64 `json:"size"`
	Cosigned string `json:"cosigned"`
}

// maxProofFile bounds the file of a proof, octets.
const maxProofFile = 128 << 10

func newRegistryProof(e env, words *locale.Catalogue) *cobra.Command {
	var policy, log, proof, out string
	asJSON := false
	c := &cobra.Command{Use: "proof", Args: cobra.ArbitraryArgs, RunE: func(c *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.label.file")
		}
		if policy == "" || (log == "") == (proof == "") {
			return wrongUsage("error.registry.proof.flags")
		}
		p, err := readPolicy(policy)
		if err != nil {
			return err
		}
		envelope, _, err := e.readLabel(args[0])
		if err != nil {
			return err
		}
		var file []byte
		name := proof
		if proof != "" {
			file, err = readFile(proof, maxProofFile)
		} else {
			name = log
			file, err = fetchProof(c.Context(), log, p, envelope.Label)
		}
		if err != nil {
			return logFault(err, name)
		}
		index, checkpoint, err := p.OpenProof(file, envelope.Label)
		if err != nil {
			return logFault(err, name)
		}
		if out != "" {
			if err := e.writeOutput(out, file); err != nil || out == "-" {
				return err
			}
		}
		leaf := label.LeafHash(envelope.Label)
		if asJSON {
			return printJSON(e.out, registryProof{"plimsoll.registry.proof/1", checkpoint.Origin, fmt.Sprintf("%x", leaf[:]), index, checkpoint.Size, cosigned(checkpoint)})
		}
		_, err = fmt.Fprintln(e.out, printable(words.Text("registry.proof", "log", checkpoint.Origin, "index", index, "size", checkpoint.Size)))
		return err
	}}
	f := c.Flags()
	f.StringVar(&policy, "policy", "", "")
	f.StringVar(&log, "log", "", "")
	f.StringVar(&proof, "proof", "", "")
	f.StringVar(&out, "out", "", "")
	f.BoolVar(&asJSON, "json", false, "")
	return c
}

// cosigned is when the witnesses had cosigned a checkpoint, or "" where none is asked for.
func cosigned(c *labellog.Checkpoint) string {
	if c.At.IsZero() {
		return ""
	}
	return c.At.Format(time.RFC3339)
}

// fetchProof looks for a label in a log, and takes the proof that it is there.
func fetchProof(ctx context.Context, place string, p *labellog.Policy, sign1 []byte) ([]byte, error) {
	r, err := labellog.NewReader(place, logClient())
	if err != nil {
		return nil, err
	}
	data, err := r.Published(ctx)
	if err != nil {
		return nil, err
	}
	checkpoint, err := p.Open(data)
	if err != nil {
		return nil, err
	}
	index, err := r.Find(ctx, label.LeafHash(sign1), checkpoint.Size)
	if err != nil {
		return nil, err
	}
	return r.ProofFile(ctx, index, checkpoint)
}
