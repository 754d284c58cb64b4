package vle

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/nlpodyssey/spago/ag"
	"github.com/nlpodyssey/spago/mat"
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// goldenCase is what a case's .json holds besides its arrays.
type goldenCase struct {
	VQALabels [][]int         `json:"vqa_labels"`
	VQAScores [][]float32     `json:"vqa_scores"`
	ITMLabels []int           `json:"itm_labels"`
	PBCLabels [][]int         `json:"pbc_labels"`
	MLMLabels [][]int         `json:"mlm_labels"`
	Labels    []int           `json:"labels"`
	PatchIDs  json.RawMessage `json:"patch_ids"`
	Types     json.RawMessage `json:"extend_token_type_ids"`
	Loss      *float64        `json:"loss"`
}

// goldenHead is a model under test: it computes a case's logits and the
// recorded loss with its gradients' start.
type goldenHead struct {
	name    string
	cases   []string
	open    func(*Config) (Parameterized, error)
	forward func(t *testing.T, m Parameterized, r *nn.Run, c *recording, in *goldenCase) mat.Tensor
	// loss returns the loss as a tensor that ag.Backward can start from. The
	// value comes apart because one loss is made by hand.
	loss func(r *nn.Run, logits mat.Tensor, in *goldenCase) (mat.Tensor, float64)
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func scalar(x mat.Tensor) (mat.Tensor, float64) { return x, float64(nn.Floats(x)[0]) }

// patchLoss is the only PBC loss that the reference can compute: labels of shape
// [items, 2] make its cross-entropy run over the patches, once for each of the
// two classes.
func patchLoss(_ *nn.Run, logits mat.Tensor, in *goldenCase) (mat.Tensor, float64) {
	items := len(in.PBCLabels)
	x := nn.Floats(logits)
	n := len(x) / 2 / items
	g := make([]float32, len(x))
	loss := 0.0
	for b, labels := range in.PBCLabels {
		for k, label := range labels {
			at := func(p int) int { return (b*n+p)*2 + k }
			var s float64
			for p := range n {
				s += math.Exp(float64(x[at(p)]))
			}
			loss += (math.Log(s) - float64(x[at(label)])) / float64(2*items)
			for p := range n {
				g[at(p)] = float32(math.Exp(float64(x[at(p)])) / s / float64(2*items))
			}
			g[at(label)] -= 1 / float32(2*items)
		}
	}
	if logits.RequiresGrad() {
		logits.AccGrad(nn.Dense(items*n, 2, g))
	}
	return logits, loss
}

func vcrBatches(t *testing.T, c *recording, in *goldenCase) []*Batch {
	var boxes [][][][]int
	var types [][][][]int
	if err := json.Unmarshal(in.PatchIDs, &boxes); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(in.Types, &types); err != nil {
		t.Fatal(err)
	}
	var out []*Batch
	for i := range boxes {
		out = append(out, &Batch{
			IDs:      c.ints(fmt.Sprintf("in.input_ids.%d.npy", i)),
			Mask:     c.ints(fmt.Sprintf("in.attention_mask.%d.npy", i)),
			TypeIDs:  c.ints(fmt.Sprintf("in.token_type_ids.%d.npy", i)),
			Pixels:   c.floats("in.pixel_values.npy"),
			Boxes:    boxes[i],
			BoxTypes: types[i][0], TextTypes: types[i][1],
		})
	}
	return out
}

func vcrHead(task VCRTask, name string) goldenHead {
	return goldenHead{
		name: name, cases: []string{"vcr"},
		open: func(c *Config) (Parameterized, error) { return NewVCR(c, task) },
		forward: func(t *testing.T, m Parameterized, r *nn.Run, c *recording, in *goldenCase) mat.Tensor {
			return must[mat.Tensor](t)(m.(*VCR).Forward(r, vcrBatches(t, c, in)))
		},
		loss: func(r *nn.Run, x mat.Tensor, in *goldenCase) (mat.Tensor, float64) {
			return scalar(nn.CrossEntropy(r, x, in.Labels))
		},
	}
}

var goldenHeads = []goldenHead{
	{
		name: "vqa", cases: []string{"pad3", "single"},
		open: func(c *Config) (Parameterized, error) { return NewVQA(c) },
		forward: func(t *testing.T, m Parameterized, r *nn.Run, c *recording, _ *goldenCase) mat.Tensor {
			return must[mat.Tensor](t)(m.(*VQA).Forward(r, c.batch()))
		},
		loss: func(r *nn.Run, x mat.Tensor, in *goldenCase) (mat.Tensor, float64) {
			n := x.Shape()[1]
			targets, err := VQATargets(in.VQALabels, in.VQAScores, n)
			if err != nil {
				panic(err)
			}
			return scalar(nn.BinaryCrossEntropy(r, x, targets, float32(n)))
		},
	},
	{
		name: "itm", cases: []string{"pad3", "single"},
		open: func(c *Config) (Parameterized, error) { return NewITM(c) },
		forward: func(t *testing.T, m Parameterized, r *nn.Run, c *recording, _ *goldenCase) mat.Tensor {
			return must[mat.Tensor](t)(m.(*ITM).Forward(r, c.batch()))
		},
		loss: func(r *nn.Run, x mat.Tensor, in *goldenCase) (mat.Tensor, float64) {
			return scalar(nn.CrossEntropy(r, x, in.ITMLabels))
		},
	},
	{
		name: "pbc", cases: []string{"pad3", "single"},
		open: func(c *Config) (Parameterized, error) { return NewPBC(c) },
		forward: func(t *testing.T, m Parameterized, r *nn.Run, c *recording, _ *goldenCase) mat.Tensor {
			return must[mat.Tensor](t)(m.(*PBC).Forward(r, c.batch()))
		},
		loss: patchLoss,
	},
	{
		name: "mlm", cases: []string{"pad3", "single"},
		open: func(c *Config) (Parameterized, error) { return NewMLM(c) },
		forward: func(t *testing.T, m Parameterized, r *nn.Run, c *recording, _ *goldenCase) mat.Tensor {
			b := c.batch()
			b.KeepPadding = true
			x, _, err := m.(*MLM).Forward(r, b)
			return must[mat.Tensor](t)(x, err)
		},
		loss: func(r *nn.Run, x mat.Tensor, in *goldenCase) (mat.Tensor, float64) {
			var classes []int
			for _, row := range in.MLMLabels {
				classes = append(classes, row...)
			}
			return scalar(nn.CrossEntropy(r, x, classes))
		},
	},
	vcrHead(Q2A, "vcr_q2a"),
	vcrHead(QA2R, "vcr_qa2r"),
}

func openGolden(t *testing.T, h *goldenHead, dir string, opts LoadOptions) Parameterized {
	cfg, err := ReadConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := h.open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	store, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	if rep, err := Load(m, store, opts); err != nil {
		t.Fatalf("%v\n%s", err, rep)
	} else if len(rep.Unexpected) > 0 {
		t.Errorf("names without use: %v", rep.Unexpected)
	}
	return m
}

func TestHeadCases(t *testing.T) {
	for _, kind := range []string{"model-tiny", "model-odd"} {
		dir := golden(t, kind)
		for _, h := range goldenHeads {
			m := openGolden(t, &h, filepath.Join(dir, "ckpt-"+h.name), LoadOptions{})
			for _, name := range h.cases {
				t.Run(kind+"/"+h.name+"/"+name, func(t *testing.T) {
					path := filepath.Join(dir, h.name, "case_"+name)
					c := openRecording(t, path+".npz")
					var in goldenCase
					readJSON(t, path+".json", &in)

					w := newWatcher()
					watched := nn.NewRun().WithWatch(w.watch)
					defer watched.Close()
					x := h.forward(t, m, watched, c, &in)
					check(t, "logits", nn.Floats(x), c.floats("out.logits.npy"))
					w.checkMiddle(t, c, "mid.")

					r := nn.NewRun()
					defer r.Close()
					x = h.forward(t, m, r, c, &in)
					check(t, "logits without a watcher", nn.Floats(x), c.floats("out.logits.npy"))
					if _, loss := h.loss(r, x, &in); math.Abs(loss-*in.Loss) > 2e-5+1e-4**in.Loss {
						t.Errorf("loss %g, want %g", loss, *in.Loss)
					}
				})
			}
		}
	}
}

// checkGradients compares every parameter's gradient with the recorded norms,
// and with the elements where they are recorded: 1e-4 of the largest element,
// and a millionth of the model's largest for those that are only noise.
func checkGradients(t *testing.T, m Parameterized, stem string) {
	t.Helper()
	var norms struct {
		Grads map[string]*struct{ L2, Sum, AbsMax float64 }
	}
	readJSON(t, stem+".norms.json", &norms)
	full := openRecording(t, stem+".npz")
	top := 0.0
	for _, n := range norms.Grads {
		if n != nil {
			top = max(top, n.AbsMax)
		}
	}
	got := map[string][]float32{}
	m.Visit(func(name string, shape []int, p **spago.Param) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		got[name] = make([]float32, n)
		if g := (*p).Grad(); (*p).HasGrad() {
			copy(got[name], nn.Floats(g))
		}
	})
	compared := 0
	for name, n := range norms.Grads {
		g, ok := got[name]
		if !ok {
			t.Errorf("%s: no such parameter", name)
			continue
		}
		var square, most float64
		for _, v := range g {
			square += float64(v) * float64(v)
			most = max(most, math.Abs(float64(v)))
		}
		if n == nil {
			if most != 0 {
				t.Errorf("%s: has a gradient, the reference has none", name)
			}
			continue
		}
		if d := math.Abs(math.Sqrt(square) - n.L2); d > 1e-4*n.L2+1e-6*top*math.Sqrt(float64(len(g))) {
			t.Errorf("%s: norm %g, want %g", name, math.Sqrt(square), n.L2)
		}
		if !full.has(name + ".npy") {
			continue
		}
		compared++
		for i, w := range full.floats(name + ".npy") {
			if d := math.Abs(float64(g[i]) - float64(w)); d > 1e-4*n.AbsMax+1e-6*top {
				t.Errorf("%s[%d]: %g, want %g", name, i, g[i], w)
				break
			}
		}
	}
	if compared == 0 {
		t.Error("no gradient was compared element by element")
	}
}

func TestGradients(t *testing.T) {
	for _, kind := range []string{"model-tiny", "model-odd"} {
		dir := golden(t, kind)
		for _, h := range goldenHeads {
			name := h.cases[0]
			stem := filepath.Join(dir, h.name, "grad_"+name)
			if _, err := os.Stat(stem + ".npz"); err != nil {
				t.Errorf("%v", err)
				continue
			}
			t.Run(kind+"/"+h.name, func(t *testing.T) {
				m := openGolden(t, &h, filepath.Join(dir, "ckpt-"+h.name), LoadOptions{Trainable: true})
				c := openRecording(t, filepath.Join(dir, h.name, "case_"+name+".npz"))
				var in goldenCase
				readJSON(t, filepath.Join(dir, h.name, "case_"+name+".json"), &in)
				r := nn.NewGraphRun(false, 0)
				loss, value := h.loss(r, h.forward(t, m, r, c, &in), &in)
				if math.Abs(value-*in.Loss) > 2e-5+1e-4**in.Loss {
					t.Errorf("loss %g, want %g", value, *in.Loss)
				}
				if err := ag.Backward(loss); err != nil {
					t.Fatal(err)
				}
				checkGradients(t, m, stem)
			})
		}
		t.Run(kind+"/base", func(t *testing.T) {
			h := goldenHead{open: func(c *Config) (Parameterized, error) { return NewModel(c) }}
			m := openGolden(t, &h, filepath.Join(dir, "ckpt-base"), LoadOptions{Trainable: true}).(*Model)
			c := openRecording(t, filepath.Join(dir, "base", "case_pad3.npz"))
			w := openRecording(t, filepath.Join(dir, "base", "grad_weight.npz"))
			out, err := m.Forward(nn.NewGraphRun(false, 0), c.batch())
			if err != nil {
				t.Fatal(err)
			}
			shape := w.shape("w.npy")
			out.Pooled.AccGrad(nn.Dense(shape[0], shape[1], w.floats("w.npy")))
			if err := ag.Backward(out.Pooled); err != nil {
				t.Fatal(err)
			}
			checkGradients(t, m, filepath.Join(dir, "base", "grad_pad3"))
		})
	}
}
