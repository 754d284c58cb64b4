package train

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"

	"govle/vle"
)

// Text is a text as a model reads it.
type Text struct {
	// IDs are the token ids, special tokens included, without padding.
	IDs []int
	// TypeIDs are the tokenizer's token types, nil for all 0.
	TypeIDs []int
	// FusionTypes are the token types in the fusion (vle.Batch.TextTypes), nil
	// for all 0.
	FusionTypes []int
	// Boxes are the boxes that this text speaks of, where they are not the
	// example's. FusionTypes refer to them.
	Boxes [][]int
}

// Example is one item to learn from. Which fields are read is the objective's
// business: an example without an objective's targets is passed over by it.
type Example struct {
	// ID names the example in errors.
	ID string
	// Only is the name of the one objective that the example is for; empty for
	// each that finds its targets in it.
	Only string
	Text
	// Pixels is the prepared picture [channels × size × size].
	Pixels []float32
	// Boxes are objects as the numbers of the patches they cover, and BoxTypes
	// their token types, nil for 2, 3, ….
	Boxes    [][]int
	BoxTypes []int

	// Labels and Scores are the answers that count and how much (VQA). No label
	// at all, with Labels not nil, means that every answer is wrong.
	Labels []int
	Scores []float32

	// Mismatch says that the text does not belong to the picture (ITM).
	Mismatch bool

	// Choices are the texts to choose from and Right the number of the right one
	// (VCR).
	Choices []Text
	Right   int

	// Inside are the numbers of the patches that the text speaks of (PBC); nil
	// when that is not known.
	Inside []int

	// Objects are the classes of Boxes (MPC), -1 for an unknown one.
	Objects []int

	targets []target // what MLM and MPC have hidden
}

// isFor tells whether an objective may use the example.
func (e *Example) isFor(o Objective) bool { return e.Only == "" || e.Only == o.Name() }

// target is something hidden from the model: a token or a box, and its class.
type target struct{ at, class int }

// Data is what a model is trained on. Example is called from several goroutines
// at once and must return the same example for the same number and random
// numbers: rng is for augmentation, seeded anew for every example and epoch. The
// returned example is not kept and not changed.
type Data interface {
	Len() int
	Example(i int, rng *rand.Rand) (*Example, error)
}

// Examples is data in memory.
type Examples []*Example

var _ Data = (Examples)(nil)

// Len returns the number of examples.
func (d Examples) Len() int { return len(d) }

// Example returns example i.
func (d Examples) Example(i int, _ *rand.Rand) (*Example, error) { return d[i], nil }

// What random numbers are for; each use draws from a stream of its own.
const (
	forOrder uint64 = iota + 1
	forExample
	forObjective
	forDropout
	forEvaluation
)

// seedFor derives a seed from the run's and what it is for.
func seedFor(seed uint64, what ...uint64) uint64 {
	h := fnv.New64a()
	var b [8]byte
	for _, w := range append([]uint64{seed}, what...) {
		binary.LittleEndian.PutUint64(b[:], w)
		h.Write(b[:])
	}
	return h.Sum64()
}

func rngFor(seed uint64, what ...uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, seedFor(seed, what...)))
}

// batch lays examples out for a model, with their boxes if asked for. A picture
// whose pixels several examples share is in it once.
func batch(examples []*Example, text func(*Example) Text, boxes bool) *vle.Batch {
	b := &vle.Batch{}
	var types, fusion, boxTypes bool
	pictures := map[*float32]int{}
	for _, e := range examples {
		t := text(e)
		b.IDs = append(b.IDs, t.IDs)
		b.TypeIDs = append(b.TypeIDs, t.TypeIDs)
		types = types || t.TypeIDs != nil
		if boxes {
			b.TextTypes = append(b.TextTypes, t.FusionTypes)
			boxes, ofBoxes := e.Boxes, e.BoxTypes
			if t.Boxes != nil {
				boxes, ofBoxes = t.Boxes, nil
			}
			b.Boxes = append(b.Boxes, boxes)
			b.BoxTypes = append(b.BoxTypes, ofBoxes)
			fusion = fusion || len(boxes) > 0
			boxTypes = boxTypes || ofBoxes != nil
		}
		if len(e.Pixels) == 0 {
			continue // the model says how many pictures there are for the texts
		}
		n, ok := pictures[&e.Pixels[0]]
		if !ok {
			n = len(pictures)
			pictures[&e.Pixels[0]] = n
			b.Pixels = append(b.Pixels, e.Pixels...)
		}
		b.Images = append(b.Images, n)
	}
	if len(b.Images) < len(examples) || len(pictures) == len(examples) {
		b.Images = nil
	}
	if !types {
		b.TypeIDs = nil
	}
	if !fusion {
		b.Boxes, b.BoxTypes, b.TextTypes = nil, nil, nil
	} else if !boxTypes {
		b.BoxTypes = nil
	}
	return b
}

func ownText(e *Example) Text { return e.Text }
