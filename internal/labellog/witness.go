package labellog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	mproof "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"plimsoll.example/plimsoll/internal/durable"
)

// sizeType is the type of an answer that tells the size that a witness knows (C2SP tlog-witness).
const sizeType = "text/x.tlog.size"

const (
	maxRequest = 16 << 10 // octets of a request to a witness
	maxProof   = 63       // hashes of a proof (C2SP tlog-witness)
	maxRate    = 20       // requests a second for each log, and as many at once
)

// Why a witness does not cosign.
var (
	ErrRequest      = errors.New("request is not one to a witness")
	ErrUnknownLog   = errors.New("log is not one that is witnessed")
	ErrSplit        = errors.New("another root was cosigned for the same size")
	ErrInconsistent = errors.New("checkpoint does not go on from the one that was cosigned")
	errRate         = errors.New("too many requests")
)

// conflict says that the client does not know which size was cosigned.
type conflict struct{ size uint64 }

func (c conflict) Error() string { return fmt.Sprintf("size %d was cosigned last", c.size) }

// Witness cosigns checkpoints of logs that it sees grow, and of nothing else: whatever it cosigned, what it cosigns later
// begins with. It answers add-checkpoint of C2SP tlog-witness.
type Witness struct {
	signer note.Signer
	dir    string
	now    func() time.Time
	logs   map[string]*witnessedLog // by origin
}

// witnessedLog is a log that a witness knows.
type witnessedLog struct {
	verifiers []note.Verifier
	file      string

	mu     sync.Mutex // guards what follows
	size   uint64
	root   [32]byte
	tokens float64
	filled time.Time
}

// seen is what a witness keeps of a log.
type seen struct {
	Origin string `json:"origin"`
	Size   uint64 `json:"size"`
	Root   []byte `json:"root"`
}

// NewWitness makes a witness of the logs whose keys are given, which keeps in a folder what it has cosigned.
func NewWitness(dir string, signer note.Signer, logs []note.Verifier, now func() time.Time) (*Witness, error) {
	w := &Witness{signer: signer, dir: dir, now: now, logs: map[string]*witnessedLog{}}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for _, v := range logs {
		if l := w.logs[v.Name()]; l != nil {
			l.verifiers = append(l.verifiers, v)
			continue
		}
		sum := sha256.Sum256([]byte(v.Name()))
		l := &witnessedLog{verifiers: []note.Verifier{v}, file: filepath.Join(dir, fmt.Sprintf("%x.json", sum[:16])), tokens: maxRate}
		if err := l.load(v.Name()); err != nil {
			return nil, fmt.Errorf("witness %s: %w", v.Name(), err)
		}
		w.logs[v.Name()] = l
	}
	return w, nil
}

func (l *witnessedLog) load(origin string) error {
	data, err := os.ReadFile(l.file)
	if errors.Is(err, fs.ErrNotExist) {
		l.root = [32]byte(rfc6962.DefaultHasher.EmptyRoot())
		return nil
	}
	if err != nil {
		return err
	}
	var s seen
	if err := json.Unmarshal(data, &s); err != nil || s.Origin != origin || len(s.Root) != sha256.Size {
		return fmt.Errorf("%s is not what a witness keeps of the log: %w", l.file, errors.Join(err, ErrCheckpoint))
	}
	l.size, l.root = s.Size, [32]byte(s.Root)
	return nil
}

// addCheckpoint is a request to a witness.
type addCheckpoint struct {
	old        uint64
	proof      [][]byte
	checkpoint []byte
}

// parseAddCheckpoint reads “old N”, the lines of a proof, an empty one and a checkpoint.
func parseAddCheckpoint(body []byte) (*addCheckpoint, error) {
	head, checkpoint, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok || len(body) > maxRequest {
		return nil, fmt.Errorf("%w: it has no empty line, or %d octets", ErrRequest, len(body))
	}
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseUint(size, 10, 62)
	if !ok || err != nil || size != strconv.FormatUint(old, 10) {
		return nil, fmt.Errorf("%w: its first line %.40q is not as “old 20852163”", ErrRequest, lines[0])
	}
	r := &addCheckpoint{old: old, checkpoint: checkpoint}
	if len(lines)-1 > maxProof {
		return nil, fmt.Errorf("%w: a proof of %d hashes", ErrRequest, len(lines)-1)
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != sha256.Size {
			return nil, fmt.Errorf("%w: %.60q is no hash", ErrRequest, line)
		}
		r.proof = append(r.proof, h)
	}
	return r, nil
}

// add checks a request and cosigns: the lines of the cosignature.
func (w *Witness) add(body []byte) ([]byte, error) {
	r, err := parseAddCheckpoint(body)
	if err != nil {
		return nil, err
	}
	c, err := parseCheckpoint(r.checkpoint)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	l := w.logs[c.Origin]
	if l == nil {
		return nil, fmt.Errorf("%w: %.80q", ErrUnknownLog, c.Origin)
	}
	n, err := note.Open(r.checkpoint, note.VerifierList(l.verifiers...))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLogKey, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.take(w.now()) {
		return nil, errRate
	}
	switch {
	case r.old > c.Size:
		return nil, fmt.Errorf("%w: the old size %d is above the size %d", ErrRequest, r.old, c.Size)
	case r.old != l.size:
		return nil, conflict{l.size}
	case r.old == c.Size && c.Root != l.root:
		return nil, fmt.Errorf("%w: size %d", ErrSplit, c.Size)
	case r.old == 0 && len(r.proof) > 0:
		return nil, fmt.Errorf("%w: a proof from nothing has %d hashes", ErrInconsistent, len(r.proof))
	case r.old > 0:
		if err := mproof.VerifyConsistency(rfc6962.DefaultHasher, r.old, c.Size, r.proof, l.root[:], c.Root[:]); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInconsistent, err)
		}
	}
	// What is cosigned is on the disk before anybody has the cosignature: a witness that forgets could cosign two views.
	kept, err := json.Marshal(seen{c.Origin, c.Size, c.Root[:]})
	if err != nil {
		return nil, err
	}
	if err := durable.WriteFile(l.file, kept, 0o600); err != nil {
		return nil, fmt.Errorf("keep what is cosigned: %w", err)
	}
	l.size, l.root = c.Size, c.Root
	signed, err := note.Sign(&note.Note{Text: n.Text}, w.signer)
	if err != nil {
		return nil, fmt.Errorf("cosign: %w", err)
	}
	return signed[len(n.Text)+1:], nil
}

// take lets so many requests a second in.
func (l *witnessedLog) take(now time.Time) bool {
	if !l.filled.IsZero() {
		l.tokens = min(maxRate, l.tokens+max(0, now.Sub(l.filled).Seconds())*maxRate)
	}
	l.filled = now
	if l.tokens < 1 {
		return false
	}
	l.tokens--
	return true
}

// ServeHTTP answers POST add-checkpoint, whatever is before it in the path.
func (w *Witness) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/add-checkpoint" && !strings.HasSuffix(r.URL.Path, "/add-checkpoint") {
		http.NotFound(rw, r)
		return
	}
	if r.Method != http.MethodPost {
		rw.Header().Set("Allow", http.MethodPost)
		http.Error(rw, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxRequest))
	if err != nil {
		http.Error(rw, "request is too long, or was cut", http.StatusRequestEntityTooLarge)
		return
	}
	lines, err := w.add(body)
	if err == nil {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = rw.Write(lines) // who asked has gone, and asks again
		return
	}
	if c, ok := errors.AsType[conflict](err); ok {
		rw.Header().Set("Content-Type", sizeType)
		rw.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(rw, "%d\n", c.size)
		return
	}
	for _, s := range witnessStatus {
		if errors.Is(err, s.err) {
			http.Error(rw, err.Error(), s.status)
			return
		}
	}
	http.Error(rw, "internal error", http.StatusInternalServerError)
}

// witnessStatus are the answers of C2SP tlog-witness.
var witnessStatus = []struct {
	err    error
	status int
}{
	{ErrRequest, http.StatusBadRequest},
	{ErrUnknownLog, http.StatusNotFound},
	{ErrLogKey, http.StatusForbidden},
	{ErrSplit, http.StatusConflict},
	{ErrInconsistent, http.StatusUnprocessableEntity},
	{errRate, http.StatusTooManyRequests},
}
