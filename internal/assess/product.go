package assess

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"plimsoll.example/plimsoll/label"
)

// ProductSchema names the form of a product’s file, which schema/product.json describes.
const ProductSchema = "plimsoll.product/1"

// Product is what a shop sells. Its file is the JSON of label.Statement without what only an assessment and a grant
// can say, and with two members more.
type Product struct {
	Category string // as in schema/inspect.json; "" if not said
	label.Statement
}

// ErrProduct is the cause where a product’s file is not one.
var ErrProduct = errors.New("not the file of a product")

// ParseProduct reads a product’s file.
func ParseProduct(data []byte) (*Product, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProduct, err)
	}
	p := &Product{}
	for name, to := range map[string]any{"schema": new(string), "category": &p.Category} {
		if text, ok := members[name]; ok {
			if err := json.Unmarshal(text, to); err != nil {
				return nil, fmt.Errorf("%w: %s: %w", ErrProduct, name, err)
			}
			if s, ok := to.(*string); ok && name == "schema" && *s != ProductSchema {
				return nil, fmt.Errorf("%w: its schema is %.60q, not %s", ErrProduct, *s, ProductSchema)
			}
			delete(members, name)
		}
	}
	if n := bytes.TrimSpace(members["norms"]); len(n) > 0 && string(n) != "{}" {
		return nil, fmt.Errorf("%w: it has classes of norms; those come from evidence alone", ErrProduct)
	}
	rest, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProduct, err)
	}
	if err := json.Unmarshal(rest, &p.Statement); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrProduct, strings.TrimPrefix(err.Error(), label.ErrStatement.Error()+": "))
	}
	if p.Version == 0 {
		p.Version = label.Version
	}
	if p.Profile == 0 {
		p.Profile = 1
	}
	again := p.Statement
	if again.Issued == 0 {
		again.Issued = 1 // the day of the grant is not known yet
	}
	again.Norms = make([]byte, (len(label.ProfileNorms(again.Profile))+1)/2)
	if err := again.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrProduct, err)
	}
	return p, nil
}
