package public

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"plimsoll.example/plimsoll/internal/registry"
)

// Bounds of requests, octets.
const (
	maxGrant  = 64 << 10
	maxChange = registry.MaxDocuments*registry.MaxDocument*4/3 + 64<<10
	maxKey    = 64
)

// grantRequest is a label that is sent to be granted.
type grantRequest struct {
	Label    []byte `json:"label"` // COSE_Sign1, base64
	Category string `json:"category,omitempty"`
}

// changeRequest is a change of a label, with the documents that it names.
type changeRequest struct {
	Change    []byte          `json:"change"` // COSE_Sign1, base64
	Documents []documentInput `json:"documents,omitempty"`
}

type documentInput struct {
	Media string `json:"media"`
	Body  []byte `json:"body"`
}

// read reads a request: one JSON value of a bounded size, of which every member is known.
func read(w http.ResponseWriter, r *http.Request, most int64, v any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.New("more than one value")
		}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Errorf("%w: at most %d octets are taken", errLarge, most)
	}
	return fmt.Errorf("%w: %w", errRequest, err)
}

// submission is what is common to all that is sent.
func (s *Site) submission(r *http.Request) (*registry.Submission, error) {
	if !s.limits.address(r.RemoteAddr) {
		return nil, errRate
	}
	key := r.Header.Get("Idempotency-Key")
	if len(key) > maxKey {
		return nil, wrong("Idempotency-Key", fmt.Sprintf("at most %d octets", maxKey))
	}
	for _, c := range []byte(key) {
		if c < ' ' || c > '~' {
			return nil, wrong("Idempotency-Key", "printable ASCII")
		}
	}
	return &registry.Submission{Key: key, Admit: func(account string) error {
		if !s.limits.account(account) {
			return errRate
		}
		return nil
	}}, nil
}

func (s *Site) grant(w http.ResponseWriter, r *http.Request) (*answer, error) {
	sub, err := s.submission(r)
	if err != nil {
		return nil, err
	}
	var in grantRequest
	if err := read(w, r, maxGrant, &in); err != nil {
		return nil, err
	}
	sub.Sign1, sub.Category = in.Label, in.Category
	l, err := s.Registry.Grant(r.Context(), sub)
	if err != nil {
		return nil, err
	}
	v, err := s.viewLabel(r.Context(), l)
	return &answer{status: http.StatusCreated, value: v, header: map[string]string{"Location": "/api/v1/labels/" + l.ID.String()}}, err
}

func (s *Site) change(w http.ResponseWriter, r *http.Request) (*answer, error) {
	sub, err := s.submission(r)
	if err != nil {
		return nil, err
	}
	id, err := hashOf(r.PathValue("id"), "id")
	if err != nil {
		return nil, err
	}
	var in changeRequest
	if err := read(w, r, maxChange, &in); err != nil {
		return nil, err
	}
	sub.Sign1, sub.Label = in.Change, id
	for _, d := range in.Documents {
		sub.Documents = append(sub.Documents, registry.Document{Media: d.Media, Body: d.Body})
	}
	e, err := s.Registry.Change(r.Context(), sub)
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusCreated, value: s.viewChange(e), header: map[string]string{"Location": "/api/v1/labels/" + id.String()}}, nil
}
