package finding

import (
	"encoding/json"
	"fmt"
	"time"
)

// detail is how a Detail is kept: one of the values is there, so that it has its type when it is read again.
type detail struct {
	Key   string         `json:"key"`
	Text  *string        `json:"text,omitempty"`
	Count *uint64        `json:"count,omitempty"`
	Span  *time.Duration `json:"span_ns,omitempty"`
	List  []string       `json:"list,omitempty"`
}

// MarshalJSON keeps the value with its type.
func (d Detail) MarshalJSON() ([]byte, error) {
	k := detail{Key: d.Key}
	switch v := d.Value.(type) {
	case string:
		k.Text = &v
	case uint64:
		k.Count = &v
	case time.Duration:
		k.Span = &v
	case []string:
		k.List = v
	default:
		return nil, fmt.Errorf("detail %s: a %T is not kept", d.Key, d.Value)
	}
	return json.Marshal(k)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Detail) UnmarshalJSON(b []byte) error {
	var k detail
	if err := json.Unmarshal(b, &k); err != nil {
		return err
	}
	d.Key = k.Key
	switch {
	case k.Text != nil:
		d.Value = *k.Text
	case k.Count != nil:
		d.Value = *k.Count
	case k.Span != nil:
		d.Value = *k.Span
	default:
		d.Value = k.List
	}
	return nil
}
