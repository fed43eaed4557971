package conformance

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheSuiteTellsWhatAnotherGatewayDoes has the suite play with gateways of which it is plain what they do: each case
// must come out as that says, or the suite proves nothing.
func TestTheSuiteTellsWhatAnotherGatewayDoes(t *testing.T) {
	if another() {
		t.Skip("another gateway is under test already")
	}
	newHouse(t) // or it is said what is missing
	t.Parallel()
	for name, gateway := range map[string]struct {
		rules, cases string
		seen         func(row) (string, bool) // of a row, if it is plain
	}{
		"one that lets everything pass": {"accept.nft", "^(TestIoT1And5And9|TestADeviceThatSaysItIsAnother)", everythingPasses},
		"one that lets nothing pass":    {"drop.nft", "^(TestIoT1And5And9)", nothingPasses},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules, err := filepath.Abs(filepath.Join("testdata", gateway.rules))
			if err != nil {
				t.Fatal(err)
			}
			rows := filepath.Join(t.TempDir(), "rows.json")
			cmd := exec.Command("/proc/self/exe", "-test.parallel=4", "-test.run="+gateway.cases, "-rows="+rows)
			cmd.Env = append(os.Environ(), startCommand+"=nft -f "+rules, stopCommand+"=nft flush ruleset")
			out, _ := cmd.CombinedOutput() // it fails, as it must
			var list []row
			data, err := os.ReadFile(rows)
			if err == nil {
				err = json.Unmarshal(data, &list)
			}
			if err != nil || len(list) == 0 {
				t.Fatalf("%v: %s", err, out)
			}
			judged := 0
			for _, r := range list {
				want, ok := gateway.seen(r)
				if !ok {
					continue
				}
				judged++
				if r.Seen != want {
					t.Errorf("%s: seen %s, which cannot be", r.Name, r.Seen)
				}
			}
			if judged < 30 {
				t.Errorf("%d of %d rows say what such a gateway does", judged, len(list))
			}
		})
	}
}

// everythingPasses is what is seen where nothing is stopped: whatever should be stopped comes through, and false claims
// do their work. Not all that is stopped is stopped by a gateway, and nobody resolves names.
func everythingPasses(r row) (string, bool) {
	for _, n := range []string{"under the gateway’s IP address", "by the gateway’s link-layer address", "leaves the home", "before it was asked for"} {
		if strings.Contains(r.Name, n) {
			return "", false
		}
	}
	switch {
	case strings.HasPrefix(r.Name, "poisoning-"), strings.HasPrefix(r.Name, "IoT-5-") && r.Expected == "no",
		strings.HasPrefix(r.Name, "spoofing-") && r.Expected == "no", strings.HasPrefix(r.Name, "same-subnet-") && r.Expected == "no",
		strings.HasPrefix(r.Name, "mDNS-") && r.Expected == "no":
		return map[string]string{"yes": "no", "no": "yes"}[r.Expected], true
	}
	return "", false
}

// nothingPasses is what is seen where all that is forwarded is stopped.
func nothingPasses(r row) (string, bool) {
	return "no", r.Expected == "yes" || r.Expected == "no"
}
