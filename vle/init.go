package vle

import (
	"hash/fnv"
	"math/rand/v2"
	"strings"

	spago "github.com/nlpodyssey/spago/nn"
)

// Initialize gives every parameter of m its starting value for training from
// scratch: norms 1, biases 0, everything else normal with the configuration's
// initializer_range. A parameter's values follow from its name and seed alone.
func Initialize(m Parameterized, seed uint64) {
	m.Visit(func(name string, shape []int, p **spago.Param) {
		f := freshParam{name, shape, p}
		f.init(m.Config(), seed, true)
	})
	if t, ok := m.(interface{ tie() }); ok {
		t.tie()
	}
}

// freshParam is a parameter that no weights file holds.
type freshParam struct {
	name  string
	shape []int
	p     **spago.Param
}

func (f freshParam) init(c *Config, seed uint64, trainable bool) {
	n := 1
	for _, d := range f.shape {
		n *= d
	}
	data := make([]float32, n)
	switch {
	case strings.HasSuffix(f.name, ".bias"):
	case len(f.shape) == 1 && strings.HasSuffix(f.name, ".weight"):
		for i := range data {
			data[i] = 1
		}
	default:
		h := fnv.New64a()
		h.Write([]byte(f.name))
		rng := rand.New(rand.NewPCG(seed, h.Sum64()))
		for i := range data {
			data[i] = float32(rng.NormFloat64() * c.InitializerRange)
		}
		if pad := c.Text.PadTokenID; pad != nil && *pad >= 0 && strings.HasSuffix(f.name, "word_embeddings.weight") {
			w := f.shape[1]
			clear(data[*pad*w : (*pad+1)*w])
		}
	}
	*f.p = newParam(f.shape, data, trainable)
}
