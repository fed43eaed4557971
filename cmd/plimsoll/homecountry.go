package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"plimsoll.example/plimsoll/internal/country"
)

// countriesFile is where a program that has no table of its own looks for one.
const countriesFile = "/usr/share/plimsoll/countries.bin"

// openCountries is the table in a file. Where none is named it is that of the program, or the one that is installed
// beside it, or none.
func openCountries(name string) (country.Table, error) {
	asked := name != ""
	if !asked {
		if t := country.Builtin(); !t.AsOf.IsZero() {
			return t, nil
		}
		name = countriesFile
	}
	t, err := readCountries(name)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return country.Table{}, nil
	}
	if err != nil {
		return country.Table{}, &fault{err, "error.home.countries", []any{"name", name, "cause", err.Error()}}
	}
	return t, nil
}

// readCountries reads a table, which stays in memory as it is.
func readCountries(name string) (country.Table, error) {
	f, err := os.Open(name)
	if err != nil {
		return country.Table{}, err
	}
	defer f.Close()
	var block strings.Builder
	if info, err := f.Stat(); err == nil && info.Size() <= country.MaxSize {
		block.Grow(int(info.Size()))
	}
	if _, err := io.Copy(&block, io.LimitReader(f, country.MaxSize+1)); err != nil {
		return country.Table{}, err
	}
	return country.Parse(block.String())
}
