package page

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// inMemory is how much of a form is held in memory, octets; the files of a larger one wait on the disk.
const inMemory = 1 << 20

// Upload is a file of a form, and its name; nil where the form has none. It has most+1 octets where it is larger than most.
func Upload(r *Request, field string, most int) (name string, data []byte, err error) {
	if found, err := receive(r); err != nil || !found {
		return "", nil, err
	}
	defer func() { _ = r.MultipartForm.RemoveAll() }()
	file, head, err := r.FormFile(field)
	if errors.Is(err, http.ErrMissingFile) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	defer file.Close()
	data, err = io.ReadAll(io.LimitReader(file, int64(most)+1))
	return head.Filename, data, err
}

// receive waits for all of a form with files. It returns false where it is another form.
func receive(r *Request) (found bool, err error) {
	err = r.ParseMultipartForm(inMemory)
	if errors.Is(err, http.ErrNotMultipart) || errors.Is(err, http.ErrMissingBoundary) {
		return false, nil
	}
	return err == nil, err
}

// Places bound how many files are worked on at a time.
type Places chan struct{}

// Upload is as the function, with a place for work on the file until leave is called, if there is one. It takes the place
// when all of the form is there: whoever sends slowly keeps nobody waiting.
func (p Places) Upload(r *Request, field string, most int) (data []byte, leave func(), err error) {
	found, err := receive(r)
	if err != nil {
		return nil, nil, err
	}
	if !found || len(r.MultipartForm.File[field]) == 0 {
		return nil, func() {}, nil
	}
	select {
	case p <- struct{}{}:
	case <-r.Context().Done():
		_ = r.MultipartForm.RemoveAll()
		return nil, nil, context.Cause(r.Context())
	}
	leave = func() { <-p }
	if _, data, err = Upload(r, field, most); err != nil {
		leave()
		return nil, nil, err
	}
	return data, leave, nil
}
