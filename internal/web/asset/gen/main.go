// Command gen makes the script that is served of its sources in TypeScript.
package main

import (
	"fmt"
	"os"

	"plimsoll.example/plimsoll/internal/web/asset/bundle"
)

func main() {
	script, err := bundle.Build("src/plimsoll.ts")
	if err == nil {
		err = os.WriteFile("dist/plimsoll.js", script, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
