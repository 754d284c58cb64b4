package nn

import (
	"math"

	"github.com/nlpodyssey/spago/mat"

	"govle/vle/blas/vec"
)

// Ignored is the class of rows that a cross-entropy leaves out.
const Ignored = -100

// CrossEntropy is the mean over the rows of the negative log softmax of the
// row's class. Rows whose class is [Ignored] do not count; without any other
// row the loss is 0.
func CrossEntropy(r *Run, logits mat.Tensor, classes []int) mat.Tensor {
	return r.Do(&SoftmaxCrossEntropy{X: logits, Classes: classes})
}

// SoftmaxCrossEntropy is the operator of [CrossEntropy]: X [rows × classes],
// the result 1×1.
type SoftmaxCrossEntropy struct {
	X       mat.Tensor
	Classes []int

	p     []float32
	count int
}

var _ Operator = (*SoftmaxCrossEntropy)(nil)

// Operands returns X.
func (o *SoftmaxCrossEntropy) Operands() []mat.Tensor { return []mat.Tensor{o.X} }

func (o *SoftmaxCrossEntropy) check() error {
	m, n := rowsCols(o.X)
	if m != len(o.Classes) {
		return shapeError("SoftmaxCrossEntropy", "%d rows, %d classes", m, len(o.Classes))
	}
	for i, c := range o.Classes {
		if c != Ignored && (c < 0 || c >= n) {
			return shapeError("SoftmaxCrossEntropy", "row %d: class %d of %d", i, c, n)
		}
	}
	return nil
}

// Forward computes the loss.
func (o *SoftmaxCrossEntropy) Forward() (mat.Tensor, error) { return forward(o) }

func (o *SoftmaxCrossEntropy) eval(r *Run) mat.Tensor {
	m, n := rowsCols(o.X)
	x := Floats(o.X)
	o.p = make([]float32, m*n)
	o.count = 0
	var sum float64
	for i, c := range o.Classes {
		if c == Ignored {
			continue
		}
		o.count++
		row, p := x[i*n:(i+1)*n], o.p[i*n:(i+1)*n]
		top := vec.Max(row)
		s := vec.ExpSum(p, row, top)
		vec.Scale(p, 1/s)
		sum += math.Log(float64(s)) + float64(top) - float64(row[c])
	}
	t, y := r.buffer(1, 1)
	y[0] = float32(sum / float64(max(o.count, 1)))
	return t
}

// Backward adds gy·(p − onehot)/rows to X's gradient.
func (o *SoftmaxCrossEntropy) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *SoftmaxCrossEntropy) back(r *Run, g []float32) {
	s := r.sink(o.X)
	if s.data == nil {
		return
	}
	_, n := rowsCols(o.X)
	each := g[0] / float32(max(o.count, 1))
	d := s.sum()
	for i, c := range o.Classes {
		if c == Ignored {
			continue
		}
		vec.Axpy(d[i*n:(i+1)*n], each, o.p[i*n:(i+1)*n])
		d[i*n+c] -= each
	}
	s.done()
}

// BinaryCrossEntropy is the mean over all elements of the cross-entropy of
// σ(logits) against the soft targets, times scale. VQA's loss has scale =
// number of labels.
func BinaryCrossEntropy(r *Run, logits mat.Tensor, targets []float32, scale float32) mat.Tensor {
	return r.Do(&SigmoidCrossEntropy{X: logits, Targets: targets, Scale: scale})
}

// SigmoidCrossEntropy is the operator of [BinaryCrossEntropy]: X and Targets of
// one size, the result 1×1.
type SigmoidCrossEntropy struct {
	X       mat.Tensor
	Targets []float32
	Scale   float32
}

var _ Operator = (*SigmoidCrossEntropy)(nil)

// Operands returns X.
func (o *SigmoidCrossEntropy) Operands() []mat.Tensor { return []mat.Tensor{o.X} }

func (o *SigmoidCrossEntropy) check() error {
	if o.X.Size() != len(o.Targets) || len(o.Targets) == 0 {
		return shapeError("SigmoidCrossEntropy", "%d logits, %d targets", o.X.Size(), len(o.Targets))
	}
	return nil
}

// Forward computes the loss.
func (o *SigmoidCrossEntropy) Forward() (mat.Tensor, error) { return forward(o) }

func (o *SigmoidCrossEntropy) eval(r *Run) mat.Tensor {
	var sum float64
	for i, v := range Floats(o.X) {
		x := float64(v)
		// max(x,0) − x·t + ln(1+e^−|x|) does not overflow.
		sum += max(x, 0) - x*float64(o.Targets[i]) + math.Log1p(math.Exp(-math.Abs(x)))
	}
	t, y := r.buffer(1, 1)
	y[0] = float32(sum / float64(len(o.Targets)) * float64(o.Scale))
	return t
}

// Backward adds gy·scale·(σ(x) − t)/n to X's gradient.
func (o *SigmoidCrossEntropy) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *SigmoidCrossEntropy) back(r *Run, g []float32) {
	s := r.sink(o.X)
	if s.data == nil {
		return
	}
	d := s.overwrite()
	vec.Sigmoid(d, Floats(o.X))
	vec.Axpy(d, -1, o.Targets)
	vec.Scale(d, g[0]*o.Scale/float32(len(o.Targets)))
	s.done()
}
