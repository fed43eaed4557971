// Package asset is what the pages of Plimsoll are dressed in: the style that all share, and the script that makes pages
// which work without it quicker. Scripts are written in TypeScript, in src; what is served is made of them by
//
//	go generate ./internal/web/asset
//
// and is part of the repository, so that nobody needs more than Go to build the program. A test holds the two together.
package asset

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
)

//go:generate go run ./gen

// Base is the style of all pages: type, colours, the marks of states, the load line; light, dark, in forced colours and
// on paper.
//
//go:embed base.css
var Base string

// Pages is the style of what pages have beyond a report: ways to go, forms, cards.
//
//go:embed pages.css
var Pages string

// Script is the program of the pages.
//
//go:embed dist/plimsoll.js
var Script string

// Shapes are the marks of states, for a page to use.
//
//go:embed shapes.svg
var Shapes string

// Source names a style or script by its digest, as a content security policy does (CSP Level 3 §2.3.1).
func Source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// ScriptPath is where the script is served: another path for each version, so that it may be kept for ever.
func ScriptPath() string {
	sum := sha256.Sum256([]byte(Script))
	return "/static/plimsoll." + hex.EncodeToString(sum[:6]) + ".js"
}

// ServeScript answers with the script.
func ServeScript(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Length", strconv.Itoa(len(Script)))
	_, _ = w.Write([]byte(Script)) // who went away needs no script
}
