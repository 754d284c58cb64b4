package vle

import (
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// PackOptions says how the weights of linear layers are laid out.
type PackOptions struct {
	// Precision is what the copies keep of the weights; the zero value keeps all.
	Precision nn.Precision
}

// Pack is [PackWith] with weights as precise as they are.
func Pack(m Parameterized) { PackWith(m, PackOptions{}) }

// PackWith lays copies of the weights of all linear layers out for the matrix
// product, so that passes with few rows need not do it each time. The copies
// take as much memory again as the linear layers' weights, half of it as
// BFloat16 and a quarter as Int8. Inference does not read the original weights
// any more: where they are mapped from a file the system takes that memory back
// when it needs it. Training and other graph runs keep using the originals.
//
// Rounded weights change results a little. Of easy-VQA's 9,673 test questions
// BFloat16 changes no answer and Int8 3, without loss of accuracy
// (TestPrecision); measure on your own data. At base size Int8 also takes about a
// third of the time, and BFloat16 a little more than Float32: it saves memory
// only. PackWith must not be called while the model is in use. Call it again
// after weights were changed.
func PackWith(m Parameterized, opts PackOptions) {
	spago.Apply(m, func(layer spago.Model) {
		if l, ok := layer.(*nn.Linear); ok {
			l.Pack(opts.Precision)
		}
	})
}
