package train_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"govle/vle"
	"govle/vle/train"
)

// witness is VQA that remembers the batches.
type witness struct {
	train.VQA
	batches *[][]*train.Example
}

func (w witness) Prepare(c *vle.Config, batch []*train.Example, rng *rand.Rand) ([]*train.Example, error) {
	*w.batches = append(*w.batches, slices.Clone(batch))
	return w.VQA.Prepare(c, batch, rng)
}

// albums is data of questions about a few pictures, each example with pixels of
// its own that its random numbers decide.
type albums struct {
	train.Examples
	pictures int
}

func (d albums) Picture(i int) int { return i % d.pictures }

func (d albums) Example(i int, rng *rand.Rand) (*train.Example, error) {
	e := *d.Examples[i]
	e.Pixels = make([]float32, len(e.Pixels))
	for k := range e.Pixels {
		e.Pixels[k] = float32(rng.NormFloat64())
	}
	return &e, nil
}

// TestPerPicture: the examples of a picture come in groups, which share one
// memory, and an epoch has each example once.
func TestPerPicture(t *testing.T) {
	const n, pictures, each = 50, 7, 3 // pictures of 7 and 8 questions
	run := func(seed uint64) (ids []string) {
		var batches [][]*train.Example
		o := quiet()
		o.Objective, o.Batch, o.PerPicture, o.Epochs, o.Seed = witness{batches: &batches}, 20, each, 2, seed
		data := albums{squares(n, 4), pictures}
		tr := trainer(t, fresh(t, vle.NewVQA), data, o)
		if err := tr.Fit(context.Background()); err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for b, batch := range batches {
			memory := map[*float32]int{}
			contents := map[string]map[float32]bool{} // first pixels by picture
			for _, e := range batch {
				ids = append(ids, e.ID)
				seen[e.ID]++
				var i int
				fmt.Sscanf(e.ID, "square %d", &i)
				p := fmt.Sprint(i % pictures)
				memory[&e.Pixels[0]]++
				if contents[p] == nil {
					contents[p] = map[float32]bool{}
				}
				contents[p][e.Pixels[0]] = true
			}
			for _, c := range memory {
				if c > each {
					t.Errorf("batch %d: %d examples share pixels, at most %d should", b, c, each)
				}
			}
			if most := len(batch)/each + 8; len(memory) > most { // a group less than full a picture, one cut by the batch
				t.Errorf("batch %d: %d examples of %d encoded pictures", b, len(batch), len(memory))
			}
			for p, c := range contents {
				if len(c) != 1 {
					t.Errorf("batch %d: picture %s was augmented in %d ways", b, p, len(c))
				}
			}
		}
		for id, c := range seen {
			if c != 2 {
				t.Errorf("%s came %d times in two epochs", id, c)
			}
		}
		if len(seen) != n {
			t.Errorf("%d of %d examples were seen", len(seen), n)
		}
		return ids
	}
	first := run(1)
	if !reflect.DeepEqual(first, run(1)) {
		t.Error("one seed gave two orders")
	}
	if reflect.DeepEqual(first, run(2)) {
		t.Error("two seeds gave one order")
	}
	if reflect.DeepEqual(first[:n], first[n:]) {
		t.Error("two epochs have one order")
	}
}

// TestSharedPixels: examples that share their pixels have the loss and the gradient
// of examples with copies.
func TestSharedPixels(t *testing.T) {
	var got [2]train.Step
	for k, copies := range []bool{false, true} {
		data := squares(24, 8)
		for i := range data {
			data[i].Pixels = data[i/5*5].Pixels
			if copies {
				data[i].Pixels = slices.Clone(data[i].Pixels)
			}
		}
		o := quiet()
		o.Batch, o.Shards, o.NoDropout, o.Steps = 24, 3, true, 1
		tr := trainer(t, fresh(t, vle.NewVQA), data, o)
		if err := tr.Fit(context.Background()); err != nil {
			t.Fatal(err)
		}
		got[k] = tr.Last()
	}
	if a, b := got[0], got[1]; math.Abs(a.Loss-b.Loss) > 1e-5*b.Loss || math.Abs(a.GradNorm-b.GradNorm) > 1e-4*b.GradNorm {
		t.Errorf("shared: loss %g, gradient %g; copies: %g, %g", a.Loss, a.GradNorm, b.Loss, b.GradNorm)
	}
}

// plain hides what data knows of its pictures.
type plain struct{ train.Data }

func TestPerPictureRefused(t *testing.T) {
	o := quiet()
	o.PerPicture = 4
	if _, err := train.New(fresh(t, vle.NewVQA), plain{squares(8, 1)}, o); err == nil || !strings.Contains(err.Error(), "train.Pictured") {
		t.Errorf("error %v", err)
	}
	o.PerPicture = -1
	if _, err := train.New(fresh(t, vle.NewVQA), squares(8, 1), o); err == nil || !strings.Contains(err.Error(), "PerPicture") {
		t.Errorf("error %v", err)
	}
}
