package main

import (
	"errors"

	"github.com/spf13/cobra"

	"plimsoll.example/plimsoll/internal/locale"
	"plimsoll.example/plimsoll/internal/nft"
)

// newHomeOff is what takes all rules away, and lets ports be as they were, for whoever wants the network as it was. It needs no gateway that runs, and
// refuses where one does: that would put them back.
func newHomeOff(e env, words *locale.Catalogue) *cobra.Command {
	state := ""
	c := &cobra.Command{Use: "off", Args: noArgs, RunE: func(c *cobra.Command, _ []string) error {
		dir := stateDir(state, e.getenv)
		unlock, err := lockState(dir)
		if err != nil {
			return err
		}
		defer unlock()
		alone, err := lockNetwork()
		if err != nil {
			return err
		}
		defer alone()
		kernel, err := nft.Open("")
		if err != nil {
			return unable(err)
		}
		defer kernel.Close()
		if err := errors.Join(isolation(dir, "", "").Restore(), kernel.Remove(c.Context())); err != nil {
			return unable(err)
		}
		r := remote{env: e, words: words}
		return r.print([]string{words.Text("home.off")})
	}}
	c.Flags().StringVar(&state, "state", "", "")
	return c
}
