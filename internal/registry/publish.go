package registry

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"plimsoll.example/plimsoll/label"
)

// Publication is what is given out to verify labels with, made at one time.
type Publication struct {
	Made   time.Time
	Bundle []byte // label.ParseBundle
	List   []byte // label.ParseToken

	BundleTag, ListTag string // as HTTP names them (RFC 9110 §8.8.3)
}

// How long others may keep a list, and how old a publication gets when nothing changes.
const (
	ListTTL = 5 * time.Minute
	remake  = time.Hour
)

// Publication is the last one, or nil before the first.
func (r *Registry) Publication() *Publication { return r.issued.Load() }

func (r *Registry) publishIfDue(ctx context.Context) error {
	r.mu.Lock()
	dirty := r.dirty
	r.mu.Unlock()
	last := r.issued.Load()
	if !dirty && last != nil && r.Now().Sub(last.Made) < remake {
		return nil
	}
	return r.publish(ctx)
}

// publish makes a list and a bundle, has the log know them, and gives them out.
func (r *Registry) publish(ctx context.Context) error {
	r.mu.Lock()
	statuses := slices.Clone(r.statuses)
	r.dirty = false
	r.mu.Unlock()
	p, err := r.newPublication(ctx, statuses)
	if err != nil {
		r.mu.Lock()
		r.dirty = true
		r.mu.Unlock()
		return fmt.Errorf("publish: %w", err)
	}
	r.issued.Store(p)
	return nil
}

func (r *Registry) newPublication(ctx context.Context, statuses label.Statuses) (*Publication, error) {
	p := &Publication{Made: r.Now().UTC().Truncate(time.Second)}
	first, landmarks, err := r.Log.Landmarks(ctx)
	if err != nil {
		return nil, err
	}
	b := &label.Bundle{Version: label.Version, Registry: r.Name, Made: p.Made, FirstDay: first, Landmarks: landmarks, List: statuses.Pack(), Issuers: []label.Issuer{}}
	for _, a := range r.Accounts() {
		if !a.Role.May(MayGrant) {
			continue
		}
		for _, k := range a.Keys {
			b.Issuers = append(b.Issuers, label.Issuer{Name: a.Name, Key: k.Public, From: k.From, Until: k.Until})
		}
	}
	if p.Bundle, err = b.Sign(r.Key); err != nil {
		return nil, err
	}
	if p.List, err = b.Token(r.URL+"/api/v1/status-list", ListTTL, r.Key); err != nil {
		return nil, err
	}
	p.BundleTag, p.ListTag = tag(p.Bundle), tag(p.List)
	// A file that nobody finds in the log was made for whoever was shown it.
	group, ctx := errgroup.WithContext(ctx)
	for kind, file := range map[Kind][]byte{TrustBundle: p.Bundle, StatusList: p.List} {
		group.Go(func() error {
			return r.submit(ctx, &Entry{Kind: kind, Hash: sha256.Sum256(file), Account: Self, At: r.Now().UTC().Truncate(time.Millisecond)})
		})
	}
	return p, group.Wait()
}

func tag(file []byte) string {
	sum := sha256.Sum256(file)
	return fmt.Sprintf(`"%x"`, sum[:12])
}
