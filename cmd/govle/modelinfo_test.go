package main

import (
	"encoding/binary"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestInfoEmbedded(t *testing.T) {
	m := objects[modelInfo](t, well(t, "info", "--model", "embedded", "--json"))[0]
	if m.Head != "vqa" || m.Size != "custom" || m.Parameters < 600_000 || len(m.Labels) != 13 || m.Image.Size != 64 || m.Image.Patch != 8 ||
		m.Text.Layers != 2 || m.Fusion.Layers != 2 || m.Tokens == 0 || m.Tokens > m.Text.Vocabulary || len(m.Problems)+len(m.Missing)+len(m.Unexpected) != 0 ||
		m.Format != "safetensors" || m.DTypes["F32"] < m.Parameters && m.DTypes["F16"] < m.Parameters || m.WeightBytes < 2*m.Parameters || len(m.Files) < 5 {
		t.Errorf("%+v", m)
	}
	if out := well(t, "info", "--model", "embedded"); !strings.Contains(out, "13 answers: ") || !strings.Contains(out, "model.safetensors  (weights)") || !strings.Contains(out, "fit together") || !strings.Contains(out, "64×64 pixels in patches of 8") {
		t.Errorf("printed %s", out)
	}
}

func TestInfoModel(t *testing.T) {
	heads := map[string]string{"base": "base", "vqa": "vqa", "itm": "itm", "pbc": "pbc", "mlm": "mlm", "vcr_q2a": "vcr-q2a", "vcr_qa2r": "vcr-qa2r"}
	for _, kind := range []string{"tiny", "odd"} {
		for folder, head := range heads {
			dir := modelFolder(t, kind, folder)
			m := objects[modelInfo](t, well(t, "info", "--model", dir, "--json"))[0]
			if m.Model != dir || m.Head != head || len(m.Missing)+len(m.Unexpected)+len(m.Mismatched)+len(m.Problems) != 0 {
				t.Errorf("%s %s: %+v", kind, folder, m)
			}
			var weights int64
			for _, f := range m.Files {
				if f.Weights {
					weights += f.Bytes
				}
			}
			// Nothing but the parameters and a header is in the file.
			if weights != m.WeightBytes || m.DTypes["F32"] < m.Parameters || weights < 4*m.Parameters || weights > 5*m.Parameters {
				t.Errorf("%s %s: %d bytes of weights for %d parameters: %+v", kind, folder, weights, m.Parameters, m)
			}
			if (head == "vqa") != (len(m.Labels) > 0) {
				t.Errorf("%s %s: labels %v", kind, folder, m.Labels)
			}
		}
	}
	dir := modelFolder(t, "tiny", "vqa")
	if out := well(t, "info", "--model", dir); !strings.Contains(out, "model.safetensors  (weights)") || !strings.Contains(out, "fit together") || !strings.Contains(out, "20 answers: yes, no") {
		t.Errorf("printed %s", out)
	}
	whole := objects[modelInfo](t, well(t, "info", "--model", dir, "--json"))[0]
	for file, dtype := range map[string]string{"model.fp16.safetensors": "F16", "model.bf16.safetensors": "BF16", "pytorch_model.legacy.bin": "F32", "lightning.ckpt": "F32"} {
		m := objects[modelInfo](t, well(t, "info", "--model", filepath.Join(dir, file), "--json"))[0]
		if m.Head != "vqa" || m.Parameters != whole.Parameters || m.DTypes[dtype] != m.Parameters || len(m.Files) != 1 || !m.Files[0].Weights || m.Files[0].Bytes != m.WeightBytes {
			t.Errorf("%s: %+v", file, m)
		}
	}
}

// TestInfoProblems looks at folders that do not fit together.
func TestInfoProblems(t *testing.T) {
	change := func(dir string, from, to string) {
		t.Helper()
		name := filepath.Join(dir, "config.json")
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), from) {
			t.Fatalf("%s is not in %s", from, data)
		}
		if err := os.Remove(name); err != nil { // a link to the recording
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(strings.Replace(string(data), from, to, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	remove := func(names ...string) func(string) {
		return func(dir string) {
			for _, n := range names {
				if err := os.Remove(filepath.Join(dir, n)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, c := range []struct {
		name    string
		spoil   func(dir string)
		problem string
		keys    func(m modelInfo) bool
	}{
		{"no configuration", remove("config.json"), "config.json", nil},
		{"no tokenizer", remove("spm.model"), "spm.model", nil},
		{"no image settings", remove("preprocessor_config.json"), "preprocessor_config.json", nil},
		{"smaller vocabulary", func(dir string) { change(dir, `"vocab_size": 2016`, `"vocab_size": 2000`) }, "tokenizer has 2001 tokens",
			func(m modelInfo) bool {
				return len(m.Mismatched) == 1 && m.Mismatched[0].Model[0] == 2000 && m.Mismatched[0].File[0] == 2016
			}},
		{"other picture size", func(dir string) { change(dir, `"image_size": 32`, `"image_size": 64`) }, "image_size 64",
			func(m modelInfo) bool { return len(m.Mismatched) == 1 && m.Image.Size == 32 }},
		{"dangling link", func(dir string) {
			if err := os.Symlink("/no/such", filepath.Join(dir, "spm.vocab")); err != nil {
				t.Fatal(err)
			}
		}, "spm.vocab is a link to nothing", nil},
		{"more layers", func(dir string) { change(dir, `"num_hidden_layers": 2,`, `"num_hidden_layers": 3,`) }, "the weights lack",
			func(m modelInfo) bool { return len(m.Missing) > 10 && len(m.Unexpected) == 0 }},
		{"fewer layers", func(dir string) { change(dir, `"num_hidden_layers": 2,`, `"num_hidden_layers": 1,`) }, "",
			func(m modelInfo) bool { return len(m.Missing) == 0 && len(m.Unexpected) > 10 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := modelFolder(t, "tiny", "vqa")
			c.spoil(dir)
			status, stdout, stderr := govle(t, "info", "--model", dir, "--json")
			m := objects[modelInfo](t, stdout)[0]
			told := strings.Join(m.Problems, "\n")
			if want := min(1, len(c.problem)); status != want || !strings.Contains(told, c.problem) || (c.problem == "") != (told == "") || status == 1 && !strings.Contains(stderr, "cannot be used") {
				t.Errorf("status %d, wanted %d with %q: %s\n%s", status, want, c.problem, told, stderr)
			}
			if c.keys != nil && !c.keys(m) {
				t.Errorf("missing %q, unexpected %q, mismatched %+v", m.Missing, m.Unexpected, m.Mismatched)
			}
			_, text, _ := govle(t, "info", "--model", dir)
			if c.problem != "" && !strings.Contains(text, c.problem) || strings.Contains(text, "fit together;") {
				t.Errorf("printed %s", text)
			}
			if n := len(m.Unexpected); n > maxListed && !strings.Contains(text, "more (--json lists all)") {
				t.Errorf("printed %s", text)
			}
		})
	}
	for _, c := range []struct{ model, want string }{
		{"/no/such", "/no/such"}, {"testdata", "model.safetensors"}, {"main.go", "main.go"},
	} {
		if status, stdout, stderr := govle(t, "info", "--model", c.model); status != 1 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: status %d, %s%s", c.model, status, stdout, stderr)
		}
	}
	if status, _, stderr := govle(t, "info", "--model", ""); status != 2 || !strings.Contains(stderr, "--model is empty") {
		t.Errorf("empty: status %d, %s", status, stderr)
	}
}

// TestInfoPublished describes a folder of the published base size whose half
// precision weights are a hole in a file: nothing of them may be read or
// widened.
func TestInfoPublished(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("files with holes and mapped memory, as Linux has them")
	}
	var arch struct {
		NParams   int64 `json:"n_params"`
		StateDict map[string]struct {
			Shape []int
			Param bool
		} `json:"state_dict"`
	}
	read := func(name string) []byte {
		data, err := os.ReadFile(golden(t, "archs", name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if err := json.Unmarshal(read("base.VLEForITM.json"), &arch); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "config.json"), read("base.config.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	type tensor struct {
		DType   string   `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	header := map[string]tensor{}
	var at int64
	for _, name := range slices.Sorted(maps.Keys(arch.StateDict)) {
		n := int64(2)
		for _, d := range arch.StateDict[name].Shape {
			n *= int64(d)
		}
		header[name] = tensor{"F16", arch.StateDict[name].Shape, [2]int64{at, at + n}}
		at += n
	}
	data, err := json.Marshal(header)
	if err != nil {
		t.Fatal(err)
	}
	weights := filepath.Join(dir, "model.safetensors")
	if err := os.WriteFile(weights, append(binary.LittleEndian.AppendUint64(nil, uint64(len(data))), data...), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(weights, 8+int64(len(data))+at); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	status, stdout, _ := govle(t, "info", "--model", dir, "--json")
	runtime.ReadMemStats(&after)
	m := objects[modelInfo](t, stdout)[0]
	if m.Size != "base" || m.Head != "itm" || m.Parameters != arch.NParams || m.DTypes["F16"] < m.Parameters || m.WeightBytes < 2*m.Parameters {
		t.Errorf("%+v", m)
	}
	if len(m.Missing)+len(m.Unexpected)+len(m.Mismatched) != 0 {
		t.Errorf("missing %q, unexpected %q, mismatched %+v", m.Missing, m.Unexpected, m.Mismatched)
	}
	if status != 1 || !strings.Contains(strings.Join(m.Problems, " "), "tokenizer") { // there is none
		t.Errorf("status %d, problems %q", status, m.Problems)
	}
	// One tensor of zeros stands for all; widening them takes 4 bytes a parameter.
	if got := after.TotalAlloc - before.TotalAlloc; got > uint64(2*m.Parameters) {
		t.Errorf("%d MB were allocated for %d M parameters", got/1e6, m.Parameters/1e6)
	}
}
