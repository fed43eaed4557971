package document

import "testing"

func TestDocumentTakesTheTableBetweenItsMarkers(t *testing.T) {
	begin, end := Markers("held")
	text := "# Speed\n\n" + begin + "\nold\n" + end + "\n\nMore.\n"
	d, ok := split(text, "held")
	if !ok {
		t.Fatal("no markers found")
	}
	want := "# Speed\n\n" + begin + "\n\nnew\n\n" + end + "\n\nMore.\n"
	got := d.with("new\n")
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if d, ok := split(got, "held"); !ok || d.with("new\n") != want {
		t.Error("it does not come out the same the second time")
	}
	for _, bad := range []string{"", begin + "\n", "a\n" + begin + "\nb", "a\n" + end + "\n" + begin + "\n", "a " + begin + "\n" + end + "\n"} {
		if _, ok := split(bad, "held"); ok {
			t.Errorf("takes %q for a document with markers", bad)
		}
	}
}
