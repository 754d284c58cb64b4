package checkpoint

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// archShapes are the names and shapes of a recorded state dict.
type archShapes map[string][]int

func (a archShapes) Names() []string {
	var names []string
	for n := range a {
		names = append(names, n)
	}
	return names
}

func (a archShapes) Shape(name string) []int { return a[name] }

// Each published layout is recognised from its names and shapes.
func TestDescribePublished(t *testing.T) {
	want := map[string]string{
		"base.VLEModel": "hfl/vle-base", "large.VLEModel": "hfl/vle-large",
		"base.VLEForVQA": "hfl/vle-base-for-vqa", "large.VLEForVQA": "hfl/vle-large-for-vqa",
		"base.VLEForVCRQ2A": "hfl/vle-base-for-vcr-q2a", "large.VLEForVCRQ2A": "hfl/vle-large-for-vcr-q2a",
		"base.VLEForVCRQA2R": "hfl/vle-base-for-vcr-qa2r", "large.VLEForVCRQA2R": "hfl/vle-large-for-vcr-qa2r",
		"base.VLEForITM": "", "large.VLEForPBC": "", "base.VLEForMLM": "",
	}
	heads := map[string]string{"VLEModel": HeadNone, "VLEForVQA": HeadVQA, "VLEForITM": HeadITM, "VLEForPBC": HeadPBC,
		"VLEForMLM": HeadMLM, "VLEForVCRQ2A": HeadQ2A, "VLEForVCRQA2R": HeadQA2R}
	dir := filepath.Join(golden(t), "archs")
	for file, name := range want {
		t.Run(file, func(t *testing.T) {
			var arch struct {
				N     int64 `json:"n_params"`
				State map[string]struct {
					Shape []int `json:"shape"`
				} `json:"state_dict"`
			}
			b, err := os.ReadFile(filepath.Join(dir, file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(b, &arch); err != nil {
				t.Fatal(err)
			}
			shapes := archShapes{}
			for n, p := range arch.State {
				shapes[n] = p.Shape
			}
			d, err := Describe(shapes)
			if err != nil {
				t.Fatal(err)
			}
			size, class, _ := strings.Cut(file, ".")
			if d.Published() != name || d.Size != size || d.Head != heads[class] || d.Parameters != arch.N || d.ImageSize != 224 {
				t.Errorf("described as %s (%d parameters), want %q, %s %s, %d parameters, 224 px", d, d.Parameters, name, size, heads[class], arch.N)
			}
		})
	}
}

// A small model is described too, and what is no VLE gets an error that says so.
func TestDescribeOther(t *testing.T) {
	s := open1(t, filepath.Join(golden(t), "model-tiny", "ckpt-vqa"))
	d, err := Describe(s)
	if err != nil {
		t.Fatal(err)
	}
	if d.Size != "custom" || d.Published() != "" || d.Head != HeadVQA || d.Labels != 20 || d.ImageSize != 32 || d.PatchSize != 8 ||
		d.TextLayers != 2 || d.VisionLayers != 2 || d.FusionLayers != 2 || d.Vocabulary != 2016 || d.TokenTypes != 8 {
		t.Errorf("described as %+v", d)
	}
	if _, err := Describe(archShapes{"bert.embeddings.word_embeddings.weight": {10, 4}}); err == nil || !strings.Contains(err.Error(), "not the weights of a VLE model") {
		t.Errorf("a BERT gives the error %v", err)
	}
}
