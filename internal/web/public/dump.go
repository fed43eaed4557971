package public

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"plimsoll.example/plimsoll/internal/registry"
	"plimsoll.example/plimsoll/label"
)

// DumpContext goes before the digest that a dump’s signature is of.
const DumpContext = "plimsoll registry dump v1\n"

// dumpLine is a label in a dump.
type dumpLine struct {
	ID       label.Hash   `json:"id"`
	Issuer   string       `json:"issuer"`
	Category string       `json:"category"`
	Status   label.Status `json:"status"`
	Granted  string       `json:"granted"`
	Changed  string       `json:"changed"`
	Leaf     uint64       `json:"leaf"`
	Picture  string       `json:"picture,omitempty"`
	Label    []byte       `json:"label"` // COSE_Sign1
}

// dumpEnd is the last line of a dump. One without it was cut.
type dumpEnd struct {
	Schema    string     `json:"schema"`
	Made      string     `json:"made"`
	Labels    uint64     `json:"labels"`
	Digest    label.Hash `json:"sha256"` // of all lines before
	Signature []byte     `json:"signature"`
}

// dump gives all labels, in the order of the log, as lines of JSON; the last says how many there are, and is signed.
func (s *Site) dump(w http.ResponseWriter, r *http.Request) (*answer, error) {
	select {
	case s.dumps <- struct{}{}:
		defer func() { <-s.dumps }()
	default:
		return nil, registry.ErrBusy
	}
	made := s.Now()
	h := w.Header()
	h.Set("Content-Type", "application/jsonl")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="labels.jsonl"`)
	digest := sha256.New()
	out := bufio.NewWriterSize(w, 64<<10)
	lines := json.NewEncoder(io.MultiWriter(out, digest))
	count := uint64(0)
	for after := int64(-1); ; {
		// a dump may take longer than other answers do, as long as it goes on
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(30 * time.Second))
		list, err := s.Registry.Store.Labels(r.Context(), after, 1000)
		if err != nil {
			panic(http.ErrAbortHandler) // what was sent cannot be taken back: it ends without its last line
		}
		for _, l := range list {
			if err := lines.Encode(dumpLine{l.ID, l.Account, l.Category, l.Status, rfc3339(l.Granted), rfc3339(l.Changed), l.Index, s.pictureURL(l), l.Sign1}); err != nil {
				return nil, nil //nolint:nilnil // whoever asked has gone
			}
		}
		count += uint64(len(list))
		if len(list) < 1000 {
			break
		}
		after = int64(list[len(list)-1].Index)
	}
	end := dumpEnd{Schema: "plimsoll.registry.dump/1", Made: rfc3339(made), Labels: count, Digest: label.Hash(digest.Sum(nil))}
	end.Signature = ed25519.Sign(s.Registry.Key, append([]byte(DumpContext), end.Digest[:]...))
	_ = json.NewEncoder(out).Encode(end)
	_ = out.Flush()
	return nil, nil //nolint:nilnil // it was answered
}
