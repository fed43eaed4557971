package dissect_test

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"

	"plimsoll.example/plimsoll/internal/dissect"
	"plimsoll.example/plimsoll/internal/frame"
)

var alice, bob = frame.MAC{2, 0, 0, 0, 0, 1}, frame.MAC{2, 0, 0, 0, 0, 2}

func TestFactsSayWhatWasAdded(t *testing.T) {
	var f dissect.Facts
	f.Begin(alice, 1700000000000000001, 7)
	f.AddString("dhcp.hostname", "kettle")
	f.About(bob)
	f.Add("dhcp.vendor_class", []byte("udhcp"))
	f.AddAddr("arp.address", netip.MustParseAddr("2001:db8::1"))
	f.AddUint("http.status", 404)
	f.Begin(alice, 2, 8)
	f.AddString("tls.sni", "example.org")

	type told struct {
		name, value string
		subject     frame.MAC
		time        int64
		seq         uint64
	}
	want := []told{
		{"dhcp.hostname", "kettle", alice, 1700000000000000001, 7},
		{"dhcp.vendor_class", "udhcp", bob, 1700000000000000001, 7},
		{"arp.address", "2001:db8::1", bob, 1700000000000000001, 7},
		{"http.status", "404", bob, 1700000000000000001, 7},
		{"tls.sni", "example.org", alice, 2, 8},
	}
	if f.Len() != len(want) {
		t.Fatalf("%d facts, want %d", f.Len(), len(want))
	}
	for i, w := range want {
		at := f.At(i)
		if got := (told{at.Name, string(f.Value(i)), at.Subject, at.Time, at.Seq}); got != w {
			t.Errorf("fact %d is %v, want %v", i, got, w)
		}
	}
}

func TestFieldsBelongToTheFactBeforeThem(t *testing.T) {
	var f dissect.Facts
	f.FieldString("lost", "there is no fact yet")
	f.AddString("a", "1")
	f.Field("x", []byte("one"))
	f.FieldAddr("y", netip.MustParseAddr("192.0.2.1"))
	f.AddString("b", "2")
	f.FieldUint("x", 3)
	f.FieldString("x", "again")

	fields := func(i int) string {
		var b strings.Builder
		f.Fields(i, func(key string, value []byte) { b.WriteString(key + "=" + string(value) + " ") })
		return b.String()
	}
	if got, want := fields(0), "x=one y=192.0.2.1 "; got != want {
		t.Errorf("fields %q, want %q", got, want)
	}
	if got, want := fields(1), "x=3 x=again "; got != want {
		t.Errorf("fields %q, want %q", got, want)
	}
	if got := string(f.Lookup(1, "x")); got != "3" {
		t.Errorf("Lookup gives %q, want the first", got)
	}
	if got := f.Lookup(1, "y"); got != nil {
		t.Errorf("Lookup gives %q for a field of another fact", got)
	}
}

func TestWhatIsTooLongIsCut(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 3*dissect.MaxValue)
	var f dissect.Facts
	f.Add("a", long)
	f.Field("x", long)
	f.AddString("b", string(long))
	f.FieldString("x", string(long))
	f.AddString("c", "after")
	for i := range 2 {
		if n, m := len(f.Value(i)), len(f.Lookup(i, "x")); n != dissect.MaxValue || m != dissect.MaxValue {
			t.Errorf("value and field of %d and %d octets, want %d", n, m, dissect.MaxValue)
		}
	}
	if got := string(f.Value(2)); got != "after" {
		t.Errorf("the value after is %q", got)
	}
}

func TestFieldsAreBounded(t *testing.T) {
	var f dissect.Facts
	f.AddString("a", "")
	for range 2 * dissect.MaxFields {
		f.FieldString("s", "v")
		f.Field("b", []byte("v"))
		f.FieldUint("u", 1)
		f.FieldAddr("a", netip.IPv4Unspecified())
	}
	n := 0
	f.Fields(0, func(string, []byte) { n++ })
	if n != dissect.MaxFields {
		t.Errorf("%d fields, want %d", n, dissect.MaxFields)
	}
	f.AddString("b", "")
	f.FieldString("s", "v")
	if got := string(f.Lookup(1, "s")); got != "v" {
		t.Errorf("the next fact's field is %q", got)
	}
}

func TestValuesCannotGrowIntoEachOther(t *testing.T) {
	var f dissect.Facts
	f.AddString("a", "one")
	f.FieldString("x", "field")
	f.AddString("b", "two")
	_ = append(f.Value(0), "overwritten"...)
	_ = append(f.Lookup(0, "x"), "overwritten"...)
	if a, x, b := string(f.Value(0)), string(f.Lookup(0, "x")), string(f.Value(1)); a != "one" || x != "field" || b != "two" {
		t.Errorf("got %q, %q, %q", a, x, b)
	}
}

func TestAddedOctetsAreCopied(t *testing.T) {
	wire := []byte("kettle")
	var f dissect.Facts
	f.Add("a", wire)
	f.Field("x", wire)
	clear(wire)
	if got, field := string(f.Value(0)), string(f.Lookup(0, "x")); got != "kettle" || field != "kettle" {
		t.Errorf("got %q and %q after the message was gone", got, field)
	}
}

func TestTruncateForgets(t *testing.T) {
	var f dissect.Facts
	f.AddString("a", "1")
	f.FieldString("x", "first")
	f.AddString("b", "2")
	f.FieldString("x", "second")
	f.AddString("c", "3")
	f.Truncate(5) // beyond: nothing
	if f.Len() != 3 {
		t.Fatalf("%d facts after truncating beyond the end", f.Len())
	}
	f.Truncate(1)
	if f.Len() != 1 || string(f.Value(0)) != "1" || string(f.Lookup(0, "x")) != "first" {
		t.Fatalf("what was kept is damaged: %d facts, %q", f.Len(), f.Value(0))
	}
	f.AddString("d", "4")
	if f.Len() != 2 || f.At(1).Name != "d" || string(f.Value(1)) != "4" || f.Lookup(1, "x") != nil {
		t.Errorf("the next fact has something of the forgotten ones")
	}
	f.Truncate(0)
	if f.Len() != 0 {
		t.Errorf("%d facts after truncating all", f.Len())
	}
}

func TestResetKeepsNothing(t *testing.T) {
	var f dissect.Facts
	f.AddString("a", "1")
	f.FieldString("x", "1")
	f.Reset()
	f.FieldString("x", "lost")
	f.AddString("b", "2")
	if f.Len() != 1 || string(f.Value(0)) != "2" || f.Lookup(0, "x") != nil {
		t.Errorf("%d facts, the first %q", f.Len(), f.Value(0))
	}
}

func TestNothingIsAllocatedOnceWarm(t *testing.T) {
	var f dissect.Facts
	value, address := bytes.Repeat([]byte("v"), 100), netip.MustParseAddr("2001:db8::1")
	sum := 0
	fill := func() {
		f.Reset()
		f.Begin(alice, 1, 1)
		for range 100 {
			f.Add("a", value)
			f.Field("x", value)
			f.AddString("b", "text")
			f.FieldString("y", "text")
			f.AddAddr("c", address)
			f.FieldAddr("z", address)
			f.AddUint("d", 1<<60)
			f.FieldUint("w", 1<<60)
		}
		for i := range f.Len() {
			sum += len(f.Value(i)) + len(f.Lookup(i, "x"))
			f.Fields(i, func(_ string, value []byte) { sum += len(value) })
		}
		f.Truncate(10)
	}
	fill()
	if n := testing.AllocsPerRun(20, fill); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
