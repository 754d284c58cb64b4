package train

import (
	"fmt"
	"math/rand/v2"

	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/nn"
)

// MPCModel is VLE with a head for masked patch-box classification: what is under
// the hidden box? The reference names this objective and publishes no head for it;
// this one has the form of its PBC head over the mean of the box's patches.
type MPCModel struct {
	spago.Module
	Body *vle.Model
	Head *vle.Classifier

	classes int
}

var _ vle.Parameterized = (*MPCModel)(nil)

// NewMPCModel returns a model for the given number of object classes, without
// parameters.
func NewMPCModel(cfg *vle.Config, classes int) (*MPCModel, error) {
	if classes < 2 {
		return nil, fmt.Errorf("train: masked patch-box classification among %d classes", classes)
	}
	body, err := vle.NewModel(cfg)
	if err != nil {
		return nil, err
	}
	w := cfg.HiddenSize
	return &MPCModel{Body: body, classes: classes, Head: &vle.Classifier{
		Dense: nn.NewLinear(w, w, true),
		Norm:  nn.NewLayerNorm(w, 1e-5),
		Out:   nn.NewLinear(w, classes, true),
	}}, nil
}

// Visit calls v for each parameter.
func (m *MPCModel) Visit(v nn.Visitor) {
	m.Body.Visit(func(name string, shape []int, p **spago.Param) { v("vle."+name, shape, p) })
	m.Head.Dense.Visit("mpc_classifier.0", v)
	m.Head.Norm.Visit("mpc_classifier.1", v)
	m.Head.Out.Visit("mpc_classifier.3", v)
}

// Config returns the configuration. It must not be changed.
func (m *MPCModel) Config() *vle.Config { return m.Body.Config() }

// Forward returns the logits [boxes × classes] of boxes, given as the patches
// they cover, each in the picture of the item with the number in items.
func (m *MPCModel) Forward(r *nn.Run, b *vle.Batch, items []int, boxes [][]int) (mat.Tensor, error) {
	out, err := m.Body.Forward(r, b)
	if err != nil {
		return nil, err
	}
	start, index := []int{0}, []int{}
	for i, patches := range boxes {
		if len(patches) == 0 {
			return nil, fmt.Errorf("train: box %d covers no patch", i)
		}
		for _, p := range patches {
			index = append(index, out.ImageRows[items[i]]+1+p)
		}
		start = append(start, len(index))
	}
	return m.Head.Forward(r, nn.Means(r, out.Image, start, index)), nil
}

// MPC is masked patch-box classification: the patches of some boxes are made grey,
// and the loss is the cross-entropy of what was there, given the rest of the
// picture and the text.
type MPC struct {
	// Share of the boxes that are hidden; 0 means 0.15. At least one is.
	Share float64
}

// Name returns "mpc".
func (MPC) Name() string { return "mpc" }

// Prepare hides boxes.
func (o MPC) Prepare(c *vle.Config, batch []*Example, rng *rand.Rand) ([]*Example, error) {
	share := o.Share
	if share == 0 {
		share = 0.15
	}
	var out []*Example
	for _, e := range batch {
		var known []int
		for i, class := range e.Objects {
			if class >= 0 {
				known = append(known, i)
			}
		}
		if len(known) == 0 || !e.isFor(o) {
			continue
		}
		if len(e.Objects) != len(e.Boxes) {
			return nil, fmt.Errorf("example %q has %d boxes and %d object classes", e.ID, len(e.Boxes), len(e.Objects))
		}
		copied := *e
		copied.FusionTypes = nil
		copied.Pixels = append([]float32(nil), e.Pixels...)
		copied.targets = nil
		want := max(1, int(share*float64(len(known))+rng.Float64()))
		for _, k := range rng.Perm(len(known))[:min(want, len(known))] {
			box := known[k]
			if len(e.Boxes[box]) == 0 {
				return nil, fmt.Errorf("example %q: box %d covers no patch", e.ID, box)
			}
			copied.targets = append(copied.targets, target{box, e.Objects[box]})
			for _, p := range e.Boxes[box] {
				if err := hide(copied.Pixels, &c.Vision, p); err != nil {
					return nil, fmt.Errorf("example %q: %w", e.ID, err)
				}
			}
		}
		out = append(out, &copied)
	}
	return out, nil
}

// hide sets a patch of a prepared picture to 0, which is the mean colour.
func hide(pixels []float32, v *vle.VisionConfig, patch int) error {
	size, side := v.ImageSize, v.PatchSize
	if len(pixels) != v.NumChannels*size*size {
		return fmt.Errorf("the picture has %d values, the model takes %d×%d×%d", len(pixels), v.NumChannels, size, size)
	}
	if patch < 0 || patch >= v.Patches() {
		return fmt.Errorf("patch %d of %d", patch, v.Patches())
	}
	x, y := patch%v.Grid()*side, patch/v.Grid()*side
	for ch := range v.NumChannels {
		for row := range side {
			at := (ch*size+y+row)*size + x
			clear(pixels[at : at+side])
		}
	}
	return nil
}

// Units returns the number of hidden boxes.
func (MPC) Units(_ *vle.Config, e *Example) int { return len(e.targets) }

// Run runs an *MPCModel.
func (o MPC) Run(m vle.Parameterized, r *nn.Run, examples []*Example) (*Outcome, error) {
	h, err := head[*MPCModel](m, o.Name())
	if err != nil {
		return nil, err
	}
	var items, classes []int
	var boxes [][]int
	for i, e := range examples {
		for _, t := range e.targets {
			if t.class >= h.classes {
				return nil, fmt.Errorf("example %q: object class %d of %d", e.ID, t.class, h.classes)
			}
			items, classes, boxes = append(items, i), append(classes, t.class), append(boxes, e.Boxes[t.at])
		}
	}
	x, err := h.Forward(r, batch(examples, ownText, false), items, boxes)
	if err != nil {
		return nil, err
	}
	return classified(r, x, classes), nil
}
