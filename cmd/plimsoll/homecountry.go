package main

import (
	"errors"
	"io/fs"
	"os"

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
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return country.Table{}, nil
	}
	var block []byte
	if err == nil && info.Size() > country.MaxSize {
		err = country.ErrBlock
	} else if err == nil {
		block, err = os.ReadFile(name)
	}
	t := country.Table{}
	if err == nil {
		t, err = country.Parse(string(block))
	}
	if err != nil {
		return country.Table{}, &fault{err, "error.home.countries", []any{"name", name, "cause", err.Error()}}
	}
	return t, nil
}
