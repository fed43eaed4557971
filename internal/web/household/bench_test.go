package household_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"plimsoll.example/plimsoll/internal/device"
	"plimsoll.example/plimsoll/internal/finding"
	"plimsoll.example/plimsoll/internal/frame"
	"plimsoll.example/plimsoll/internal/home"
	"plimsoll.example/plimsoll/internal/sqlite"
	"plimsoll.example/plimsoll/internal/web/household"
)

// crowd is a home with that many devices, each with 20 peers a day for a week, and one in five with findings.
func crowd(t testing.TB, devices int) http.Handler {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "home.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	now := time.Now()
	h := &home.Household{Ledger: store, Now: time.Now, Rehearsal: time.Hour}
	if err := h.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	var traffic []home.Traffic
	var findings []home.Noted
	for i := range devices {
		d, _ := h.See(frame.MAC{2, 0, 0, 0, byte(i >> 8), byte(i)}, func(d *home.Device) {
			d.Hostnames, d.Room = []string{fmt.Sprintf("device-%03d", i)}, fmt.Sprintf("Room %d", i%12)
			d.Identity = device.Identity{Kind: device.IoT, Category: device.Categories[i%20], Maker: "Lamps & Co", Model: "L1"}
			d.First, d.Last = now.AddDate(0, 0, -30), now
		})
		for day := range 7 {
			for peer := range 20 {
				traffic = append(traffic, home.Traffic{
					At: now.AddDate(0, 0, -day), Device: d.ID, Peer: fmt.Sprintf("server-%d.example", peer), Scope: "internet", Service: "tcp/443 tls", Began: true, Flows: 3, Out: 10_000, In: 10_000,
				})
			}
		}
		for k := range 2 {
			if i%5 == 0 {
				f := finding.Finding{Kind: finding.ClearContent, Device: d.ID, Role: finding.Actor, Key: fmt.Sprint(k), Severity: finding.Medium, Confidence: 0.9, Last: now.UnixNano(), Details: []finding.Detail{{Key: "peer", Value: "server-1.example"}, {Key: "protocol", Value: "http"}}}
				findings = append(findings, home.Noted{Finding: f, State: home.Open})
			}
		}
	}
	for _, err := range []error{store.Save(t.Context(), h.Devices()), store.AddTraffic(t.Context(), traffic), store.SaveFindings(t.Context(), findings)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	p := &household.Pages{
		Household: h, History: store, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Mode: home.Hold, Status: func() home.Status { // reads what that of a gateway does
			n, err := store.CountFindings(t.Context(), home.Open)
			if err != nil {
				t.Error(err)
			}
			return home.Status{Asks: h.Questions(), Findings: n}
		},
	}
	s, err := p.Site("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := s.Handler()
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

// first asks for the first page.
func first(t testing.TB, h http.Handler) (octets int) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/en/", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	return w.Body.Len()
}

func TestTheFirstPageOfTwoHundredDevicesIsSmall(t *testing.T) {
	if n := first(t, crowd(t, 200)); n > 200_000 {
		t.Errorf("%d octets", n)
	}
}

// The first page of a home with 200 devices is to be made in 30 ms.
func BenchmarkFirstPage(b *testing.B) {
	h := crowd(b, 200)
	n := 0
	b.ResetTimer()
	for b.Loop() {
		n = first(b, h)
	}
	b.ReportMetric(float64(n), "octets")
}
