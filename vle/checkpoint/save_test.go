package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

func sample() []Parameter {
	matrix := make([]float32, 3*5)
	for i := range matrix {
		matrix[i] = float32(i)/7 - 1
	}
	return []Parameter{
		{"layer.weight", []int{3, 5}, matrix},
		{"bias", []int{2}, []float32{math.Pi, -0.1}},
		{"scalar", nil, []float32{42}},
		{"empty", []int{0, 4}, nil},
		{"é \"quoted\"", []int{1}, []float32{1e-30}},
	}
}

func TestSaveRoundTrip(t *testing.T) {
	for _, d := range []DType{F32, F16, BF16} {
		t.Run(string(d), func(t *testing.T) {
			dir := t.TempDir()
			if err := Save(dir, sample(), SaveOptions{DType: d, Metadata: map[string]string{"note": "a test"}}); err != nil {
				t.Fatal(err)
			}
			s := open1(t, dir)
			if m := s.Metadata(); m["format"] != "pt" || m["note"] != "a test" {
				t.Errorf("metadata %v", m)
			}
			if !slices.IsSorted(s.Names()) || len(s.Names()) != 5 || s.Format() != Safetensors {
				t.Errorf("names %q in %s", s.Names(), s.Format())
			}
			relative := map[DType]float64{F32: 0, F16: 1.0 / 2048, BF16: 1.0 / 256}[d]
			for _, p := range sample() {
				info, err := s.Info(p.Name)
				if err != nil || info.DType != d || fmt.Sprint(info.Shape) != fmt.Sprint(append([]int{}, p.Shape...)) {
					t.Errorf("%s: %+v, %v", p.Name, info, err)
				}
				for i, v := range floats(t, s, p.Name) {
					if diff := math.Abs(float64(v - p.Data[i])); diff > relative*math.Abs(float64(p.Data[i]))+relative*1e-4 {
						t.Errorf("%s[%d] = %g, saved %g", p.Name, i, v, p.Data[i])
					}
				}
			}
			b, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			if n := binary.LittleEndian.Uint64(b); n%8 != 0 {
				t.Errorf("header of %d bytes leaves the data unaligned", n)
			}
		})
	}
}

func TestSaveShards(t *testing.T) {
	dir := t.TempDir()
	if err := Save(dir, sample(), SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := Save(dir, sample(), SaveOptions{MaxShardBytes: 16}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "model.safetensors")); err == nil {
		t.Error("the single file of the earlier save is still there and would be opened")
	}
	var index struct {
		Metadata struct {
			Total int `json:"total_size"`
		} `json:"metadata"`
		Map map[string]string `json:"weight_map"`
	}
	b, err := os.ReadFile(filepath.Join(dir, "model.safetensors.index.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &index); err != nil {
		t.Fatal(err)
	}
	if index.Metadata.Total != 4*(15+2+1+0+1) || len(index.Map) != 5 {
		t.Errorf("index %s", b)
	}
	s := open1(t, dir)
	if len(s.Files()) != 3 {
		t.Errorf("files %v, want three: 12 bytes, 60 alone, 8", s.Files())
	}
	for _, p := range sample() {
		if got := floats(t, s, p.Name); !slices.Equal(got, p.Data) && len(p.Data) > 0 {
			t.Errorf("%s = %v", p.Name, got)
		}
	}
	if err := Save(dir, sample(), SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}

// What fails leaves the earlier file as it was and nothing half-written.
func TestSaveFails(t *testing.T) {
	dir := t.TempDir()
	if err := Save(dir, sample(), SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		tensors    []Parameter
		opts       SaveOptions
	}{
		{"too large for fp16", "too large for fp16", []Parameter{{"w", []int{2}, []float32{1, 1e6}}}, SaveOptions{DType: F16}},
		{"shape", "its shape [3] says otherwise", []Parameter{{"w", []int{3}, []float32{1}}}, SaveOptions{}},
		{"twice", "is given twice", []Parameter{{"w", nil, []float32{1}}, {"w", nil, []float32{1}}}, SaveOptions{}},
		{"reserved", "reserved", []Parameter{{"__metadata__", nil, []float32{1}}}, SaveOptions{}},
		{"type", "cannot write I8", nil, SaveOptions{DType: I8}},
	} {
		if err := Save(dir, c.tensors, c.opts); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	after, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the earlier file changed (%v)", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left in the folder: %v", left)
	}
}

// An fp32 tensor is a view of the file; writing to it changes the view and
// leaves the file alone.
func TestViewIsPrivate(t *testing.T) {
	dir := t.TempDir()
	if err := Save(dir, sample(), SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	s := open1(t, dir)
	x := floats(t, s, "layer.weight")
	if y := floats(t, s, "layer.weight"); &x[0] != &y[0] {
		t.Error("two calls gave two copies")
	}
	x[0] = 99
	if y := floats(t, s, "layer.weight"); y[0] != 99 {
		t.Error("the view is not shared")
	}
	if y := floats(t, open1(t, dir), "layer.weight"); y[0] == 99 {
		t.Error("the file changed")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := s.Float32("layer.weight"); err == nil {
		t.Error("a closed store gave a tensor")
	}
}

func TestOpenFSAndBytes(t *testing.T) {
	dir := t.TempDir()
	if err := Save(dir, sample(), SaveOptions{MaxShardBytes: 16}); err != nil {
		t.Fatal(err)
	}
	a, err := OpenFS(os.DirFS(filepath.Dir(dir)), filepath.Base(dir))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Names()) != 5 {
		t.Errorf("names %q", a.Names())
	}
	if _, err := OpenFS(fstest.MapFS{"m/config.json": {}}, "m"); err == nil || !strings.Contains(err.Error(), "holds none of") {
		t.Errorf("an empty folder gives %v", err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "model-00001-of-00003.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	one, err := OpenBytes(b, "embedded")
	if err != nil || !slices.Equal(one.Names(), []string{"bias", "empty"}) {
		t.Errorf("%v, %v", one, err)
	}
}

func TestConcurrentReads(t *testing.T) {
	s := open1(t, filepath.Join(golden(t), "model-tiny", "ckpt-vqa", "pytorch_model.fp16.bin"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, n := range s.Names() {
				if _, err := s.Float32(n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// Weights may be packed again by other zip tools, in a folder of another name
// and compressed.
func TestRepackedZip(t *testing.T) {
	data := make([]byte, 16)
	for i, v := range []float32{1, 2, 3, 4} {
		binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
	}
	s, err := OpenBytes(zipFiles([]zipEntry{{"other name/data/0", data, 8}, {"other name/data.pkl", stateDict(good()), 8}}), "repacked")
	if err != nil {
		t.Fatal(err)
	}
	if got := floats(t, s, "w"); !slices.Equal(got, []float32{1, 2, 3, 4}) {
		t.Errorf("w = %v", got)
	}
}

// A Lightning file may name classes of its training script; they are skipped
// when asked for by name.
func TestInertClasses(t *testing.T) {
	path := filepath.Join("testdata", "bad", "global-lightning-extra.ckpt")
	s, err := OpenWith(path, Options{Inert: []string{"mytrainer.Hparams"}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !slices.Equal(s.Names(), []string{"w"}) {
		t.Errorf("names %q", s.Names())
	}
}

// What Save writes is read back by the safetensors package itself, where a
// Python that has it is at hand.
func TestPythonReads(t *testing.T) {
	python := os.Getenv("GOVLE_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import safetensors, numpy").Run(); err != nil {
		t.Skipf("%s has no safetensors and numpy; set GOVLE_PYTHON to one that has", python)
	}
	dir := t.TempDir()
	for _, d := range []DType{F32, F16} {
		if err := Save(filepath.Join(dir, string(d)+".safetensors"), sample(), SaveOptions{DType: d}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(python, "-c", `
import json, sys
from safetensors import safe_open
out = {}
for d in ["F32", "F16"]:
    with safe_open(sys.argv[1] + "/" + d + ".safetensors", framework="np") as f:
        assert f.metadata() == {"format": "pt"}, f.metadata()
        out[d] = {k: [list(f.get_tensor(k).shape), f.get_tensor(k).astype("float64").ravel().tolist()] for k in f.keys()}
print(json.dumps(out))`, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got map[string]map[string][2]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for d, relative := range map[string]float64{"F32": 0, "F16": 1.0 / 2048} {
		for _, p := range sample() {
			shape, values := got[d][p.Name][0], got[d][p.Name][1].([]any)
			if fmt.Sprint(shape) != fmt.Sprint(append([]int{}, p.Shape...)) || len(values) != len(p.Data) {
				t.Errorf("%s %s: shape %v, %d values", d, p.Name, shape, len(values))
				continue
			}
			for i, v := range values {
				want := float64(p.Data[i])
				if math.Abs(v.(float64)-want) > relative*math.Abs(want)+relative*1e-4 {
					t.Errorf("%s %s[%d] = %v, saved %g", d, p.Name, i, v, want)
				}
			}
		}
	}
}

// Opening and reading an fp32 checkpoint must not copy it.
func TestOpenCopiesNothing(t *testing.T) {
	dir := t.TempDir()
	const n = 4 << 20 // 16 MB
	if err := Save(dir, []Parameter{{"w", []int{n}, make([]float32, n)}}, SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s := open1(t, dir)
	x := floats(t, s, "w")
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20 || len(x) != n {
		t.Errorf("opening and reading %d elements allocated %d bytes", len(x), got)
	}
}
