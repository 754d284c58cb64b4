package parity

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/checkpoint"
)

// Formula makes the parameters of a model of any size out of their names, so
// that a recording at real size needs no weight file. It is a vle.Weights.
//
// For a parameter called name with n elements, s0 is the 64-bit FNV-1a hash of
// the name (and of a suffix, if the recording has one); element i, from 0, is
// the SplitMix64 output for the state s0 + (i+1)·0x9E3779B97F4A7C15, of which
// the upper 24 bits give u in [−½, ½). A vector is 1 + 0.4u where it is a norm's
// weight, else 0.2u; an embedding is u; any other matrix is u·√(12/fan-in),
// which keeps a unit variance.
type Formula struct {
	suffix string
	names  []string
	shapes map[string][]int
}

var _ vle.Weights = (*Formula)(nil)

// NewFormula makes the parameters that m asks for. Suffix is put behind each
// name before it is hashed.
func NewFormula(m vle.Parameterized, suffix string) *Formula {
	f := &Formula{suffix: suffix, shapes: map[string][]int{}}
	m.Visit(func(name string, shape []int, _ **spago.Param) {
		f.names = append(f.names, name)
		f.shapes[name] = slices.Clone(shape)
	})
	return f
}

// Names lists the parameters in the model's order.
func (f *Formula) Names() []string { return f.names }

// Shape is a parameter's shape; nil if there is no such parameter.
func (f *Formula) Shape(name string) []int { return f.shapes[name] }

// Float32 makes one parameter's elements, on all cores.
func (f *Formula) Float32(name string) ([]float32, error) {
	shape, ok := f.shapes[name]
	if !ok {
		return nil, fmt.Errorf("tensor %q: %w", name, checkpoint.ErrNoTensor)
	}
	n, fan := 1, 1
	for i, d := range shape {
		n *= d
		if i > 0 {
			fan *= d
		}
	}
	scale, shift := 1.0, 0.0
	switch lower := strings.ToLower(name); {
	case len(shape) == 1:
		scale = 0.2
		norm := strings.Contains(lower, "norm") || strings.HasPrefix(name, "vqa_classifier.1.")
		if norm && strings.HasSuffix(name, "weight") {
			scale, shift = 0.4, 1
		}
	case strings.Contains(name, "embedding") && !strings.Contains(name, "patch_embedding"):
	default:
		scale = math.Sqrt(12 / float64(fan))
	}
	return uniform(fnv1a(name+f.suffix), n, scale, shift), nil
}

// uniform gives n numbers scale·u + shift.
func uniform(s0 uint64, n int, scale, shift float64) []float32 {
	out := make([]float32, n)
	const chunk = 1 << 20
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for lo := 0; lo < n; lo += chunk {
		hi := min(lo+chunk, n)
		slots <- struct{}{}
		wg.Go(func() {
			for i := lo; i < hi; i++ {
				out[i] = float32(splitmix(s0, i)*scale + shift)
			}
			<-slots
		})
	}
	wg.Wait()
	return out
}

// splitmix is u of element i.
func splitmix(s0 uint64, i int) float64 {
	z := s0 + uint64(i+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	z ^= z >> 31
	return float64(z>>40)*0x1p-24 - 0.5
}

func fnv1a(s string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 0x100000001b3
	}
	return h
}

// formulaIDs turns u into token ids, before the special ones are set.
func formulaIDs(u []float32) []float64 {
	ids := make([]float64, len(u))
	for i, v := range u {
		ids[i] = math.Floor((float64(v)+0.5)*127000) + 100
	}
	return ids
}

// joints are the ways in which a recording may put a suffix or a salt behind a
// name before it hashes it; its checks tell which.
var joints = []string{"", ".", "#", ":", "_", "/", "|", "-", "@", " "}

// formulaFor makes the parameters of m in the way that gives the recorded first
// values of some of them.
func formulaFor(m vle.Parameterized, suffix string, first map[string][]float64) (*Formula, error) {
	for _, joint := range joints {
		if suffix == "" {
			joint = ""
		}
		f := NewFormula(m, joint+suffix)
		ok, err := f.begins(first)
		if err != nil {
			return nil, err
		}
		if ok {
			return f, nil
		}
	}
	return nil, fmt.Errorf("the formula with the suffix %q does not give the recorded parameters", suffix)
}

// begins tells whether the parameters begin with the recorded values, bit for bit.
func (f *Formula) begins(first map[string][]float64) (bool, error) {
	for _, name := range sortedKeys(first) {
		x, err := f.Float32(name)
		if err != nil {
			return false, err
		}
		for i, want := range first[name] {
			if i >= len(x) || float64(x[i]) != want {
				return false, nil
			}
		}
	}
	return true, nil
}

// inputSeed finds how a salt enters the seeds of the inputs by trying the ways
// there are against the token ids that were recorded.
func inputSeed(salt int, recorded []int64) (func(name string) uint64, error) {
	ways := []func(string) uint64{
		func(name string) uint64 { return fnv1a(name) + uint64(salt) },
		func(name string) uint64 { return fnv1a(name) ^ uint64(salt) },
		func(name string) uint64 { return fnv1a(name) + uint64(salt)*0x9E3779B97F4A7C15 },
	}
	for _, joint := range joints {
		ways = append(ways,
			func(name string) uint64 { return fnv1a(fmt.Sprintf("%s%s%d", name, joint, salt)) },
			func(name string) uint64 { return fnv1a(fmt.Sprintf("%d%s%s", salt, joint, name)) })
	}
	for _, seed := range ways {
		ids := formulaIDs(uniform(seed("input_ids"), len(recorded), 1, 0))
		agree := 0
		for i, id := range ids {
			if int64(id) == recorded[i] {
				agree++
			}
		}
		if agree*2 > len(ids) { // the rest are [CLS], [SEP] and padding
			return seed, nil
		}
	}
	return nil, fmt.Errorf("the recorded input_ids do not follow from the formula with input_salt %d", salt)
}
