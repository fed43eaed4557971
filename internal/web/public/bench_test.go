package public_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"plimsoll.example/plimsoll/internal/storetest"
)

// BenchmarkPage is what the page of a product costs the server: the first time, and while nothing changes.
func BenchmarkPage(b *testing.B) {
	s := serve(b, 1e9)
	for i := range 10 {
		s.grant(b, statement(i), "camera")
	}
	h := s.site.Handler()
	get := func(path string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code, w.Body)
		}
	}
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			s.site.Forget()
			get(fmt.Sprintf("/01/%014d", storetest.GTIN(i%10)))
		}
	})
	b.Run("kept", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			get(fmt.Sprintf("/01/%014d", storetest.GTIN(i%10)))
		}
	})
	b.Run("label", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			get(fmt.Sprintf("/api/v1/labels?gtin=%014d", storetest.GTIN(i%10)))
		}
	})
}
