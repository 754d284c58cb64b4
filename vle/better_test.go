package vle

import (
	"fmt"
	"image/color"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// TestWhereTheReferenceFails holds what the reference fails at, by crash or by
// nonsense: here each has the obvious result or a clear error.
func TestWhereTheReferenceFails(t *testing.T) {
	dir := golden(t, "model-tiny")
	m := openVQAAt(t, filepath.Join(dir, "ckpt-vqa"), "model.safetensors")
	c := openRecording(t, filepath.Join(dir, "vqa", "case_single.npz"))
	run := func(change func(*Batch)) ([]float32, error) {
		b := c.batch()
		change(b)
		r := nn.NewRun()
		defer r.Close()
		y, err := m.Forward(r, b)
		if err != nil {
			return nil, err
		}
		return append([]float32(nil), nn.Floats(y)...), nil
	}
	plain := c.floats("out.logits.npy")
	same := func(name string, change func(*Batch)) {
		t.Helper()
		y, err := run(change)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		check(t, name, y, plain)
	}
	same("no attention mask", func(b *Batch) { b.Mask = nil })
	same("no token types", func(b *Batch) { b.TypeIDs = nil })
	same("an empty list of boxes", func(b *Batch) { b.Boxes = [][][]int{{}} })
	same("no fusion types", func(b *Batch) { b.TextTypes = [][]int{{}} })

	boxes := [][][]int{{{0, 1}, {5}}}
	untyped, err := run(func(b *Batch) { b.Boxes = boxes })
	if err != nil {
		t.Fatal(err)
	}
	typed, err := run(func(b *Batch) { b.Boxes, b.BoxTypes, b.TextTypes = boxes, [][]int{{2, 3}}, [][]int{{0}} })
	if err != nil {
		t.Fatal(err)
	}
	check(t, "boxes without their types", untyped, typed)
	if worst(untyped, plain) < 1 {
		t.Error("boxes change nothing")
	}

	for name, change := range map[string]func(*Batch){
		"all text masked": func(b *Batch) { b.Mask = [][]int{make([]int, len(b.IDs[0]))} },
		"700 tokens": func(b *Batch) {
			b.IDs = [][]int{slices.Repeat([]int{7, 42, 301, 9}, 175)}
			b.Mask, b.TypeIDs = nil, nil
		},
	} {
		y, err := run(change)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, v := range y {
			if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
				t.Errorf("%s: %v", name, y)
				break
			}
		}
	}

	n := len(c.batch().IDs[0])
	for _, x := range []struct {
		name   string
		change func(*Batch)
		want   string
	}{
		{"an empty patch list", func(b *Batch) { b.Boxes = [][][]int{{{}}} }, "box 0 covers no patch"},
		{"a patch beyond the picture", func(b *Batch) { b.Boxes = [][][]int{{{16}}} }, "patch 16 of 16"},
		{"too many boxes", func(b *Batch) { b.Boxes = [][][]int{slices.Repeat([][]int{{1}}, 7)} }, "at most 6 boxes"},
		{"box types for other boxes", func(b *Batch) { b.Boxes, b.BoxTypes = boxes, [][]int{{2}} }, "2 boxes and 1 box types"},
		{"fusion types longer than the text", func(b *Batch) { b.TextTypes = [][]int{make([]int, n+1)} }, "fusion token types"},
		{"a fusion type the model lacks", func(b *Batch) { b.TextTypes = [][]int{{8}} }, "type 8 of 8"},
		{"another picture size", func(b *Batch) { b.Pixels = make([]float32, 3*40*40) }, "ResizeImages"},
		{"no picture", func(b *Batch) { b.Pixels = nil }, "picture"},
		{"two pictures for one text", func(b *Batch) { b.Pixels = append(b.Pixels, b.Pixels...) }, "2 pictures for 1 text"},
		{"a picture that is not there", func(b *Batch) { b.Images = []int{1} }, "picture 1 of 1"},
		{"no text", func(b *Batch) { b.IDs = nil }, "without texts"},
		{"an empty text", func(b *Batch) { b.IDs, b.Mask, b.TypeIDs = [][]int{{}}, nil, nil }, "no tokens"},
		{"an id beyond the vocabulary", func(b *Batch) { b.IDs[0][2] = 2016 }, "2016"},
		{"a negative id", func(b *Batch) { b.IDs[0][2] = -1 }, "-1"},
		{"a short mask", func(b *Batch) { b.Mask = [][]int{{1}} }, "mask of 1"},
		{"a mask for other items", func(b *Batch) { b.Mask = append(b.Mask, b.Mask[0]) }, "Mask for 2"},
	} {
		if _, err := run(x.change); err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: error %v, want one that says %q", x.name, err, x.want)
		}
	}
	odd := openVQAAt(t, golden(t, "model-odd", "ckpt-vqa"), "model.safetensors")
	b := openRecording(t, golden(t, "model-odd", "vqa", "case_single.npz")).batch()
	b.IDs, b.Mask, b.TypeIDs = [][]int{make([]int, 97)}, nil, nil
	r := nn.NewRun()
	defer r.Close()
	if _, err := odd.Forward(r, b); err == nil || !strings.Contains(err.Error(), "positions for 96") {
		t.Errorf("more tokens than absolute positions: %v", err)
	}
}

// TestLosses compares the losses with recorded ones.
func TestLosses(t *testing.T) {
	c := openRecording(t, golden(t, "training", "losses.npz"))
	shape := c.shape("logits.npy")
	x := nn.Dense(shape[0], shape[1], c.floats("logits.npy"))
	r := nn.NewRun()
	defer r.Close()
	check(t, "binary cross-entropy", nn.Floats(nn.BinaryCrossEntropy(r, x, c.floats("targets.npy"), float32(shape[1]))), c.floats("bce_times_labels.npy"))
	check(t, "cross-entropy", nn.Floats(nn.CrossEntropy(r, x, []int{1, 10, nn.Ignored, 0, 3})), c.floats("cross_entropy_ignore_m100_labels_1_10_m100_0_3.npy"))

	targets, err := VQATargets([][]int{{2, 0, 2}, {}}, [][]float32{{1, 0.5, 0.25}, {}}, 3)
	if err != nil || fmt.Sprint(targets) != "[0.5 0 0.25 0 0 0]" {
		t.Errorf("targets %v, %v", targets, err)
	}
	for _, bad := range [][2]any{{[][]int{{3}}, [][]float32{{1}}}, {[][]int{{-1}}, [][]float32{{1}}}, {[][]int{{1}}, [][]float32{{}}}, {[][]int{{1}}, [][]float32{}}} {
		if _, err := VQATargets(bad[0].([][]int), bad[1].([][]float32), 3); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

// TestSave writes the embedded model and opens what was written.
func TestSave(t *testing.T) {
	p, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "model")
	if err := Save(dir, p.Model, p.Processor, checkpoint.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	again, err := OpenVQA(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	img := shape(color.RGBA{255, 0, 0, 255})
	a, err := p.Answer(img, "what color is the rectangle?", 13)
	if err != nil {
		t.Fatal(err)
	}
	b, err := again.Answer(img, "what color is the rectangle?", 13)
	if err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() {
		t.Errorf("saved and opened again:\n%v\nwant\n%v", b, a)
	}
	if got := again.Model.Config().Architectures; fmt.Sprint(got) != "[VLEForVQA]" {
		t.Errorf("architectures %q", got)
	}

	f, err := OpenFeatures(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := f.Extract(img, "what color is the rectangle?")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("text %d×64, image 65×64 (8×8 patches), fused width 64, pooled 128", len(x.Tokens))
	if x.String() != want {
		t.Errorf("features: %s, want %s", x, want)
	}
}
