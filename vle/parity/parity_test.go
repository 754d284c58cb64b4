package parity

import (
	"bytes"
	"context"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sbinet/npyio/npz"
)

// record writes a folder of recordings.
func record(t *testing.T, arrays map[string]map[string]any, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, contents := range arrays {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		w, err := npz.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		for key, v := range contents {
			if err := w.Write(key, v); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func run(t *testing.T, dir string, opts Options) (Summary, string) {
	t.Helper()
	var out bytes.Buffer
	s, err := Run(context.Background(), dir, &out, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s, out.String()
}

// gelu of −1, 0, 1, 2 and what a recording may make of it.
func activations(relu []float32) map[string]map[string]any {
	return map[string]map[string]any{"position/activations.npz": {"x": []float32{-1, 0, 1, 2}, "relu": relu}}
}

func TestVerdicts(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		name  string
		relu  []float32
		want  Summary
		lines []string
	}{
		{"equal", []float32{0, 0, 1, 2}, Summary{OK: 1}, []string{"0.0e+00", "2e-05+1e-04·|x|", "ok"}},
		{"within", []float32{0, 0, 1.0001, 2}, Summary{OK: 1}, []string{"1.0e-04", "ok"}},
		{"beyond", []float32{0, 0, 1, 2.001}, Summary{Missed: 1}, []string{"MISS", "relu: 1 of 4 numbers are off, worst at 3: 2, recorded 2.00099993"}},
		{"not a number", []float32{0, nan, 1, 2}, Summary{Missed: 1}, []string{"+Inf", "MISS", "worst at 1"}},
		{"fewer", []float32{0, 0, 1}, Summary{Missed: 1}, []string{"relu: 4 numbers, recorded 3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, out := run(t, record(t, activations(c.relu), nil), Options{})
			if s != c.want {
				t.Errorf("summary %v, want %v", s, c.want)
			}
			for _, l := range c.lines {
				if !strings.Contains(out, l) {
					t.Errorf("no %q in\n%s", l, out)
				}
			}
		})
	}
}

// What nobody knows is listed, what is missing is named, what is broken does
// not hide the rest.
func TestStrangeFolders(t *testing.T) {
	arrays := activations([]float32{0, 0, 1, 2})
	arrays["dreams/electric_sheep.npz"] = map[string]any{"x": []float32{1}}
	dir := record(t, arrays, map[string]string{
		"image/index.json":             `[{"file":"gone.png","outputs":[{"size":8,"crop":true,"npy":"small/gone.npy"}]}]`,
		"image/inputs/other.png":       "not a picture",
		"image/resize/index.json":      `[{"file":"a.png","w":1,"h":1,"filter":"sinc"}]`,
		"image/resize/src.png":         "not a picture",
		"pipelines/vqa.jsonl":          `{"kind":"none","image":"x.png","question":"?","top_k":1,"answers":[],"logits":[]}`,
		"pipelines/patch_box.jsonl":    "not JSON",
		"model-x/vqa/case_a.npz":       "not a zip file",
		"model-x/thing/case_a.npz":     "never read",
		"easyvqa/predictions.jsonl":    `{"question":"?","image_id":0,"answer":"a","logits":[0]}`,
		"easyvqa/config.json":          `{}`,
		"realsize/vqa_base_224.json":   `{"first_values_check":{"a":[1]},"image_size":224}`,
		"realsize/vqa_base_224.npz":    "not a zip file",
		"tokenizer/t.jsonl":            `{"text":"a","ids":[1,2]}`,
		"tokenizer/t.model":            "",
		"model-y/base/grad_a.npz":      "alone",
		"archs/base.VLEModel.json":     `{"state_dict":{}}`,
		"archs/base.config.json":       `{"text_config":{},"vision_config":{}}`,
		"archs/counts.json":            `{"base of doom":1}`,
		"tokenizer/t_batch.jsonl":      `{"kind":"single","a":"x","kwargs":{"truncation":"by moonlight"},"slow":{},"fast":{}}`,
		"tokenizer/t_info.json":        `{}`,
		"model-x/ckpt-vqa/config.json": `{}`,
	})
	s, out := run(t, dir, Options{})
	for _, c := range []struct{ name, want string }{
		{"dreams/electric_sheep.npz", "not supported yet: no kind of case knows this file"},
		{"position/activations.npz", "ok"},
		{"image/decode/gone.png", "inputs/gone.png: no such file"},
		{"image/process/gone.png", "inputs/gone.png: no such file"},
		{"image/resize/a.png", `not supported yet: filter "sinc"`},
		{"pipelines/vqa/none/x.png", "model-none/ckpt-vqa: no such file"},
		{"model-x/vqa/case_a", "reading "},
		{"model-x/thing/case_a", `not supported yet: head "thing"`},
		{"easyvqa/predictions.jsonl", "skipped: needs the pictures"},
		{"realsize/vqa_base_224", "reading "},
		{"tokenizer/t/ids", "t_hf"},
		{"archs/counts.json", `"base of doom"`},
	} {
		line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(c.name) + ` .*$`).FindString(out)
		if !strings.Contains(line, c.want) {
			t.Errorf("%s: line %q does not say %q", c.name, line, c.want)
		}
	}
	if s.OK != 1 || s.Missed < 8 || s.Unsupported < 3 || s.Skipped != 1 {
		t.Errorf("summary %v of\n%s", s, out)
	}
}

func TestRunOnNothing(t *testing.T) {
	for dir, want := range map[string]string{
		filepath.Join(t.TempDir(), "absent"): "no such file",
		t.TempDir():                          "holds no recorded outputs that are known",
	} {
		if _, err := Run(context.Background(), dir, &bytes.Buffer{}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s, err := Run(ctx, record(t, activations([]float32{0, 0, 1, 2}), nil), &bytes.Buffer{}, Options{})
	if err != context.Canceled || s != (Summary{}) {
		t.Errorf("%v, %v", s, err)
	}
}

// The formula's first numbers for one name, as recorded with the reference.
func TestFormula(t *testing.T) {
	f := &Formula{shapes: map[string][]int{
		"vle.vision_model.vision_model.embeddings.class_embedding": {768},
		"vle.vision_model.vision_model.pre_layrnorm.weight":        {768},
	}}
	for name, want := range map[string][]float32{
		"vle.vision_model.vision_model.embeddings.class_embedding": {0.006039571948349476, 0.013967287726700306, 0.03016423061490059, -0.09426283836364746},
		"vle.vision_model.vision_model.pre_layrnorm.weight":        {1.019931674003601, 1.080240249633789, 1.077271580696106, 1.1666626930236816},
	} {
		got, err := f.Float32(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s[%d] = %v, want %v", name, i, got[i], want[i])
			}
		}
	}
	if _, err := f.Float32("another"); err == nil {
		t.Error("a parameter that nobody asks for was made")
	}
}
