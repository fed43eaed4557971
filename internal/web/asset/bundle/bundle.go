// Package bundle makes one script of sources in TypeScript. No program that is installed imports it.
package bundle

import (
	"errors"
	"fmt"

	"github.com/evanw/esbuild/pkg/api"
)

// Build is the script whose first source is entry. The same sources make the same octets.
func Build(entry string) ([]byte, error) {
	r := api.Build(api.BuildOptions{
		EntryPoints: []string{entry}, Bundle: true, Format: api.FormatIIFE, Target: api.ES2022, Charset: api.CharsetUTF8,
		MinifyWhitespace: true, MinifySyntax: true, MinifyIdentifiers: true, LegalComments: api.LegalCommentsNone, LogLevel: api.LogLevelSilent,
	})
	var errs []error
	for _, m := range append(r.Errors, r.Warnings...) {
		where := entry
		if m.Location != nil {
			where = fmt.Sprintf("%s:%d:%d", m.Location.File, m.Location.Line, m.Location.Column)
		}
		errs = append(errs, fmt.Errorf("%s: %s", where, m.Text))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return r.OutputFiles[0].Contents, nil
}
