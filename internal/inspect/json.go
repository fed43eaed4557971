package inspect

import (
	"bytes"
	"encoding/json"
	"io"
	"runtime"
)

// WriteJSON writes r as schema/inspect.json describes it, on one line.
func (r *Result) WriteJSON(w io.Writer) error {
	const none = `"devices":[]` // within a string the quotes would be escaped
	rest := *r
	rest.Devices = []Device{}
	var b bytes.Buffer
	if err := encode(&b, &rest); err != nil {
		return err
	}
	at := bytes.Index(b.Bytes(), []byte(none)) + len(none) - 1
	if _, err := w.Write(b.Bytes()[:at]); err != nil {
		return err
	}
	if err := writeDevices(w, r.Devices); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes()[at:])
	return err
}

// writeDevices writes devices, separated by commas. Some megabytes of text are worth all the cores, and not the memory
// to hold them at a time.
func writeDevices(w io.Writer, devices []Device) error {
	const some = 128
	texts := make([]bytes.Buffer, runtime.GOMAXPROCS(0))
	errs := make([]error, len(texts))
	for first := true; len(devices) > 0; {
		n := min(len(devices), some*len(texts))
		onAllCores((n+some-1)/some, 1, func(i int) {
			texts[i].Reset()
			errs[i] = encode(&texts[i], devices[i*some:min((i+1)*some, n)])
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
		devices = devices[n:]
	}
	return nil
}

func encode(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
