package train

import (
	"fmt"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/nn"
)

// Joint is one body with several heads, for pre-training on several objectives
// at once.
type Joint struct {
	spago.Module
	Heads []vle.Parameterized
}

var _ vle.Parameterized = (*Joint)(nil)

// NewJoint puts the heads, each of which has its values, on the body of the first:
// the bodies of the others are dropped. They must be of one configuration.
func NewJoint(heads ...vle.Parameterized) (*Joint, error) {
	if len(heads) == 0 {
		return nil, fmt.Errorf("train: a joint model without heads")
	}
	first, err := bodyOf(heads[0])
	if err != nil {
		return nil, err
	}
	for i, h := range heads {
		b, err := bodyOf(h)
		if err != nil {
			return nil, err
		}
		if i > 0 && !sameShapes(*first, *b) {
			return nil, fmt.Errorf("train: heads 0 (%T) and %d (%T) have bodies of different configurations", heads[0], i, h)
		}
		*b = *first
		tie(h)
	}
	return &Joint{Heads: heads}, nil
}

// bodyOf returns where a model keeps its body.
func bodyOf(m vle.Parameterized) (**vle.Model, error) {
	switch m := m.(type) {
	case *vle.VQA:
		return &m.Body, nil
	case *vle.VCR:
		return &m.Body, nil
	case *vle.ITM:
		return &m.Body, nil
	case *vle.PBC:
		return &m.Body, nil
	case *vle.MLM:
		return &m.Body, nil
	case *MPCModel:
		return &m.Body, nil
	}
	return nil, fmt.Errorf("train: %T is no model with one head", m)
}

// tie makes an MLM decoder share the word embedding of its body.
func tie(m vle.Parameterized) {
	if h, ok := m.(*vle.MLM); ok {
		h.Decoder.W = h.Body.Text.Words.W
	}
}

func sameShapes(a, b *vle.Model) bool {
	shapes := func(m *vle.Model) string {
		s := ""
		m.Visit(func(name string, shape []int, _ **spago.Param) { s += fmt.Sprint(name, shape) })
		return s
	}
	return shapes(a) == shapes(b)
}

// Parts returns the heads, for vle.Save.
func (j *Joint) Parts() []vle.Parameterized { return j.Heads }

// parts lists a model's heads.
func parts(m vle.Parameterized) []vle.Parameterized {
	if j, ok := m.(*Joint); ok {
		return j.Heads
	}
	return []vle.Parameterized{m}
}

// Visit calls v for each parameter once for each of its names.
func (j *Joint) Visit(v nn.Visitor) {
	seen := map[string]bool{}
	for _, h := range j.Heads {
		h.Visit(func(name string, shape []int, p **spago.Param) {
			if !seen[name] {
				seen[name] = true
				v(name, shape, p)
			}
		})
	}
}

// Config returns the configuration of the first head. It must not be changed.
func (j *Joint) Config() *vle.Config { return j.Heads[0].Config() }

// empty returns a model of m's kind and shape without parameters.
func empty(m vle.Parameterized) (vle.Parameterized, error) {
	switch m := m.(type) {
	case *vle.VQA:
		return vle.NewVQA(m.Config())
	case *vle.VCR:
		return vle.NewVCR(m.Config(), m.Task)
	case *vle.ITM:
		return vle.NewITM(m.Config())
	case *vle.PBC:
		return vle.NewPBC(m.Config())
	case *vle.MLM:
		return vle.NewMLM(m.Config())
	case *MPCModel:
		return NewMPCModel(m.Config(), m.classes)
	case *Joint:
		j := &Joint{}
		for i, h := range m.Heads {
			e, err := empty(h)
			if err != nil {
				return nil, err
			}
			if i > 0 {
				first, _ := bodyOf(j.Heads[0])
				b, _ := bodyOf(e)
				*b = *first
			}
			j.Heads = append(j.Heads, e)
		}
		return j, nil
	}
	return nil, fmt.Errorf("train: %T is no model that can be trained: give one with a head", m)
}

// replica returns a model over the same memory whose gradients are its own, and
// its parameters in the order of params.
func replica(m vle.Parameterized, params []*Parameter) (vle.Parameterized, []*spago.Param, error) {
	c, err := empty(m)
	if err != nil {
		return nil, nil, err
	}
	frozen := map[string]bool{}
	for _, p := range params {
		frozen[p.Name] = p.Frozen
	}
	shared := map[*spago.Param]*spago.Param{}
	var originals []*spago.Param
	m.Visit(func(name string, _ []int, p **spago.Param) {
		originals = append(originals, *p)
		if shared[*p] == nil {
			shared[*p] = share(*p, frozen[name])
		}
	})
	i := 0
	c.Visit(func(_ string, _ []int, p **spago.Param) {
		*p = shared[originals[i]]
		i++
	})
	var own []*spago.Param
	visitOnce(c, func(_ string, _ []int, p *spago.Param) { own = append(own, p) })
	return c, own, nil
}
