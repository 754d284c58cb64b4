package train_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/nlpodyssey/spago/ag"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/nn"
	"govle/vle/train"
)

// TestAdamW does three steps by the formula in float64.
func TestAdamW(t *testing.T) {
	p := &train.Parameter{Name: "w", Value: []float32{1, -2, 0.5}, LR: 0.1, Decay: 0.01}
	idle := &train.Parameter{Name: "idle", Value: []float32{3}, LR: 0.1, Decay: 0.01}
	want, m, v := []float64{1, -2, 0.5}, make([]float64, 3), make([]float64, 3)
	for step, g := range [][]float32{{0.3, -1, 0}, {0.1, 2, 1e-9}, {-4, 0, 1e-9}} {
		factor := 1 - 0.25*float64(step)
		train.AdamW{}.Step([]*train.Parameter{p, idle}, [][]float32{g, nil}, factor)
		lr, n := 0.1*factor, float64(step+1)
		for i := range want {
			gi := float64(g[i])
			m[i] = 0.9*m[i] + 0.1*gi
			v[i] = 0.98*v[i] + 0.02*gi*gi
			want[i] -= lr * math.Sqrt(1-math.Pow(0.98, n)) / (1 - math.Pow(0.9, n)) * m[i] / (math.Sqrt(v[i]) + 1e-8)
			want[i] -= lr * 0.01 * want[i]
			if math.Abs(float64(p.Value[i])-want[i]) > 1e-6 {
				t.Errorf("step %d, element %d: %g, want %g", step, i, p.Value[i], want[i])
			}
		}
	}
	if idle.Value[0] != 3 {
		t.Error("a parameter without a gradient was changed")
	}
}

// TestClip scales to the limit and no further.
func TestClip(t *testing.T) {
	g := [][]float32{{3, 0}, nil, {4}}
	if n := train.Clip(g, 10); n != 5 || g[0][0] != 3 {
		t.Errorf("below the limit: norm %g, %v", n, g)
	}
	if n := train.Clip(g, 1); n != 5 || math.Abs(train.Norm(g)-1) > 1e-5 {
		t.Errorf("above the limit: norm %g, then %g", n, train.Norm(g))
	}
}

// TestGroups: layer-wise rates, norms, freezing and ties.
func TestGroups(t *testing.T) {
	c := config(t)
	c.NumLayers, c.Text.NumLayers, c.Vision.NumLayers = 2, 3, 2
	m, err := vle.NewMLM(c)
	if err != nil {
		t.Fatal(err)
	}
	vle.Initialize(m, 1)
	params, err := train.Group(m, train.GroupOptions{LR: 1, WeightDecay: 0.1, HeadLR: 8, CrossModalLR: 4, LayerDecay: 0.5, Freeze: []string{`vision_model.*position`}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*train.Parameter{}
	for _, p := range params {
		if got[p.Name] != nil {
			t.Errorf("%s comes twice", p.Name)
		}
		got[p.Name] = p
	}
	if got["mlm_score.1.predictions.decoder.weight"] != nil {
		t.Error("the tied decoder is a parameter of its own")
	}
	for name, want := range map[string][2]float64{ // learning rate, decay
		"mlm_score.0.weight":                                          {8, 0.1},
		"vle.cross_modal_text_pooler.dense.weight":                    {4, 0.1},
		"vle.cross_modal_text_layers.1.output.dense.weight":           {4, 0.1},
		"vle.cross_modal_image_layers.0.output.dense.bias":            {2, 0},
		"vle.text_projection_layer.weight":                            {0.25, 0.1},
		"vle.text_model.encoder.layer.2.output.dense.weight":          {0.25, 0.1},
		"vle.text_model.encoder.layer.0.output.LayerNorm.weight":      {0.0625, 0},
		"vle.text_model.embeddings.word_embeddings.weight":            {0.03125, 0.1},
		"vle.vision_model.vision_model.encoder.layers.1.mlp.fc1.bias": {0.25, 0},
		"vle.vision_model.vision_model.post_layernorm.weight":         {0.25, 0},
		"vle.vision_model.vision_model.embeddings.class_embedding":    {0.0625, 0.1},
	} {
		p := got[name]
		if p == nil || p.LR != want[0] || p.Decay != want[1] || p.Frozen {
			t.Errorf("%s: %+v, want learning rate and decay %v", name, p, want)
		}
	}
	if !got["vle.vision_model.vision_model.embeddings.position_embedding.weight"].Frozen {
		t.Error("the position embedding is not frozen")
	}
	vqa := fresh(t, vle.NewVQA)
	for _, right := range []bool{false, true} {
		params, err := train.Group(vqa, train.GroupOptions{LR: 1, WeightDecay: 0.1, NoNormDecay: right})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(params, func(p *train.Parameter) bool { return p.Name == "vqa_classifier.1.weight" })
		if decays := params[i].Decay > 0; decays == right {
			t.Errorf("NoNormDecay %v: the classifier's norm decays: %v", right, decays)
		}
	}
	for want, o := range map[string]train.GroupOptions{
		"no parameter's name": {LR: 1, Freeze: []string{"txet"}},
		"every parameter":     {LR: 1, Freeze: []string{""}},
		"missing":             {LR: 1, Freeze: []string{"("}},
		"negative":            {LR: -1},
	} {
		if _, err := train.Group(vqa, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// TestBackward holds the ordered backward pass against ag's.
func TestBackward(t *testing.T) {
	gradients := func(back func(o *train.Outcome) error) map[string][]float32 {
		m := fresh(t, vle.NewVQA)
		out, err := train.VQA{}.Run(m, nn.NewGraphRun(true, 5), squares(6, 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := back(out); err != nil {
			t.Fatal(err)
		}
		g := map[string][]float32{}
		m.Visit(func(name string, _ []int, p **spago.Param) {
			if (*p).HasGrad() {
				g[name] = nn.Floats((*p).Grad())
			}
		})
		return g
	}
	want := gradients(func(o *train.Outcome) error { return ag.Backward(o.Loss) })
	got := gradients(func(o *train.Outcome) error { return nn.Backward(o.Loss, 2) })
	if len(got) != len(want) || len(want) < 50 {
		t.Fatalf("%d gradients, want %d", len(got), len(want))
	}
	for name, w := range want {
		for i := range w {
			if math.Abs(float64(got[name][i]-2*w[i])) > 1e-5*(1+math.Abs(float64(w[i]))) {
				t.Errorf("%s[%d]: %g, want twice %g", name, i, got[name][i], w[i])
				break
			}
		}
	}
}
