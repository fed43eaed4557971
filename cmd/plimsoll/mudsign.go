//go:build !gateway

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/mudcache"
	"plimsoll.example/plimsoll/mud"
)

func newMUDSign(e env, words *locale.Catalogue) *cobra.Command {
	var key, cert, intermediates, out string
	c := &cobra.Command{Use: "sign", Args: cobra.ArbitraryArgs, RunE: func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return wrongUsage("error.mud.file")
		}
		if key == "" || cert == "" {
			return wrongUsage("error.mud.sign.flags")
		}
		file, err := readFile(args[0], mudcache.MaxFile)
		if err != nil {
			return err
		}
		signer, err := readKey(key)
		if err != nil {
			return err
		}
		certs, err := readCertificates(cert)
		if err != nil {
			return err
		}
		chain := certs[1:] // a file of a certificate often has its chain too
		if intermediates != "" {
			more, err := readCertificates(intermediates)
			if err != nil {
				return err
			}
			chain = append(chain, more...)
		}
		p7s, err := mud.Sign(file, certs[0], signer, chain)
		if err != nil {
			return err
		}
		if out == "" {
			out = strings.TrimSuffix(args[0], filepath.Ext(args[0])) + ".p7s"
		}
		if err := e.writeOutput(out, p7s); err != nil || out == "-" {
			return err
		}
		_, err = fmt.Fprintln(e.err, words.Text("mud.sign.done", "name", out))
		return err
	}}
	f := c.Flags()
	f.StringVar(&key, "key", "", "")
	f.StringVar(&cert, "cert", "", "")
	f.StringVar(&intermediates, "intermediates", "", "")
	f.StringVar(&out, "out", "", "")
	return c
}
