//go:build !gateway

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"plimsoll.example/plimsoll/internal/labellog"
	"plimsoll.example/plimsoll/label"
)

// online holds labels against what a registry says now.
type online struct {
	client *registryClient
	trust  *label.Trust
	policy *labellog.Policy // nil: proofs of inclusion are not asked for
}

// newOnline fetches the bundle of a registry.
func newOnline(ctx context.Context, at, key, policy string) (*online, error) {
	public, err := readPublicKey(key)
	if err != nil {
		return nil, err
	}
	o := &online{}
	if policy != "" {
		if o.policy, err = readPolicy(policy); err != nil {
			return nil, err
		}
	}
	if o.client, err = newRegistryClient(at); err != nil {
		return nil, err
	}
	data, err := o.client.do(ctx, http.MethodGet, "/api/v1/bundle", nil, nil)
	if err != nil {
		return nil, err
	}
	if o.trust, err = label.ParseBundle(data, public); err != nil {
		return nil, &fault{errUnverified, "error.label.bundle", []any{"name", at, "cause", err.Error()}}
	}
	return o, nil
}

// newest is the label that was last granted for a product, for a link that carries none.
func (o *online) newest(ctx context.Context, gtin string) (*label.Envelope, error) {
	data, err := o.client.do(ctx, http.MethodGet, "/api/v1/products/"+gtin, nil, nil)
	if err != nil {
		return nil, err
	}
	var p struct {
		Labels []struct {
			ID label.Hash `json:"id"`
		} `json:"labels"`
	}
	if err := json.Unmarshal(data, &p); err != nil || len(p.Labels) == 0 {
		return nil, &fault{key: "error.registry.refused", args: []any{"url", o.client.base, "cause", fmt.Sprint("no label of ", gtin)}}
	}
	return o.envelope(ctx, p.Labels[0].ID)
}

func (o *online) envelope(ctx context.Context, id label.Hash) (*label.Envelope, error) {
	data, err := o.client.do(ctx, http.MethodGet, "/api/v1/labels/"+id.String()+"/envelope", nil, nil)
	if err != nil {
		return nil, err
	}
	return label.ParseEnvelope(data)
}

// verify is label.Trust.Verify with the proofs that the registry has: that of the landmark, once the day of the grant is over,
// or else that it is in the log, if a policy says whose log that is. A label that the registry has no record of was not
// granted for all to see, whoever signed it: the error wraps label.ErrProof.
func (o *online) verify(ctx context.Context, e *label.Envelope, gtin string, now time.Time) (*label.Verdict, error) {
	v, err := o.trust.Verify(e, gtin, now)
	if err != nil || v.IssuedProof == label.ByLandmark {
		return v, err
	}
	id := label.Hash(label.LeafHash(e.Label))
	recorded, err := o.envelope(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		v.Genuine = false
		return v, fmt.Errorf("%w: the registry has no record of it", label.ErrProof)
	}
	if err != nil {
		return v, err
	}
	if recorded.Proof != nil && slices.Equal(recorded.Label, e.Label) {
		if better, err := o.trust.Verify(recorded, gtin, now); err != nil || better.IssuedProof == label.ByLandmark {
			return better, err
		}
	}
	if o.policy == nil {
		return v, nil
	}
	return v, o.include(ctx, id, e, v)
}

// include proves that a label is in the log.
func (o *online) include(ctx context.Context, id label.Hash, e *label.Envelope, v *label.Verdict) error {
	data, err := o.client.do(ctx, http.MethodGet, "/api/v1/labels/"+id.String(), nil, nil)
	if err != nil {
		return err
	}
	var l struct {
		Leaf uint64 `json:"leaf"`
	}
	if err := json.Unmarshal(data, &l); err != nil {
		return err
	}
	proof, err := o.client.do(ctx, http.MethodGet, fmt.Sprintf("/api/v1/log/%d/proof", l.Leaf), nil, nil)
	if err != nil {
		return err
	}
	if _, _, err := o.policy.OpenProof(proof, e.Label); err != nil {
		v.Genuine = false
		return logFault(err, o.client.base)
	}
	v.IssuedProof = label.ByInclusion
	v.Problems = slices.DeleteFunc(v.Problems, func(p label.Problem) bool { return p.Kind == label.Unlogged || p.Kind == label.LoggedLater })
	return nil
}
