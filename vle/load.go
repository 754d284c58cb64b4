package vle

import (
	"fmt"
	"sort"
	"strings"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// Weights is where parameters come from: names, shapes and float32 elements,
// row by row. A slice that it hands out may be read-only memory that is shared;
// *checkpoint.Store is one.
type Weights interface {
	Names() []string
	// Shape is nil for a name that is not there.
	Shape(name string) []int
	Float32(name string) ([]float32, error)
}

var _ Weights = (*checkpoint.Store)(nil)

// Parameterized is a model whose parameters have names: the body or a head.
type Parameterized interface {
	spago.Model
	Visit(nn.Visitor)
	Config() *Config
}

// LoadOptions says how Load treats the parameters.
type LoadOptions struct {
	// Trainable copies every parameter and makes it require a gradient.
	// Otherwise parameters are adopted without copying and must not be written.
	Trainable bool
	// Fresh lets parameters that the weights lack start anew, as when a head is
	// put on a bare body; Seed makes that repeatable.
	Fresh bool
	Seed  uint64
}

// LoadReport says what did not match between a model and its weights.
type LoadReport struct {
	// Missing are the model's parameters that the weights lack; with Fresh they
	// were initialised.
	Missing []string
	// Unexpected are the names in the weights that the model has no use for.
	Unexpected []string
	// Mismatched are the parameters whose shapes differ.
	Mismatched []Mismatch
}

// Mismatch is a parameter whose shape differs in the model and in the weights.
type Mismatch struct {
	Name        string
	Model, File []int
}

// String lists everything that did not match, or says that everything did.
func (r *LoadReport) String() string {
	var b strings.Builder
	for _, m := range r.Mismatched {
		fmt.Fprintf(&b, "mismatched: %s is %v in the weights and %v by the configuration\n", m.Name, m.File, m.Model)
	}
	for _, n := range r.Missing {
		fmt.Fprintf(&b, "missing: %s\n", n)
	}
	for _, n := range r.Unexpected {
		fmt.Fprintf(&b, "unexpected: %s\n", n)
	}
	if b.Len() == 0 {
		return "every parameter matched\n"
	}
	return b.String()
}

// prefixes are what wrappers put before the names: a head calls the body
// "vle.", the reference's fine-tuning wraps the model in a Lightning module.
var prefixes = []string{"", "vle.", "model.", "model.vle."}

// find returns the name under which w holds the model's parameter name.
func find(w Weights, name string) (string, []int) {
	bare := strings.TrimPrefix(name, "vle.")
	if s := w.Shape(name); s != nil {
		return name, s
	}
	for _, p := range prefixes {
		if s := w.Shape(p + name); s != nil {
			return p + name, s
		}
		if bare != name {
			if s := w.Shape(p + bare); s != nil {
				return p + bare, s
			}
		}
	}
	return "", nil
}

// Load sets m's parameters from w. Weights of the bare body fit a head and the
// other way round. The report lists what did not match; it is an error when a
// shape differs, or when a parameter is missing and opts.Fresh is false.
func Load(m Parameterized, w Weights, opts LoadOptions) (*LoadReport, error) {
	rep := &LoadReport{}
	used := map[string]bool{}
	var tied map[string]string
	t, ties := m.(interface {
		tied() map[string]string
		tie()
	})
	if ties {
		tied = t.tied()
	}
	var failed error
	var fresh []freshParam
	m.Visit(func(name string, shape []int, p **spago.Param) {
		if failed != nil {
			return
		}
		at, have := find(w, name)
		if other, ok := tied[name]; ok && at == "" {
			at, have = find(w, other)
		}
		if at == "" {
			rep.Missing = append(rep.Missing, name)
			fresh = append(fresh, freshParam{name, shape, p})
			return
		}
		used[at] = true
		if !sameShape(shape, have) {
			rep.Mismatched = append(rep.Mismatched, Mismatch{name, shape, have})
			return
		}
		data, err := w.Float32(at)
		if err != nil {
			failed = err
			return
		}
		if opts.Trainable {
			data = append(make([]float32, 0, len(data)), data...)
		}
		*p = newParam(shape, data, opts.Trainable)
	})
	if failed != nil {
		return rep, failed
	}
	for _, n := range w.Names() {
		if !used[n] && !strings.HasSuffix(n, "position_ids") {
			rep.Unexpected = append(rep.Unexpected, n)
		}
	}
	sort.Strings(rep.Unexpected)
	if len(rep.Mismatched) > 0 {
		x := rep.Mismatched[0]
		return rep, fmt.Errorf("vle: %d parameters have other shapes than config.json says, first %s: %v in the weights, %v by the configuration", len(rep.Mismatched), x.Name, x.File, x.Model)
	}
	if len(fresh) > 0 && !opts.Fresh {
		return rep, fmt.Errorf("vle: the weights lack %d of the model's parameters, first %s: is this a checkpoint of another head?", len(fresh), fresh[0].name)
	}
	for _, f := range fresh {
		f.init(m.Config(), opts.Seed, opts.Trainable)
	}
	if ties {
		t.tie()
	}
	return rep, nil
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// newParam adopts data as a parameter of the reference's shape, kept as a
// matrix with the first dimension as rows.
func newParam(shape []int, data []float32, trainable bool) *spago.Param {
	rows, cols := shape[0], len(data)/shape[0]
	if !trainable {
		return &spago.Param{Matrix: nn.Dense(rows, cols, data)}
	}
	p := &spago.Param{Matrix: nn.NewWeight(rows, cols, data)}
	p.SetRequiresGrad(true)
	return p
}

// openWeights reads the configuration of a model folder and opens its weights.
func openWeights(dir string) (*Config, *checkpoint.Store, error) {
	cfg, err := ReadConfig(dir)
	if err != nil {
		return nil, nil, err
	}
	store, err := checkpoint.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	return cfg, store, nil
}
