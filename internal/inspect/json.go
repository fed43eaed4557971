package inspect

import (
	"bytes"
	"encoding/json"
	"io"
	"runtime"
)

// WriteJSON writes r as schema/inspect.json describes it, on one line.
func (r *Result) WriteJSON(w io.Writer) error {
	rest := *r
	rest.Devices, rest.Findings = []Device{}, []Finding{}
	var b bytes.Buffer
	if err := encode(&b, &rest); err != nil {
		return err
	}
	text := b.Bytes()
	for _, list := range []struct {
		none  string // within a string the quotes would be escaped
		write func() error
	}{
		{`"devices":[]`, func() error { return writeList(w, r.Devices, 128) }},
		{`"findings":[]`, func() error { return writeList(w, r.Findings, 32) }},
	} {
		at := bytes.Index(text, []byte(list.none)) + len(list.none) - 1
		if _, err := w.Write(text[:at]); err != nil {
			return err
		}
		if err := list.write(); err != nil {
			return err
		}
		text = text[at:]
	}
	_, err := w.Write(text)
	return err
}

// writeList writes what is in a list, separated by commas, some at a time on each core. Some megabytes of text are worth
// all the cores, and not the memory to hold them at a time.
func writeList[T any](w io.Writer, list []T, some int) error {
	texts := make([]bytes.Buffer, runtime.GOMAXPROCS(0))
	errs := make([]error, len(texts))
	for first := true; len(list) > 0; {
		n := min(len(list), some*len(texts))
		onAllCores((n+some-1)/some, 1, func(i int) {
			texts[i].Reset()
			errs[i] = encode(&texts[i], list[i*some:min((i+1)*some, n)])
		})
		for i := range (n + some - 1) / some {
			if errs[i] != nil {
				return errs[i]
			}
			text := bytes.TrimSuffix(texts[i].Bytes(), []byte("]\n"))
			text[0] = ',' // in place of the bracket
			if first {
				text = text[1:]
			}
			first = false
			if _, err := w.Write(text); err != nil {
				return err
			}
		}
		list = list[n:]
	}
	return nil
}

func encode(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
