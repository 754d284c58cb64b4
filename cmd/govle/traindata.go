package main

import (
	"fmt"
	"image"
	"math/rand/v2"
	"sort"
	"sync"

	"govle/datasets"
	"govle/vle"
	"govle/vle/imageproc"
	"govle/vle/tokenizer"
	"govle/vle/train"
)

// trainItem is one example before its picture is prepared.
type trainItem struct {
	picture datasets.Picture
	// make fills in what the objective reads, given where the picture lies in
	// the model's input.
	make func(e *train.Example, g imageproc.Geometry) error
}

// trainPart is one data set, for one objective. It has each examples for a picture,
// unless number says otherwise.
type trainPart struct {
	objective string
	p         *vle.Processor
	n         int // examples, Repeat not counted
	each      int
	numbers   []int // of each example's picture, nil for i/each
	repeat    int
	augment   bool
	item      func(i int, rng *rand.Rand) (*trainItem, error)
	cache     pictureCache
}

func (d *trainPart) Len() int { return d.n * d.repeat }

// Picture numbers the pictures; a repeated one is another, for it is augmented
// in another way.
func (d *trainPart) Picture(i int) int {
	again, i := i/d.n, i%d.n
	if d.numbers != nil {
		return again*d.n + d.numbers[i]
	}
	return again*d.n + i/d.each
}

// Example prepares example i. What it draws from rng decides about the picture
// alone, for that is the same for all examples of a picture.
func (d *trainPart) Example(i int, rng *rand.Rand) (*train.Example, error) {
	number := d.Picture(i)
	seed := rng.Uint64()
	i %= d.n
	it, err := d.item(i, rand.New(rand.NewPCG(seed, uint64(i))))
	if err != nil {
		return nil, err
	}
	e := &train.Example{ID: fmt.Sprintf("%s example %d on %s", d.objective, i, it.picture.Name), Only: d.objective}
	px, err := d.cache.get(number, seed, func() (*imageproc.Pixels, error) { return d.pixels(it.picture, seed) })
	if err == nil {
		e.Pixels = px.Data
		err = it.make(e, px.Geometry)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.ID, err)
	}
	return e, nil
}

func (d *trainPart) pixels(p datasets.Picture, seed uint64) (*imageproc.Pixels, error) {
	img, err := open(p)
	if err != nil {
		return nil, err
	}
	if d.augment {
		img = augment(img, rand.New(rand.NewPCG(seed, 0)))
	}
	return d.p.Images.Process(img)
}

// maxShift is how far augmentation moves a picture, as a fraction of its side.
const maxShift = 1.0 / 16

// augment mirrors, turns and shifts a picture; what comes in at an edge is the
// edge's colour.
func augment(img image.Image, rng *rand.Rand) image.Image {
	src := imageproc.ToRGB(img)
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	flipX, flipY, turn := rng.IntN(2) == 0, rng.IntN(2) == 0, rng.IntN(2) == 0 && w == h
	shift := func(n int) int { s := int(maxShift * float64(n)); return rng.IntN(2*s+1) - s }
	dx, dy := shift(w), shift(h)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			sx, sy := min(max(x+dx, 0), w-1), min(max(y+dy, 0), h-1)
			if flipX {
				sx = w - 1 - sx
			}
			if flipY {
				sy = h - 1 - sy
			}
			if turn {
				sx, sy = sy, sx
			}
			out.Set(x, y, src.At(b.Min.X+sx, b.Min.Y+sy))
		}
	}
	return out
}

// pictureCache keeps the last pictures, for neighbouring examples show the same
// one.
type pictureCache struct {
	mu   sync.Mutex
	last [256]struct {
		number int
		seed   uint64
		px     *imageproc.Pixels
	}
}

func (c *pictureCache) get(number int, seed uint64, prepare func() (*imageproc.Pixels, error)) (*imageproc.Pixels, error) {
	slot := &c.last[number%len(c.last)]
	c.mu.Lock()
	px, ok := slot.px, slot.px != nil && slot.number == number && slot.seed == seed
	c.mu.Unlock()
	if ok {
		return px, nil
	}
	px, err := prepare()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	slot.number, slot.seed, slot.px = number, seed, px
	c.mu.Unlock()
	return px, nil
}

// trainMix is several data sets one after the other.
type trainMix struct {
	parts []*trainPart
	ends  []int // examples up to each part's end
}

func newTrainMix(parts []*trainPart) *trainMix {
	m := &trainMix{parts: parts}
	n := 0
	for _, p := range parts {
		n += p.Len()
		m.ends = append(m.ends, n)
	}
	return m
}

func (m *trainMix) Len() int { return m.ends[len(m.ends)-1] }

// find returns the part that has example i, where it starts, and its number
// there.
func (m *trainMix) find(i int) (p *trainPart, start, at int) {
	k := sort.SearchInts(m.ends, i+1)
	if k > 0 {
		start = m.ends[k-1]
	}
	return m.parts[k], start, i - start
}

func (m *trainMix) Picture(i int) int {
	p, start, at := m.find(i)
	return start + p.Picture(at)
}

func (m *trainMix) Example(i int, rng *rand.Rand) (*train.Example, error) {
	p, _, at := m.find(i)
	return p.Example(at, rng)
}

// openPart opens one data set of a run.
func openPart(d dataSpec, c train.DataConfig, m vle.Parameterized, p *vle.Processor, vocab *datasets.Vocab) (*trainPart, error) {
	part := &trainPart{objective: c.Objective, p: p, repeat: max(1, c.Repeat), augment: c.Augment}
	var err error
	switch c.Objective {
	case "vqa":
		err = part.questions(d, vocab)
	case "itm", "mlm", "pbc":
		err = part.captions(d, m.Config().Vision.PatchSize)
	case "vcr_q2a", "vcr_qa2r":
		err = part.choices(d, m.Config())
	default:
		err = fmt.Errorf("govle train has no data for the objective %q: train it from Go with package train", c.Objective)
	}
	if err == nil && part.n == 0 {
		err = fmt.Errorf("%s is empty", d)
	}
	return part, err
}

func (d *trainPart) encode(text string) (train.Text, error) {
	enc, err := d.p.Tokenizer.Encode(text, tokenizer.Options{})
	if err != nil {
		return train.Text{}, err
	}
	return train.Text{IDs: enc.IDs}, nil
}

func (d *trainPart) questions(spec dataSpec, vocab *datasets.Vocab) error {
	src, err := spec.questions()
	if err != nil {
		return err
	}
	d.n = src.Len()
	// Generated questions are numbered so; the others' pictures go by name.
	switch spec.Kind {
	case "scenes":
		d.each = src.Len() / spec.Limit
	default:
		number := map[string]int{}
		for q, err := range datasets.All(src) {
			if err != nil {
				return err
			}
			if _, ok := number[q.Picture.Name]; !ok {
				number[q.Picture.Name] = len(number)
			}
			d.numbers = append(d.numbers, number[q.Picture.Name])
		}
	}
	d.item = func(i int, _ *rand.Rand) (*trainItem, error) {
		q, err := src.At(i)
		if err != nil {
			return nil, err
		}
		return &trainItem{q.Picture, func(e *train.Example, _ imageproc.Geometry) (err error) {
			if e.Text, err = d.encode(q.Text); err != nil {
				return err
			}
			e.Labels, e.Scores, err = vocab.Targets(q)
			if e.Labels == nil {
				e.Labels = []int{} // every answer is wrong
			}
			return err
		}}, nil
	}
	return nil
}

// captions makes two examples of a caption for ITM, the caption and a false one, or for
// PBC, each a phrase; and for MLM one.
func (d *trainPart) captions(spec dataSpec, patch int) error {
	src, err := spec.captions()
	if err != nil {
		return err
	}
	d.each = 2
	if d.objective == "mlm" {
		d.each = 1
	}
	d.n = src.Len() * d.each
	d.item = func(i int, rng *rand.Rand) (*trainItem, error) {
		c, err := src.At(i / d.each)
		if err != nil {
			return nil, err
		}
		return &trainItem{c.Picture, func(e *train.Example, g imageproc.Geometry) (err error) {
			text := c.Text
			switch d.objective {
			case "itm":
				if i%d.each == 1 && len(c.Negatives) > 0 {
					text, e.Mismatch = c.Negatives[rng.IntN(len(c.Negatives))], true
				}
			case "pbc":
				if len(c.Regions) == 0 {
					return fmt.Errorf("the caption has no regions, which the objective pbc needs")
				}
				r := c.Regions[(i%d.each)*max(1, len(c.Regions)/2)%len(c.Regions)]
				text, e.Inside = r.Phrase, patchesOf(g, patch, r.Boxes)
			}
			e.Text, err = d.encode(text)
			return err
		}}, nil
	}
	return nil
}

func (d *trainPart) choices(spec dataSpec, cfg *vle.Config) error {
	src, err := spec.choices()
	if err != nil {
		return err
	}
	task := vle.Q2A
	if d.objective == "vcr_qa2r" {
		task = vle.QA2R
	}
	model, err := vle.NewVCR(cfg, task)
	if err != nil {
		return err
	}
	pipe := &vle.VCRPipeline{Model: model, Processor: d.p} // for its inputs
	d.n, d.each = src.Len(), 1
	d.item = func(i int, _ *rand.Rand) (*trainItem, error) {
		c, err := src.At(i)
		if err != nil {
			return nil, err
		}
		return &trainItem{c.Picture, func(e *train.Example, g imageproc.Geometry) error {
			batches, err := pipe.Inputs(vcrQuestion(c), c.Answer, g)
			if err != nil {
				return err
			}
			e.Right = c.Answer
			if task == vle.QA2R {
				e.Right = c.Rationale
			}
			for _, b := range batches {
				e.Choices = append(e.Choices, train.Text{IDs: b.IDs[0], FusionTypes: b.TextTypes[0], Boxes: b.Boxes[0]})
			}
			return nil
		}}, nil
	}
	return nil
}
