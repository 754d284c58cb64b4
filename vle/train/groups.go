package train

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/nn"
)

// GroupOptions says with which learning rate and weight decay each parameter is
// trained, by its name.
type GroupOptions struct {
	// LR is the base learning rate.
	LR float64 `toml:"lr" json:"lr"`
	// WeightDecay is the decay per unit of learning rate. Biases and parameters
	// with "norm" in their name get none.
	WeightDecay float64 `toml:"weight_decay" json:"weight_decay,omitempty"`
	// NoNormDecay spares every layer norm. The reference goes by names and
	// decays the one inside a classifier, vqa_classifier.1.weight.
	NoNormDecay bool `toml:"no_norm_decay" json:"no_norm_decay,omitempty"`
	// HeadLR and CrossModalLR multiply the learning rate of the head and of the
	// fusion (names with "cross_modal"); 0 means 1.
	HeadLR       float64 `toml:"lr_mult_head" json:"lr_mult_head,omitempty"`
	CrossModalLR float64 `toml:"lr_mult_cross_modal" json:"lr_mult_cross_modal,omitempty"`
	// LayerDecay multiplies the learning rate once for each layer that lies
	// between a parameter and the head; 0 means 1. The fusion's layers lie below
	// the poolers, the encoders' below the fusion, the embeddings lowest.
	LayerDecay float64 `toml:"layer_decay" json:"layer_decay,omitempty"`
	// Freeze are regular expressions; a parameter whose name one of them matches
	// anywhere keeps its value.
	Freeze []string `toml:"freeze" json:"freeze,omitempty"`
}

// Parameter is a parameter as the optimiser sees it.
type Parameter struct {
	Name  string
	Shape []int
	// Value is the model's own memory.
	Value []float32
	// LR is the learning rate before the schedule, Decay the weight decay.
	LR, Decay float64
	Frozen    bool

	m, v  []float32 // the moments, nil before the first gradient
	steps int       // updates so far
	moved []bool    // the rows whose moments are not zero; nil when that is not known
}

// Group lists the parameters by the settings that [GroupOptions] gives them, in the
// order of the model, and checks that they can be trained. A parameter with two
// names, such as a tied decoder, comes once under the first.
func Group(m vle.Parameterized, o GroupOptions) ([]*Parameter, error) {
	if !(o.LR >= 0) || !(o.WeightDecay >= 0) || !(o.HeadLR >= 0) || !(o.CrossModalLR >= 0) || !(o.LayerDecay >= 0) {
		return nil, fmt.Errorf("train: learning rates, multipliers and weight decay must not be negative: %+v", o)
	}
	var freeze []*regexp.Regexp
	for _, s := range o.Freeze {
		re, err := regexp.Compile(s)
		if err != nil {
			return nil, fmt.Errorf("train: freeze: %w", err)
		}
		freeze = append(freeze, re)
	}
	used := make([]bool, len(freeze))
	var out []*Parameter
	var bad error
	visitOnce(m, func(name string, shape []int, p *spago.Param) {
		if p == nil || p.Matrix == nil {
			bad = fmt.Errorf("train: parameter %s has no value: load or initialise the model first", name)
			return
		}
		x := &Parameter{Name: name, Shape: shape, Value: nn.Floats(p)}
		for i, re := range freeze {
			if re.MatchString(name) {
				x.Frozen, used[i] = true, true
			}
		}
		if !x.Frozen && !p.RequiresGrad() {
			bad = fmt.Errorf("train: parameter %s is read-only: load the model with LoadOptions{Trainable: true}, or freeze it", name)
		}
		x.LR = o.LR * o.multiplier(m.Config(), name)
		if o.decays(name, shape) {
			x.Decay = o.WeightDecay
		}
		out = append(out, x)
	})
	if bad != nil {
		return nil, bad
	}
	for i, ok := range used {
		if !ok {
			return nil, fmt.Errorf("train: freeze: no parameter's name matches %q", o.Freeze[i])
		}
	}
	if !slices.ContainsFunc(out, func(p *Parameter) bool { return !p.Frozen }) {
		return nil, fmt.Errorf("train: every parameter is frozen")
	}
	return out, nil
}

// visitOnce calls f for each parameter that was not met under another name.
func visitOnce(m vle.Parameterized, f func(name string, shape []int, p *spago.Param)) {
	seen := map[*spago.Param]bool{}
	m.Visit(func(name string, shape []int, p **spago.Param) {
		if *p == nil || !seen[*p] {
			seen[*p] = true
			f(name, shape, *p)
		}
	})
}

// share returns a parameter of its own gradient over the same memory.
func share(p *spago.Param, frozen bool) *spago.Param {
	rows, cols := p.Shape()[0], 1
	if s := p.Shape(); len(s) > 1 {
		cols = s[1]
	}
	q := &spago.Param{Matrix: nn.NewWeight(rows, cols, nn.Floats(p))}
	q.SetRequiresGrad(!frozen)
	return q
}

func (o GroupOptions) decays(name string, shape []int) bool {
	if strings.Contains(name, "bias") || strings.Contains(strings.ToLower(name), "norm") {
		return false
	}
	// Every "weight" of one dimension is a norm's.
	return !(o.NoNormDecay && len(shape) == 1 && strings.HasSuffix(name, ".weight"))
}

func or1(x float64) float64 {
	if x == 0 {
		return 1
	}
	return x
}

func (o GroupOptions) multiplier(c *vle.Config, name string) float64 {
	x := 1.0
	switch {
	case strings.Contains(name, "cross_modal"):
		x = or1(o.CrossModalLR)
	case !strings.HasPrefix(name, "vle."):
		x = or1(o.HeadLR)
	}
	if o.LayerDecay != 0 && o.LayerDecay != 1 {
		for range layersAbove(c, name) {
			x *= o.LayerDecay
		}
	}
	return x
}

var layerNumber = regexp.MustCompile(`layers?\.(\d+)\.`)

// layersAbove counts the layers between a parameter and the head.
func layersAbove(c *vle.Config, name string) int {
	n := -1
	if at := layerNumber.FindStringSubmatch(name); at != nil {
		n, _ = strconv.Atoi(at[1])
	}
	switch {
	case !strings.HasPrefix(name, "vle."), strings.Contains(name, "_pooler."):
		return 0
	case strings.Contains(name, "cross_modal"):
		return c.NumLayers - 1 - n
	case strings.Contains(name, "text_model."):
		return c.NumLayers + c.Text.NumLayers - 1 - n
	case strings.Contains(name, "vision_model."):
		if strings.Contains(name, "post_layernorm") {
			return c.NumLayers
		}
		return c.NumLayers + c.Vision.NumLayers - 1 - n
	}
	return c.NumLayers // the projections and the token types
}
