// Command gen packs the messages for the program that carries them: small, since a gateway’s disk is, and soon read,
// since each start of the program does.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	for _, lang := range []string{"en", "fr"} {
		if err := pack(lang); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}

// pack writes the messages of a language as package locale unpacks them, the same each time.
func pack(lang string) error {
	data, err := os.ReadFile(lang + ".json")
	if err != nil {
		return err
	}
	var messages map[string]any
	if err := json.Unmarshal(data, &messages); err != nil {
		return fmt.Errorf("%s.json: %w", lang, err)
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(messages)) {
		var one, other string
		switch m := messages[key].(type) {
		case string:
			other = m
		case map[string]any:
			one, _ = m["one"].(string)
			other, _ = m["other"].(string)
		}
		if other == "" || strings.ContainsRune(key+one+other, 0) {
			return fmt.Errorf("%s.json: %s has no text that can be packed", lang, key)
		}
		if _, err := fmt.Fprint(w, key, "\x00", one, "\x00", other, "\x00"); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(lang+".gz", b.Bytes(), 0o644)
}
