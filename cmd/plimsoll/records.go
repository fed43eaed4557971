package main

import (
	"errors"
	"io"
	"os"

	"plimsoll.example/plimsoll/internal/inspect"
)

// records are the files that an inspection writes beside its report: flows and facts as it goes, documents at the end.
type records struct {
	lines     []*inspect.Lines
	files     []*os.File
	documents []document
}

// document is a file that is written from the result.
type document struct {
	w     io.Writer
	write func(io.Writer, *inspect.Result) error
}

// create opens the files that the flags name. It empties them only when it is sure of all, and that none is in use.
func (in *inspection) create(cfg *inspect.Config, paths []string, write map[string]func(io.Writer, *inspect.Result) error) (*records, error) {
	r := &records{}
	used := in.used(paths)
	for _, out := range []struct {
		flag, path string
		use        func(*inspect.Lines)
	}{
		{"--flows", in.flows, func(l *inspect.Lines) { cfg.OnFlow = l.Flow }},
		{"--facts", in.facts, func(l *inspect.Lines) { cfg.OnFact = l.Fact }},
		{"--html", in.html, nil},
		{"--eve", in.eve, nil},
	} {
		w := in.out
		switch out.path {
		case "":
			continue
		case "-":
		default:
			f, err := os.OpenFile(out.path, os.O_WRONLY|os.O_CREATE, 0o666)
			if err != nil {
				return nil, errors.Join(unwritable(out.path, err), r.close())
			}
			r.files = append(r.files, f)
			info := stat(f)
			for _, other := range used {
				if os.SameFile(info, other) {
					return nil, errors.Join(wrongUsage("error.output.same", "flag", out.flag, "name", out.path), r.close())
				}
			}
			used = append(used, info)
			w = f
		}
		if out.use == nil {
			r.documents = append(r.documents, document{w, write[out.flag]})
			continue
		}
		l := inspect.NewLines(w)
		r.lines = append(r.lines, l)
		out.use(l)
	}
	for _, f := range r.files {
		if info := stat(f); info == nil || !info.Mode().IsRegular() {
			continue
		}
		if err := f.Truncate(0); err != nil {
			return nil, errors.Join(unwritable(f.Name(), err), r.close())
		}
	}
	return r, nil
}

func unwritable(name string, err error) error {
	return &fault{err, "error.write", []any{"name", name, "cause", errors.Unwrap(err).Error()}}
}

// used are the files that an inspection reads, and standard output.
func (in *inspection) used(paths []string) (list []os.FileInfo) {
	add := func(f any) {
		if f, ok := f.(*os.File); ok {
			list = append(list, stat(f))
		}
	}
	add(in.out)
	for _, path := range paths {
		if path == "-" {
			add(in.in)
		} else if info, err := os.Stat(path); err == nil {
			list = append(list, info)
		}
	}
	return list
}

// stat is what is known of a file, or nil for one that any number of records may go to: the terminal, /dev/null.
func stat(f *os.File) os.FileInfo {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice != 0 {
		return nil
	}
	return info
}

// flush writes what is left of flows and facts.
func (r *records) flush() error {
	var errs []error
	for _, l := range r.lines {
		errs = append(errs, l.Flush())
	}
	return errors.Join(errs...)
}

// write writes the documents.
func (r *records) write(result *inspect.Result) error {
	var errs []error
	for _, d := range r.documents {
		errs = append(errs, d.write(d.w, result))
	}
	return errors.Join(errs...)
}

func (r *records) close() error {
	var errs []error
	for _, f := range r.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
