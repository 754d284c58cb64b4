package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
)

// TestBenchWithoutPeer runs a quick case with no Python: the report has govle's
// own figures and says that nobody is beside it.
func TestBenchWithoutPeer(t *testing.T) {
	dir := t.TempDir()
	report := filepath.Join(dir, "report.md")
	status, stdout, stderr := govle(t, "bench", "--only", "^(picture|tokenizer/single)", "--rounds", "1", "--budget", "1s",
		"--python", filepath.Join(dir, "no-python"), "--work", dir, "-o", report)
	if status != 0 || !strings.Contains(stdout, "picture/jpeg") || !strings.Contains(stderr, "make bench-peers") {
		t.Fatalf("status %d\n%s\n%s", status, stdout, stderr)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"PyTorch was not there", "nobody beside it", "## picture", "## tokenizer", "| threads | load |"} {
		if !strings.Contains(string(data), want) {
			t.Errorf("the report lacks %q:\n%s", want, data)
		}
	}
	// A later run of another case keeps what was measured, when asked to.
	if status, _, stderr := govle(t, "bench", "--only", "^tokenizer/batch", "--rounds", "1", "--budget", "1s", "--keep",
		"--python", filepath.Join(dir, "no-python"), "--work", dir, "-o", report); status != 0 {
		t.Fatal(stderr)
	}
	data, _ = os.ReadFile(report)
	if single, batch := strings.Index(string(data), "**single**"), strings.Index(string(data), "**batch**"); single < 0 || batch < single {
		t.Errorf("--keep lost a row or its place:\n%s", data)
	}
}

func TestBenchUsage(t *testing.T) {
	for _, args := range [][]string{{"--only", "("}, {"--rounds", "0"}, {"--threads", "0"}} {
		if status, _, _ := govle(t, append([]string{"bench"}, args...)...); status != 2 {
			t.Errorf("bench %v: status %d, want 2", args, status)
		}
	}
	if status, stdout, _ := govle(t, "bench", "--list"); status != 0 || !strings.Contains(stdout, "forward/large/336") {
		t.Errorf("--list: status %d:\n%s", status, stdout)
	}
}

// fakeSide takes the given seconds a run and computes the given values.
func fakeSide(name string, seconds, value, tolerance float64) benchSide {
	return benchSide{
		name: name, tolerance: tolerance,
		time: func(n int) ([]float64, error) {
			s := make([]float64, n)
			for i := range s {
				s[i] = seconds
			}
			return s, nil
		},
		result: func() ([]float64, error) { return []float64{value}, nil },
	}
}

func TestBenchMeasure(t *testing.T) {
	b := &bench{opts: benchOptions{rounds: 3, budget: time.Minute}, ctx: context.Background(), log: io.Discard}
	for _, c := range []struct {
		name    string
		other   benchSide
		target  float64
		rival   string
		verdict string
		fails   string
	}{
		{"slower rival", fakeSide("PyTorch", 3, 1, 1e-3), 1.3, "PyTorch", "reached", ""},
		{"quicker rival", fakeSide("PyTorch", 1, 1, 1e-3), 1.3, "PyTorch", "missed", ""},
		{"another's target", fakeSide("gonum", 1, 1, 1e-3), 1.3, "PyTorch", "", ""},
		{"seconds", fakeSide("PyTorch", 1, 1, 1e-3), 2.5, "", "reached", ""},
		{"too many seconds", fakeSide("PyTorch", 1, 1, 1e-3), 1.5, "", "missed", ""},
		{"rounding rival", fakeSide("PyTorch bf16", 1, 1.5, 0), 0, "", "", ""},
		{"other arithmetic", fakeSide("PyTorch", 3, 1.5, 1e-3), 1.3, "PyTorch", "", "does not compute"},
		{"broken rival", benchSide{name: "PyTorch", time: func(int) ([]float64, error) { return nil, errors.New("gone") }}, 1.3, "PyTorch", "", "gone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			row, err := b.measure(benchCase{name: "x", target: c.target, rival: c.rival, prepare: func(*bench) ([]benchSide, error) {
				return []benchSide{fakeSide("govle", 2, 1, 0), c.other}, nil
			}})
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("error %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v := row.verdict(); v != c.verdict {
				t.Errorf("verdict %q, want %q", v, c.verdict)
			}
			first, _ := c.other.time(1)
			if got, want := row.Sides[1].RatioMin, first[0]/2; got != want || row.Sides[1].RatioMedian != want {
				t.Errorf("ratios %g and %g, want %g", got, row.Sides[1].RatioMedian, want)
			}
		})
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		x    []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{5, 1, 3}, 3}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.x); got != c.want {
			t.Errorf("median of %v: %g, want %g", c.x, got, c.want)
		}
	}
}

// TestBenchPeer speaks with a script that answers as the Python side does.
func TestBenchPeer(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	script := filepath.Join(t.TempDir(), "peer.sh")
	if err := os.WriteFile(script, []byte(`while read -r line; do
case "$line" in
*hello*) echo '{"torch":"9.9","threads":2}';;
*broken*setup*) echo '{"error":"ValueError: no such thing"}';;
*dies*setup*) echo 'last words' >&2; exit 1;;
*setup*) echo '{}';;
*time*) echo '{"seconds":[0.5,0.25]}';;
*) echo 'no JSON';;
esac
done
`), 0o644); err != nil {
		t.Fatal(err)
	}
	b := &bench{opts: benchOptions{python: "sh", script: script, threads: 2}, ctx: context.Background(), peers: map[string]*benchPeer{}}
	defer b.closePeers()
	b.findPeer()
	if b.noPeer != nil || !strings.Contains(b.version, "PyTorch 9.9") {
		t.Fatalf("version %q, error %v", b.version, b.noPeer)
	}
	side, err := b.peerSide("torch", "PyTorch", map[string]any{"kind": "good"})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := side.time(2); err != nil || len(s) != 2 || s[1] != 0.25 {
		t.Errorf("times %v, %v", s, err)
	}
	if _, err := side.result(); err == nil || !strings.Contains(err.Error(), "no JSON") {
		t.Errorf("an answer that is no JSON: %v", err)
	}
	for kind, want := range map[string]string{"broken": "no such thing", "dies": "last words"} {
		if _, err := b.peerSide(kind, "PyTorch", map[string]any{"kind": kind}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", kind, err, want)
		}
	}
	side.close()
	if len(b.peers) != 2 || b.peers["torch"] != nil {
		t.Errorf("%d peers left", len(b.peers))
	}
}

// TestBenchConfig holds the sizes to the recorded parameter counts' architectures.
func TestBenchConfig(t *testing.T) {
	for _, size := range []string{"base", "large"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "golden", "archs", size+".VLEForVQA.json"))
		if err != nil {
			t.Skip("no recorded architectures beside the module")
		}
		var recorded struct {
			StateDict map[string]struct{ Shape []int } `json:"state_dict"`
		}
		if err := json.Unmarshal(data, &recorded); err != nil {
			t.Fatal(err)
		}
		m, err := vle.NewVQA(benchConfig(size, 224))
		if err != nil {
			t.Fatal(err)
		}
		have := 0
		m.Visit(func(name string, shape []int, _ **spago.Param) {
			if want := recorded.StateDict[name].Shape; !slices.Equal(want, shape) {
				t.Errorf("%s: %s has shape %v, recorded %v", size, name, shape, want)
			}
			have++
		})
		for name := range recorded.StateDict {
			if !strings.HasSuffix(name, "position_ids") {
				have--
			}
		}
		if have != 0 {
			t.Errorf("%s: %+d parameters", size, have)
		}
	}
}
