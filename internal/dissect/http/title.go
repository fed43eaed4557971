package http

import (
	"bytes"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/dissect/upnp"
)

// title tells the title of a page.
func title(page []byte, out *dissect.Facts) {
	const tag = "title"
	for {
		i := bytes.IndexByte(page, '<')
		if i < 0 {
			return
		}
		page = page[i+1:]
		if hasPrefix(page, tag) {
			break
		}
	}
	_, text, _ := bytes.Cut(page, []byte{'>'})
	text, _, ok := bytes.Cut(text, []byte{'<'})
	if !ok {
		return
	}
	var buf [128]byte
	if text = upnp.AppendText(buf[:0], text[:min(len(text), len(buf))]); len(text) > 0 {
		out.Add("http.title", text)
	}
}
