package parity

import (
	"math"

	"github.com/nlpodyssey/spago/mat"

	"govle/vle"
	"govle/vle/nn"
)

// head is how one kind of model is opened, run and, where the reference has a
// loss for it, judged. Batches are one but for the multiple-choice heads, which
// have one a choice.
type head struct {
	open func(*vle.Config) (vle.Parameterized, error)
	body func(vle.Parameterized) *vle.Model
	// run gives the logits; the bare body's pooled output.
	run func(m vle.Parameterized, r *nn.Run, batches []*vle.Batch) (mat.Tensor, error)
	// loss gives a tensor for ag.Backward to start from, and the loss.
	loss func(r *nn.Run, logits mat.Tensor, info *caseInfo) (mat.Tensor, float64, error)
}

// heads are the names of the folders below a model's.
var heads = map[string]head{
	"base": {
		open: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewModel(c) },
		body: func(m vle.Parameterized) *vle.Model { return m.(*vle.Model) },
		run: func(m vle.Parameterized, r *nn.Run, bs []*vle.Batch) (mat.Tensor, error) {
			out, err := m.(*vle.Model).Forward(r, bs[0])
			if err != nil {
				return nil, err
			}
			r.Show("text_features", out.TextRows.Items(), out.TextFeatures)
			r.Show("image_features", out.ImageRows.Items(), out.ImageFeatures)
			return out.Pooled, nil
		},
	},
	"vqa": {
		open: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewVQA(c) },
		body: func(m vle.Parameterized) *vle.Model { return m.(*vle.VQA).Body },
		run: func(m vle.Parameterized, r *nn.Run, bs []*vle.Batch) (mat.Tensor, error) {
			return m.(*vle.VQA).Forward(r, bs[0])
		},
		loss: func(r *nn.Run, x mat.Tensor, info *caseInfo) (mat.Tensor, float64, error) {
			classes := x.Shape()[1]
			targets, err := vle.VQATargets(info.VQALabels, info.VQAScores, classes)
			if err != nil {
				return nil, 0, err
			}
			return scalar(nn.BinaryCrossEntropy(r, x, targets, float32(classes)))
		},
	},
	"itm": {
		open: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewITM(c) },
		body: func(m vle.Parameterized) *vle.Model { return m.(*vle.ITM).Body },
		run: func(m vle.Parameterized, r *nn.Run, bs []*vle.Batch) (mat.Tensor, error) {
			return m.(*vle.ITM).Forward(r, bs[0])
		},
		loss: func(r *nn.Run, x mat.Tensor, info *caseInfo) (mat.Tensor, float64, error) {
			return scalar(nn.CrossEntropy(r, x, info.ITMLabels))
		},
	},
	"pbc": {
		open: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewPBC(c) },
		body: func(m vle.Parameterized) *vle.Model { return m.(*vle.PBC).Body },
		run: func(m vle.Parameterized, r *nn.Run, bs []*vle.Batch) (mat.Tensor, error) {
			return m.(*vle.PBC).Forward(r, bs[0])
		},
		loss: func(_ *nn.Run, x mat.Tensor, info *caseInfo) (mat.Tensor, float64, error) {
			return x, lossOverPatches(x, info.PBCLabels), nil
		},
	},
	"mlm": {
		open: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewMLM(c) },
		body: func(m vle.Parameterized) *vle.Model { return m.(*vle.MLM).Body },
		run: func(m vle.Parameterized, r *nn.Run, bs []*vle.Batch) (mat.Tensor, error) {
			b := *bs[0]
			b.KeepPadding = true // the logits of padding were recorded too
			x, _, err := m.(*vle.MLM).Forward(r, &b)
			return x, err
		},
		loss: func(r *nn.Run, x mat.Tensor, info *caseInfo) (mat.Tensor, float64, error) {
			var classes []int
			for _, row := range info.MLMLabels {
				classes = append(classes, row...)
			}
			return scalar(nn.CrossEntropy(r, x, classes))
		},
	},
	"vcr_q2a":  choiceHead(vle.Q2A),
	"vcr_qa2r": choiceHead(vle.QA2R),
}

func choiceHead(task vle.VCRTask) head {
	return head{
		open: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewVCR(c, task) },
		body: func(m vle.Parameterized) *vle.Model { return m.(*vle.VCR).Body },
		run: func(m vle.Parameterized, r *nn.Run, bs []*vle.Batch) (mat.Tensor, error) {
			return m.(*vle.VCR).Forward(r, bs)
		},
		loss: func(r *nn.Run, x mat.Tensor, info *caseInfo) (mat.Tensor, float64, error) {
			return scalar(nn.CrossEntropy(r, x, info.Labels))
		},
	}
}

func scalar(x mat.Tensor) (mat.Tensor, float64, error) { return x, float64(nn.Floats(x)[0]), nil }

// lossOverPatches is the one PBC loss that the reference can compute: given
// labels of shape [items, 2] its cross-entropy runs over the patches, once for
// each of the two classes. No training wants it, so it is made by hand here; the
// gradient goes into the logits [items·patches × 2].
func lossOverPatches(logits mat.Tensor, labels [][]int) float64 {
	x := nn.Floats(logits)
	items := len(labels)
	n := len(x) / 2 / items
	g := make([]float32, len(x))
	share := 1 / float64(2*items)
	loss := 0.0
	for item, row := range labels {
		for class, patch := range row {
			at := func(p int) int { return (item*n+p)*2 + class }
			sum := 0.0
			for p := range n {
				sum += math.Exp(float64(x[at(p)]))
			}
			for p := range n {
				g[at(p)] += float32(share * math.Exp(float64(x[at(p)])) / sum)
			}
			g[at(patch)] -= float32(share)
			loss += share * (math.Log(sum) - float64(x[at(patch)]))
		}
	}
	if logits.RequiresGrad() {
		logits.AccGrad(nn.Dense(items*n, 2, g))
	}
	return loss
}
