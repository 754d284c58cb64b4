package checkpoint

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Heads that Describe tells apart, by the folder names of the published models.
const (
	HeadNone = "base" // the body alone
	HeadVQA  = "vqa"
	HeadITM  = "itm"
	HeadPBC  = "pbc"
	HeadMLM  = "mlm"
	HeadQ2A  = "vcr-q2a"
	HeadQA2R = "vcr-qa2r"
)

// headMarks are parameters that only one head has.
var headMarks = map[string]string{
	"vqa_classifier.3.weight": HeadVQA,
	"itm_score.fc.weight":     HeadITM,
	"pbc_classifier.3.weight": HeadPBC,
	"mlm_score.0.weight":      HeadMLM,
	"vcr_q2a_logit.3.weight":  HeadQ2A,
	"vcr_qa2r_logit.3.weight": HeadQA2R,
}

// Shapes is what Describe reads of a checkpoint; a *Store is one.
type Shapes interface {
	Names() []string
	// Shape is nil for a name that is not there.
	Shape(name string) []int
}

// Description is what the names and shapes of a VLE checkpoint tell.
type Description struct {
	Head       string // one of the Head constants
	Size       string // "base" or "large" for the published sizes, else "custom"
	Parameters int64  // elements; buffers and second names not counted

	TextLayers, VisionLayers, FusionLayers int
	TextHidden, VisionHidden, FusionHidden int
	Vocabulary, TokenTypes                 int
	PatchSize, ImageSize                   int // in pixels
	Labels                                 int // classes of the head; 0 for none
}

// published are the sizes that were released, by their widths and depths.
var published = map[string]Description{
	"base":  {TextLayers: 12, VisionLayers: 11, FusionLayers: 6, TextHidden: 768, VisionHidden: 768, FusionHidden: 768, PatchSize: 16},
	"large": {TextLayers: 24, VisionLayers: 23, FusionLayers: 6, TextHidden: 1024, VisionHidden: 1024, FusionHidden: 1024, PatchSize: 14},
}

// Describe recognises a VLE checkpoint by the names and shapes of its tensors
// alone. Weights that are no VLE give an error that says what is missing.
func Describe(s Shapes) (*Description, error) {
	d := &Description{Head: HeadNone}
	prefix := ""
	layers := map[string]*int{
		"text_model.encoder.layer.":                 &d.TextLayers,
		"vision_model.vision_model.encoder.layers.": &d.VisionLayers,
		"cross_modal_text_layers.":                  &d.FusionLayers,
	}
	for _, name := range s.Names() {
		if head, ok := headMarks[name]; ok {
			d.Head = head
		}
		// position_ids are constants; the MLM head keeps one bias under two names.
		if !strings.HasSuffix(name, "position_ids") && name != "mlm_score.1.predictions.bias" {
			n := int64(1)
			for _, dim := range s.Shape(name) {
				n *= int64(dim)
			}
			d.Parameters += n
		}
		bare, inHead := strings.CutPrefix(name, "vle.")
		if inHead {
			prefix = "vle."
		}
		for start, count := range layers {
			if rest, ok := strings.CutPrefix(bare, start); ok {
				number, _, _ := strings.Cut(rest, ".")
				if i, err := strconv.Atoi(number); err == nil {
					*count = max(*count, i+1)
				}
			}
		}
	}
	shape := func(name string, rank int) ([]int, error) {
		if v := s.Shape(prefix + name); len(v) == rank {
			return v, nil
		}
		return nil, fmt.Errorf("these are not the weights of a VLE model: no tensor %q of %d dimensions among %d", prefix+name, rank, len(s.Names()))
	}
	for _, at := range []struct {
		name string
		dims []*int
	}{
		{"text_model.embeddings.word_embeddings.weight", []*int{&d.Vocabulary, &d.TextHidden}},
		{"vision_model.vision_model.embeddings.patch_embedding.weight", []*int{&d.VisionHidden, nil, &d.PatchSize, nil}},
		{"vision_model.vision_model.embeddings.position_embedding.weight", []*int{&d.ImageSize, nil}},
		{"token_type_embeddings.weight", []*int{&d.TokenTypes, &d.FusionHidden}},
	} {
		v, err := shape(at.name, len(at.dims))
		if err != nil {
			return nil, err
		}
		for i, to := range at.dims {
			if to != nil {
				*to = v[i]
			}
		}
	}
	// The position table has a row for the class token and one for each patch.
	d.ImageSize = int(math.Sqrt(float64(d.ImageSize-1))) * d.PatchSize
	for name, head := range headMarks {
		if v := s.Shape(name); head == d.Head && len(v) > 0 {
			d.Labels = v[0]
		}
	}
	switch d.Head { // these score one thing, or words
	case HeadMLM, HeadQ2A, HeadQA2R:
		d.Labels = 0
	}
	d.Size = "custom"
	for name, p := range published {
		if p.TextLayers == d.TextLayers && p.VisionLayers == d.VisionLayers && p.FusionLayers == d.FusionLayers &&
			p.TextHidden == d.TextHidden && p.VisionHidden == d.VisionHidden && p.FusionHidden == d.FusionHidden && p.PatchSize == d.PatchSize {
			d.Size = name
		}
	}
	return d, nil
}

// Published is the name under which weights of this layout were published, such
// as "hfl/vle-base-for-vqa", or "" for none of the eight.
func (d *Description) Published() string {
	if d.Size == "custom" {
		return ""
	}
	switch d.Head {
	case HeadNone:
		return "hfl/vle-" + d.Size
	case HeadVQA, HeadQ2A, HeadQA2R:
		return "hfl/vle-" + d.Size + "-for-" + d.Head
	}
	return ""
}

// String sums the description up in a line.
func (d *Description) String() string {
	name := d.Published()
	if name == "" {
		name = "VLE " + d.Size
	}
	labels := ""
	if d.Labels > 0 {
		labels = fmt.Sprintf(", %d labels", d.Labels)
	}
	return fmt.Sprintf("%s: head %s%s, %.1f M parameters; text %d×%d, image %d×%d (%d px, patch %d), fusion %d×%d",
		name, d.Head, labels, float64(d.Parameters)/1e6, d.TextLayers, d.TextHidden,
		d.VisionLayers, d.VisionHidden, d.ImageSize, d.PatchSize, d.FusionLayers, d.FusionHidden)
}
