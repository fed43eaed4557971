package capture

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"plimsoll.example/plimsoll/internal/frame"
)

var writers = map[string]func(io.Writer, frame.LinkType) (*Writer, error){
	"pcap":   NewWriter,
	"pcapng": NewPcapngWriter,
}

func choppers(file []byte) map[string]io.Reader {
	return map[string]io.Reader{
		"one octet at a time": iotest.OneByteReader(bytes.NewReader(file)),
		"half":                iotest.HalfReader(bytes.NewReader(file)),
		"data with the end":   iotest.DataErrReader(bytes.NewReader(file)),
	}
}

const second = 1_000_000_000

func TestPcapVariants(t *testing.T) {
	record := func(o order, sec, frac, size, wire uint32, data string) []byte {
		return join(u32s(o, sec, frac, size, wire), []byte(data))
	}
	for endian, o := range orders {
		for _, test := range []struct {
			name string
			file []byte
			want []packet
		}{
			{
				"microseconds",
				join(pcapHeader(o, pcapMicro, 4, 1), record(o, 1700000000, 999999, 3, 60, "abc"), record(o, 1700000001, 0, 2, 2, "de")),
				[]packet{{1700000000*second + 999999000, 1, 60, 1, 0, "abc"}, {1700000001 * second, 2, 2, 1, 0, "de"}},
			},
			{
				"nanoseconds",
				join(pcapHeader(o, pcapNano, 4, 101), record(o, 1700000000, 999999999, 1, 1, "x")),
				[]packet{{1700000000*second + 999999999, 1, 1, 101, 0, "x"}},
			},
			{
				"times after 2038",
				join(pcapHeader(o, pcapMicro, 4, 1), record(o, 4000000000, 1, 1, 1, "x")),
				[]packet{{4000000000*second + 1000, 1, 1, 1, 0, "x"}},
			},
			{
				"longer record headers",
				join(pcapHeader(o, pcapModified, 4, 113), u32s(o, 5, 6, 2, 9, 0xaaaaaaaa, 0xbbbbbbbb), []byte("hi")),
				[]packet{{5*second + 6000, 1, 9, 113, 0, "hi"}},
			},
			{
				"frame check sequence in the link type",
				join(pcapHeader(o, pcapMicro, 4, 0x24000001), record(o, 1, 0, 1, 1, "x")),
				[]packet{{second, 1, 1, 1, 0, "x"}},
			},
			{
				"lengths in the other order, before version 2.4",
				join(pcapHeader(o, pcapMicro, 2, 1), record(o, 1, 0, 60, 3, "abc"), record(o, 2, 0, 2, 2, "de")),
				[]packet{{second, 1, 60, 1, 0, "abc"}, {2 * second, 2, 2, 1, 0, "de"}},
			},
			{
				"more captured than there was",
				join(pcapHeader(o, pcapMicro, 4, 1), record(o, 1, 0, 3, 0, "abc")),
				[]packet{{second, 1, 3, 1, 0, "abc"}},
			},
			{
				"a link type nobody knows",
				join(pcapHeader(o, pcapMicro, 4, 65001), record(o, 1, 0, 0, 5, "")),
				[]packet{{second, 1, 5, 65001, 0, ""}},
			},
			{"no packet", pcapHeader(o, pcapMicro, 4, 1), nil},
		} {
			t.Run(endian+"/"+test.name, func(t *testing.T) {
				got, r := read(t, test.file)
				if !slices.Equal(got, test.want) {
					t.Errorf("got %v\nwant %v", got, test.want)
				}
				if r.Damage() != nil {
					t.Errorf("damage: %v", r.Damage())
				}
				if r.Bytes() != int64(len(test.file)) {
					t.Errorf("%d octets read of %d", r.Bytes(), len(test.file))
				}
			})
		}
	}
}

func TestPcapngVariants(t *testing.T) {
	const micros = 1_700_000_000_123_456
	for endian, o := range orders {
		start := join(section(o), describeInterface(o, 1, 0))
		for _, test := range []struct {
			name string
			file []byte
			want []packet
		}{
			{
				"enhanced packets",
				join(start, enhanced(o, 0, micros, "abcde", 60), enhanced(o, 0, micros+1, "", 0)),
				[]packet{{micros * 1000, 1, 60, 1, 0, "abcde"}, {(micros + 1) * 1000, 2, 0, 1, 0, ""}},
			},
			{
				"simple packets take the time of the one before",
				join(start, enhanced(o, 0, micros, "a", 1), block(o, blockSimple, u32s(o, 5), []byte("hello"))),
				[]packet{{micros * 1000, 1, 1, 1, 0, "a"}, {micros * 1000, 2, 5, 1, 0, "hello"}},
			},
			{
				"simple packet cut to the interface's length",
				join(section(o), describeInterface(o, 1, 3), block(o, blockSimple, u32s(o, 5), []byte("hel"))),
				[]packet{{0, 1, 5, 1, 0, "hel"}},
			},
			{
				"packet block of old",
				join(start, block(o, blockPacketOld, o.AppendUint16(o.AppendUint16(nil, 0), 7),
					u32s(o, uint32(micros>>32), uint32(micros&0xffffffff), 2, 9), []byte("hi"))),
				[]packet{{micros * 1000, 1, 9, 1, 0, "hi"}},
			},
			{
				"several interfaces",
				join(start, describeInterface(o, 101, 0, option(o, 9, []byte{9}), u32s(o, 0)), describeInterface(o, 276, 0, option(o, 2, []byte("eth0")), option(o, 9, []byte{3})),
					enhanced(o, 1, 1_700_000_000_123_456_789, "b", 1), enhanced(o, 0, micros, "a", 1), enhanced(o, 2, 1_700_000_000_123, "c", 1)),
				[]packet{{1_700_000_000_123_456_789, 1, 1, 101, 0, "b"}, {micros * 1000, 2, 1, 1, 0, "a"}, {1_700_000_000_123_000_000, 3, 1, 276, 0, "c"}},
			},
			{
				"times in seconds, in powers of two, in picoseconds, and shifted",
				join(section(o),
					describeInterface(o, 1, 0, option(o, 9, []byte{0})),
					describeInterface(o, 1, 0, option(o, 9, []byte{0x80 | 10})),
					describeInterface(o, 1, 0, option(o, 9, []byte{12})),
					describeInterface(o, 1, 0, option(o, 14, o.AppendUint64(nil, ^uint64(3599)))), // −3600
					enhanced(o, 0, 17, "", 0), enhanced(o, 1, 17<<10|512, "", 0), enhanced(o, 2, 17_000_000_000_999, "", 0), enhanced(o, 3, micros, "", 0)),
				[]packet{{17 * second, 1, 0, 1, 0, ""}, {17*second + second/2, 2, 0, 1, 0, ""}, {17 * second, 3, 0, 1, 0, ""}, {micros*1000 - 3600*second, 4, 0, 1, 0, ""}},
			},
			{
				"blocks of other kinds",
				join(start, block(o, 4, u32s(o, 0)), block(o, 5, u32s(o, 0, 0, 0)), block(o, 10, u32s(o, 1, 2), make([]byte, 700<<10)), block(o, 0x77),
					enhanced(o, 0, micros, "a", 1), block(o, 5, u32s(o, 0, 0, 0))),
				[]packet{{micros * 1000, 1, 1, 1, 0, "a"}},
			},
			{
				"blocks that Wireshark numbers",
				join(start, block(o, blockJournal, make([]byte, BatchSize)), block(o, blockCustom, u32s(o, 1)), enhanced(o, 0, micros, "a", 1)),
				[]packet{{micros * 1000, 3, 1, 1, 0, "a"}},
			},
		} {
			t.Run(endian+"/"+test.name, func(t *testing.T) {
				got, r := read(t, test.file)
				if !slices.Equal(got, test.want) {
					t.Errorf("got %v\nwant %v", got, test.want)
				}
				if r.Damage() != nil {
					t.Errorf("damage: %v", r.Damage())
				}
			})
		}
	}
}

func TestPcapngSectionsHaveTheirOwnOrderAndInterfaces(t *testing.T) {
	little, big := orders["little"], orders["big"]
	file := join(
		section(little), describeInterface(little, 1, 0), enhanced(little, 0, 1, "a", 1),
		section(big), describeInterface(big, 113, 0, option(big, 9, []byte{9})), enhanced(big, 0, 2, "b", 1),
		section(little), describeInterface(little, 1, 0), enhanced(little, 0, 3, "c", 1))
	got, r := read(t, file)
	want := []packet{{1000, 1, 1, 1, 0, "a"}, {2, 2, 1, 113, 0, "b"}, {3000, 3, 1, 1, 0, "c"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if links := r.LinkTypes(); !slices.Equal(links, []frame.LinkType{1, 113}) {
		t.Errorf("link types %v", links)
	}
}

func TestDamageIsReportedAfterWhatIsGood(t *testing.T) {
	o := orders["little"]
	pcap := join(pcapHeader(o, pcapMicro, 4, 1), u32s(o, 1, 0, 4, 4), []byte("good"))
	ng := join(section(o), describeInterface(o, 1, 0), enhanced(o, 0, 1, "good", 4))
	far := u32s(o, 5, 0x10000000)
	for _, test := range []struct {
		name   string
		file   []byte
		at     int // what comes at this place is damaged
		what   string
		cut    bool
		frames int
	}{
		{"pcap cut in a record header", append(pcap, 1, 2, 3), len(pcap), "record", true, 1},
		{"pcap cut in a frame", join(pcap, u32s(o, 1, 0, 100, 100), []byte("only this")), len(pcap), "record", true, 1},
		{"pcap cut in the file header", pcap[:20], 0, "file header", true, 0},
		{"pcap with a huge length", join(pcap, u32s(o, 1, 0, 0xfffffff0, 0xfffffff0), make([]byte, 99)), len(pcap), "frame too long", false, 1},
		{"pcapng cut in a block", ng[:len(ng)-3], len(ng) - 36, "record", true, 0},
		{"pcapng cut in the first block", ng[:9], 0, "record", true, 0},
		{"pcapng cut in a block of no interest", join(ng, far, make([]byte, BatchSize)), len(ng), "record", true, 1},
		{"pcapng block of odd length", join(ng, u32s(o, 6, 33), make([]byte, 99)), len(ng), "block length", false, 1},
		{"pcapng block too short", join(ng, u32s(o, 6, 8), make([]byte, 99)), len(ng), "block length", false, 1},
		{"pcapng packet too long", join(ng, u32s(o, 6, 0x7ffffff0), make([]byte, 99)), len(ng), "block too long", false, 1},
		{"pcapng lengths differ", join(ng, u32s(o, 6, 32, 0, 0, 0, 0, 0, 36)), len(ng) + 28, "block lengths differ", false, 1},
		{"pcapng lengths of a long block differ", join(ng, u32s(o, 5, BatchSize), make([]byte, 2*BatchSize)), len(ng) + BatchSize - 4, "block lengths differ", false, 1},
		{"pcapng unknown interface", join(ng, enhanced(o, 1, 1, "x", 1)), len(ng), "unknown interface", false, 1},
		{"pcapng frame longer than its block", join(ng, block(o, 6, u32s(o, 0, 0, 0, 5, 5), []byte("four"))), len(ng), "frame too long", false, 1},
		{"pcapng section in no order", join(ng, block(o, blockSection, make([]byte, 16))), len(ng), "byte order", false, 1},
		{"pcapng section of another version", join(ng, block(o, blockSection, u32s(o, byteOrderMagic, 2, 0, 0))), len(ng), "section header", false, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, r := read(t, test.file)
			if len(got) != test.frames {
				t.Errorf("%d frames, want %d", len(got), test.frames)
			}
			want := Damage{int64(test.at), test.what, test.cut}
			if d := r.Damage(); d == nil || *d != want {
				t.Errorf("damage %+v, want %+v", d, want)
			}
		})
	}
}

func TestLargeFrameGrowsItsBatchAlone(t *testing.T) {
	for name, start := range writers {
		t.Run(name, func(t *testing.T) {
			var file bytes.Buffer
			w, err := start(&file, 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{10, maxFrame, 10, BatchSize - 1, 20} {
				if err := w.WritePacket(0, bytes.Repeat([]byte{'x'}, size), 0); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.WritePacket(0, make([]byte, maxFrame+1), 0); err == nil {
				t.Error("a frame that is too large was written")
			}
			got, r := read(t, file.Bytes())
			var sizes []int
			for _, p := range got {
				sizes = append(sizes, len(p.Data))
			}
			if !slices.Equal(sizes, []int{10, maxFrame, 10, BatchSize - 1, 20}) || r.Damage() != nil {
				t.Errorf("frames of %d octets, damage %v", sizes, r.Damage())
			}
		})
	}
}

func TestForeignFilesAreNamed(t *testing.T) {
	for _, test := range []struct {
		name, file, found string
		offset            int64
	}{
		{"empty", "", "nothing", 0},
		{"short", "\xd4\xc3", "the octets d4 c3", 0},
		{"text", "{\n  \"schema\": \"plimsoll\"}", `the text "{\n  \"schema\": \"p"`, 0},
		{"French text", "Réseau à l’école", `the text "Réseau`, 0},
		{"zip", "PK\x03\x04\x14\x00\x00\x00\x08\x00", "a ZIP archive", 0},
		{"xz", "\xfd7zXZ\x00\x00\x04", "xz", 0},
		{"binary", "\x00\x01\x02\x03\x04\x05\x06\x07\x08", "the octets 00 01 02 03 04 05 06 07", 0},
		{"version", string(join(u32s(orders["little"], pcapMicro, 0x00000005), make([]byte, 16))), "pcap of version 5.0", 4},
		{"pcapng version", string(block(orders["big"], blockSection, u32s(orders["big"], byteOrderMagic, 0x00070001, 0, 0))), "pcapng of version 7.1", 12},
		{"pcapng order", "\n\r\r\n\x1c\x00\x00\x00abcdefgh", "pcapng of no known byte order", 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewReader(strings.NewReader(test.file), "some.file")
			var fe *FormatError
			if !errors.As(err, &fe) {
				t.Fatalf("error %v", err)
			}
			if fe.Name != "some.file" || fe.Offset != test.offset || !strings.HasPrefix(fe.Found, test.found) {
				t.Errorf("got %+v, want %s at %d", fe, test.found, test.offset)
			}
			for _, word := range []string{"some.file", "pcapng", "gzip"} {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("message %q lacks %q", err, word)
				}
			}
		})
	}
}

func TestOpenNamesWhatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "missing.pcap"), dir} {
		_, err := Open(path, nil)
		if err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("error %v, want one that names %s once", err, path)
		}
	}
	if _, err := Open(filepath.Join(dir, "missing.pcap"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	path := filepath.Join(dir, "good.pcap")
	if err := os.WriteFile(path, generate(t, NewWriter, 5), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, "-"} {
		r, err := Open(path, bytes.NewReader(generate(t, NewWriter, 5)))
		if err != nil {
			t.Fatal(err)
		}
		if got := collect(t, r.Next); len(got) != 5 || r.Packets() != 5 {
			t.Errorf("%s: %d packets, %d counted", path, len(got), r.Packets())
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestReadErrorComesAfterWhatIsGood(t *testing.T) {
	broken := errors.New("disk on fire")
	file := generate(t, NewWriter, 100)
	r, err := NewReader(io.MultiReader(bytes.NewReader(file), iotest.ErrReader(broken)), "burning.pcap")
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	if err := r.Next(&b); err != nil || len(b.Records) != 100 {
		t.Fatalf("%d records, error %v", len(b.Records), err)
	}
	for range 2 {
		if err := r.Next(&b); !errors.Is(err, broken) || !strings.Contains(err.Error(), "burning.pcap") {
			t.Errorf("error %v", err)
		}
	}
}

func TestWalkDoesNotAllocate(t *testing.T) {
	for name, start := range writers {
		file := generate(t, start, 20_000)
		r, err := NewReader(bytes.NewReader(file), name)
		if err != nil {
			t.Fatal(err)
		}
		b := Batch{Data: make([]byte, BatchSize), Records: make([]Record, BatchSize/pcapRecordHeader)}
		if err := r.Next(&b); err != nil { // what is kept between batches finds its size
			t.Fatal(err)
		}
		allocs := testing.AllocsPerRun(5, func() {
			if err := r.Next(&b); err != nil {
				t.Fatal(err)
			}
		})
		if allocs > 0 {
			t.Errorf("%s: %v allocations per batch", name, allocs)
		}
	}
}

func TestChoppedInputGivesTheSameBatches(t *testing.T) {
	for name, start := range writers {
		t.Run(name, func(t *testing.T) {
			file := generate(t, start, 3000)
			whole := batches(t, bytes.NewReader(file))
			for name, r := range choppers(file) {
				got := batches(t, r)
				if len(got) != len(whole) {
					t.Fatalf("%s: %d batches, want %d", name, len(got), len(whole))
				}
				for i := range got {
					if got[i] != whole[i] {
						t.Errorf("%s: batch %d has %v, want %v", name, i, got[i], whole[i])
					}
				}
			}
		})
	}
}

// batches are the numbers of octets and records in each batch.
func batches(t *testing.T, in io.Reader) (sizes [][2]int) {
	t.Helper()
	r, err := NewReader(in, "test")
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	for {
		if err := r.Next(&b); errors.Is(err, io.EOF) {
			return sizes
		} else if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, [2]int{len(b.Data), len(b.Records)})
	}
}
