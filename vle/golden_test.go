package vle

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	spago "github.com/nlpodyssey/spago/nn"
	"github.com/sbinet/npyio/npz"

	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// golden returns a path in the recorded outputs of the reference, which lie
// beside the module's root, or skips the test where they are not.
func golden(t testing.TB, elem ...string) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
	path := filepath.Join(append([]string{dir, "..", "shared", "golden"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the reference's recorded outputs are not here (%s)", path)
	}
	return path
}

// recording is a case's .npz: arrays by name.
type recording struct {
	t testing.TB
	f *npz.Reader
}

func openRecording(t testing.TB, path string) *recording {
	f, err := npz.Open(path)
	if err != nil {
		t.Fatalf("opening %s: %v", path, err)
	}
	t.Cleanup(func() { f.Close() })
	return &recording{t, f}
}

func (c *recording) names(prefix string) []string {
	var out []string
	for _, k := range c.f.Keys() {
		if strings.HasPrefix(k, prefix) {
			out = append(out, k)
		}
	}
	return out
}

func (c *recording) has(name string) bool { return len(c.names(name)) > 0 }

func (c *recording) shape(name string) []int {
	h := c.f.Header(name)
	if h == nil {
		c.t.Fatalf("no array %q", name)
	}
	return h.Descr.Shape
}

func (c *recording) floats(name string) []float32 {
	var x []float32
	if err := c.f.Read(name, &x); err != nil {
		c.t.Fatalf("reading %q: %v", name, err)
	}
	return x
}

func (c *recording) ints(name string) [][]int {
	var x []int64
	if err := c.f.Read(name, &x); err != nil {
		c.t.Fatalf("reading %q: %v", name, err)
	}
	n := c.shape(name)[1]
	var out [][]int
	for i := 0; i < len(x); i += n {
		row := make([]int, n)
		for j := range row {
			row[j] = int(x[i+j])
		}
		out = append(out, row)
	}
	return out
}

// batch reads the case's inputs.
func (c *recording) batch() *Batch {
	return &Batch{
		IDs: c.ints("in.input_ids.npy"), Mask: c.ints("in.attention_mask.npy"),
		TypeIDs: c.ints("in.token_type_ids.npy"), Pixels: c.floats("in.pixel_values.npy"),
	}
}

// worst returns the largest |got−want| in units of the tolerance
// 2e-5 + 1e-4·|want|.
func worst(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	w := 0.0
	for i, x := range want {
		d := math.Abs(float64(got[i])-float64(x)) / (2e-5 + 1e-4*math.Abs(float64(x)))
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		w = max(w, d)
	}
	return w
}

func check(t testing.TB, name string, got, want []float32) {
	t.Helper()
	if w := worst(got, want); w > 1 {
		t.Errorf("%s: %d values, want %d; off by %.3g times the tolerance", name, len(got), len(want), w)
	}
}

// watcher collects what a run shows.
type watcher struct {
	shapes map[string][]int
	data   map[string][]float32
}

func newWatcher() *watcher {
	return &watcher{map[string][]int{}, map[string][]float32{}}
}

func (w *watcher) watch(name string, shape []int, data []float32) {
	w.shapes[name] = append([]int(nil), shape...)
	w.data[name] = append([]float32(nil), data...)
}

// checkMiddle compares every recorded intermediate with what was shown.
func (w *watcher) checkMiddle(t *testing.T, c *recording, prefix string) {
	t.Helper()
	n := 0
	for _, k := range c.names(prefix) {
		name := strings.TrimSuffix(strings.TrimPrefix(k, prefix), ".npy")
		n++
		got, ok := w.data[name]
		if !ok {
			t.Errorf("%s was not shown", name)
			continue
		}
		if fmt.Sprint(w.shapes[name]) != fmt.Sprint(c.shape(k)) {
			t.Errorf("%s is %v, want %v", name, w.shapes[name], c.shape(k))
			continue
		}
		check(t, name, got, c.floats(k))
	}
	if n == 0 {
		t.Errorf("no intermediates under %q", prefix)
	}
}

func readJSON(t testing.TB, path string, v any) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func openBodyAt(t testing.TB, dir string) *Model {
	cfg, err := ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewModel(cfg)
	if err != nil {
		t.Fatal(err)
	}
	loadFrom(t, m, dir)
	return m
}

func loadFrom(t testing.TB, m Parameterized, path string) {
	store, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	rep, err := Load(m, store, LoadOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, rep)
	}
}

func TestBodyCases(t *testing.T) {
	for _, kind := range []string{"model-tiny", "model-odd"} {
		dir := golden(t, kind)
		m := openBodyAt(t, filepath.Join(dir, "ckpt-base"))
		for _, name := range []string{"pad3", "single", "long", "pair", "holes", "patch_ids"} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				c := openRecording(t, filepath.Join(dir, "base", "case_"+name+".npz"))
				b := c.batch()
				if name == "patch_ids" {
					var in struct {
						PatchIDs [][][]int `json:"patch_ids"`
						Types    [][][]int `json:"extend_token_type_ids"`
					}
					readJSON(t, filepath.Join(dir, "base", "case_"+name+".json"), &in)
					b.Boxes, b.BoxTypes, b.TextTypes = in.PatchIDs, in.Types[0], in.Types[1]
				}
				w := newWatcher()
				r := nn.NewRun().WithWatch(w.watch)
				defer r.Close()
				out, err := m.Forward(r, b)
				if err != nil {
					t.Fatal(err)
				}
				w.checkMiddle(t, c, "mid.")
				check(t, "pooler_output", nn.Floats(out.Pooled), c.floats("out.pooler_output.npy"))
				check(t, "text_embeds", nn.Floats(out.Text), c.floats("out.text_embeds.npy"))
				check(t, "image_embeds", nn.Floats(out.Image), c.floats("out.image_embeds.npy"))
				if c.has("out.text_features") {
					check(t, "text_features", nn.Floats(out.TextFeatures), c.floats("out.text_features.npy"))
					check(t, "image_features", nn.Floats(out.ImageFeatures), c.floats("out.image_features.npy"))
				}
				unpadded := nn.NewRun()
				defer unpadded.Close()
				out, err = m.Forward(unpadded, b)
				if err != nil {
					t.Fatal(err)
				}
				check(t, "pooler_output without padding", nn.Floats(out.Pooled), c.floats("out.pooler_output.npy"))
			})
		}
	}
}

func openVQAAt(t testing.TB, dir, weights string) *VQA {
	cfg, err := ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewVQA(cfg)
	if err != nil {
		t.Fatal(err)
	}
	loadFrom(t, m, filepath.Join(dir, weights))
	return m
}

func TestVQACases(t *testing.T) {
	for _, kind := range []string{"model-tiny", "model-odd"} {
		dir := golden(t, kind)
		for _, k := range []struct{ name, weights string }{
			{"pad3", "model.safetensors"}, {"single", "model.safetensors"}, {"long", "model.safetensors"},
			{"pair", "model.safetensors"}, {"holes", "model.safetensors"},
			{"pad3_fp16_weights", "model.fp16.safetensors"}, {"pad3_bf16_weights", "model.bf16.safetensors"},
		} {
			t.Run(kind+"/"+k.name, func(t *testing.T) {
				m := openVQAAt(t, filepath.Join(dir, "ckpt-vqa"), k.weights)
				c := openRecording(t, filepath.Join(dir, "vqa", "case_"+k.name+".npz"))
				inputs := c
				if !c.has("in.input_ids") {
					inputs = openRecording(t, filepath.Join(dir, "vqa", "case_pad3.npz"))
				}
				b := inputs.batch()
				w := newWatcher()
				r := nn.NewRun().WithWatch(w.watch)
				defer r.Close()
				logits, err := m.Forward(r, b)
				if err != nil {
					t.Fatal(err)
				}
				check(t, "logits", nn.Floats(logits), c.floats("out.logits.npy"))
				if c.has("mid.text.embeddings") {
					w.checkMiddle(t, c, "mid.")
				}
			})
		}
	}
}

// visitShapes notes the shape of each of m's parameters.
func visitShapes(m Parameterized, shapes map[string][]int) {
	m.Visit(func(name string, shape []int, _ **spago.Param) { shapes[name] = shape })
}
