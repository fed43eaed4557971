package capture

import (
	"errors"
	"io"
	"math"
)

// mergeSize is the part of each file that is in memory while files are merged: a thousand may overlap.
const mergeSize = 16 << 10

// cursor is an open file of a history, and what was read of it and not yet given out.
type cursor struct {
	*Reader
	file  int
	batch Batch
	next  int // the first record of batch that was not given out
}

func (c *cursor) empty() bool { return c.next == len(c.batch.Records) }

// time is that of the next frame. A cursor that is empty comes first, to be filled.
func (c *cursor) time() int64 {
	if c.empty() {
		return math.MinInt64
	}
	return c.batch.Records[c.next].Time
}

// put keeps the frames of b, taking its memory and leaving other memory in its place.
func (c *cursor) put(b *Batch) {
	*b, c.batch = c.batch, *b
	b.reset(0)
	c.next = 0
}

// take moves to b all frames that are left.
func (c *cursor) take(b *Batch) {
	*b, c.batch = c.batch, *b
	b.Records = b.Records[:copy(b.Records, b.Records[c.next:])]
	c.batch.reset(0)
	c.next = 0
}

// before is the time before which frames of file i come before a frame of file j at time t.
func before(t int64, i, j int) int64 {
	if i < j && t < math.MaxInt64 {
		return t + 1
	}
	return t
}

// merge fills b with the next frames of the open files, opening others as their time comes. The open
// files form a heap, the one with the next frame on top. It may leave b empty if one file is left.
func (h *History) merge(b *Batch) error {
	b.reset(BatchSize)
	b.Data = b.Data[:0]
	for len(h.open) > 0 {
		c := h.open[0]
		if c.empty() {
			if len(h.open) == 1 {
				return nil
			}
			c.next = 0
			err := c.Reader.next(&c.batch, mergeSize)
			if errors.Is(err, io.EOF) {
				err = h.drop()
			}
			if err != nil {
				return err
			}
			h.sift()
			continue
		}
		limit := h.limit(c.file)
		if len(h.pending) > 0 && c.time() >= limit {
			if err := h.advance(); err != nil {
				return err
			}
			continue
		}
		if len(h.open) == 1 && h.alone(c.batch.Records[c.next:], c.file) {
			if len(b.Records) == 0 {
				c.take(b)
			}
			return nil
		}
		for _, other := range h.open[1:min(len(h.open), 3)] { // one of these two is next after the top
			limit = min(limit, before(other.time(), c.file, other.file))
		}
		full := !c.give(b, limit)
		h.sift()
		if full {
			return nil
		}
	}
	return nil
}

// give copies to b the next frame and those after it that come before limit. It answers false when b is full.
func (c *cursor) give(b *Batch, limit int64) bool {
	for first := true; !c.empty() && (first || c.time() < limit); first = false {
		data := c.batch.Frame(c.next)
		// The same room is reckoned for a record as it takes in a file, so that records are bounded too.
		if n := len(b.Records); n > 0 && len(b.Data)+len(data)+(n+1)*pcapRecordHeader > BatchSize {
			return false
		}
		r := b.add()
		*r = c.batch.Records[c.next]
		r.Offset = uint32(len(b.Data))
		b.Data = append(b.Data, data...)
		c.next++
	}
	return true
}

// limit is the time before which frames of file i come before the files that are not begun.
func (h *History) limit(i int) int64 {
	if len(h.pending) == 0 {
		return math.MaxInt64
	}
	next := h.pending[0]
	return before(h.files[next].first, i, next)
}

// alone reports whether all records, of file i, come before the files that are not begun.
func (h *History) alone(records []Record, i int) bool {
	if len(h.pending) == 0 {
		return true
	}
	limit := h.limit(i)
	for j := range records {
		if records[j].Time >= limit {
			return false
		}
	}
	return true
}

// advance begins the earliest file that was not.
func (h *History) advance() error {
	c, err := h.begin(h.pending[0])
	if err != nil {
		return err
	}
	h.pending = h.pending[1:]
	h.open = append(h.open, c)
	for i := len(h.open) - 1; i > 0 && h.less(i, (i-1)/2); i = (i - 1) / 2 {
		h.open[i], h.open[(i-1)/2] = h.open[(i-1)/2], h.open[i]
	}
	return nil
}

// drop closes the file on top, which was read to its end.
func (h *History) drop() error {
	i, last := h.open[0].file, len(h.open)-1
	h.open[0] = h.open[last]
	h.open = h.open[:last]
	h.sift()
	return h.files[i].finish()
}

// less reports whether the next frame of open file i comes before that of j.
func (h *History) less(i, j int) bool {
	a, b := h.open[i], h.open[j]
	ta, tb := a.time(), b.time()
	return ta < tb || ta == tb && a.file < b.file
}

// sift moves the top down to its place.
func (h *History) sift() {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h.open); child++ {
			if h.less(child, least) {
				least = child
			}
		}
		if least == i {
			return
		}
		h.open[i], h.open[least] = h.open[least], h.open[i]
		i = least
	}
}
