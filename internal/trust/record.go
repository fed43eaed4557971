package trust

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"plimsoll.example/plimsoll/label"
)

// slack is how far the clock of who changes a label may be from the registry’s, as registries take it.
const slack = 10 * time.Minute

// Restored reports whether the registry shows that a label, which was suspended since a time, was restored later: by a
// record that is signed by whoever may change labels. A registry that says that a label is active again and shows no such
// record restored it quietly.
func (s *Source) Restored(ctx context.Context, id label.Hash, since time.Time) (bool, error) {
	var record struct {
		Changes []struct{ Record []byte }
	}
	if err := s.getJSON(ctx, "/api/v1/labels/"+id.String(), &record); err != nil {
		return false, err
	}
	var book struct {
		Issuers []struct{ Keys []struct{ Public []byte } }
	}
	if err := s.getJSON(ctx, "/api/v1/issuers", &book); err != nil {
		return false, err
	}
	find := func(keyID []byte) ed25519.PublicKey {
		if bytes.Equal(label.KeyID(s.Key), keyID) {
			return s.Key
		}
		for _, i := range book.Issuers {
			for _, k := range i.Keys {
				if len(k.Public) == ed25519.PublicKeySize && bytes.Equal(label.KeyID(k.Public), keyID) {
					return k.Public
				}
			}
		}
		return nil
	}
	for _, r := range record.Changes {
		c, _, err := label.OpenChange(r.Record, find)
		if err == nil && c.Label == id && c.Verb == label.Restore && c.Time().After(since.Add(-slack)) {
			return true, nil
		}
	}
	return false, nil
}

// Found is a label with what is known of it.
type Found struct {
	Envelope *label.Envelope // with its proof, once the day of its grant is over
	Verdict  *label.Verdict
	Logged   bool // by its proof, or as the registry has it on record: it answers for a grant when that is in the log
}

// Bounds of a search.
const (
	maxProducts = 5
	maxFound    = 20
)

// Labels are the labels of a product that the registry has on record and that are genuine by its bundle.
func (s *Source) Labels(ctx context.Context, maker, model string) ([]Found, error) {
	var list struct{ Products []struct{ GTIN string } }
	q := url.Values{"maker": {maker}, "q": {model}, "limit": {fmt.Sprint(maxProducts)}}
	if err := s.getJSON(ctx, "/api/v1/products?"+q.Encode(), &list); err != nil {
		return nil, err
	}
	var found []Found
	for _, p := range list.Products[:min(len(list.Products), maxProducts)] {
		var product struct {
			Labels []struct{ Label []byte }
		}
		if err := s.getJSON(ctx, "/api/v1/products/"+url.PathEscape(p.GTIN), &product); err != nil {
			return nil, err
		}
		for _, l := range product.Labels {
			if len(found) == maxFound {
				return found, nil
			}
			f, err := s.Recorded(ctx, l.Label)
			if errors.Is(err, ErrAway) || errors.Is(err, ErrNone) {
				return nil, err
			}
			if err == nil {
				found = append(found, *f)
			}
		}
	}
	return found, nil
}

// Recorded is a label as the registry has it on record, with its proof if there is one yet, and what the bundle says of it.
// The error wraps ErrUnknown where it has no such label.
func (s *Source) Recorded(ctx context.Context, sign1 []byte) (*Found, error) {
	id := label.Hash(label.LeafHash(sign1))
	a, err := s.get(ctx, "/api/v1/labels/"+id.String()+"/envelope", "", maxAnswer)
	if err != nil {
		return nil, err
	}
	e, err := label.ParseEnvelope(a.body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrServer, err)
	}
	if !slices.Equal(e.Label, sign1) {
		return nil, fmt.Errorf("%w: it gives another label for %s", ErrServer, id)
	}
	v, err := s.Verify(e)
	if err != nil {
		return nil, err
	}
	return &Found{e, v, true}, nil
}
