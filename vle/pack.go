package vle

import (
	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/nn"
)

// Pack lays copies of the weights of all linear layers out for the matrix
// product, so that passes with few rows need not do it each time. It nearly
// doubles the memory and must not be called while the model is in use. Call it
// again after weights were changed.
func Pack(m Parameterized) {
	spago.Apply(m, func(layer spago.Model) {
		if l, ok := layer.(*nn.Linear); ok {
			l.Pack()
		}
	})
}
