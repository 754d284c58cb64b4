package vle

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"

	"gonum.org/v1/gonum/mat"

	"govle/vle/imageproc"
	"govle/vle/nn"
)

// PBCPipeline finds the patches of a picture that a text speaks of. It may be
// used by many goroutines at once.
type PBCPipeline struct {
	Model     *PBC
	Processor *Processor

	weights io.Closer
}

// OpenPBC opens a model folder, as [OpenVQA] does.
func OpenPBC(dir string) (*PBCPipeline, error) {
	m, p, w, err := openPipeline(dir, NewPBC)
	if err != nil {
		return nil, err
	}
	return &PBCPipeline{Model: m, Processor: p, weights: w}, nil
}

// Close gives the weights back. The pipeline must not be used any more.
func (p *PBCPipeline) Close() error { return closeWeights(p.weights) }

// PatchScores are the scores of a picture's patches for a text, row by row from
// the top left. In a notebook they show as the painted picture.
type PatchScores struct {
	Text string
	// Grid is the number of patches along a side.
	Grid int
	// Inside is the probability of each patch by itself that the text speaks of
	// it.
	Inside []float64
	// Focus compares the patches: the softmax over all of them. It sums to 1
	// and is what the reference paints.
	Focus []float64
	// Logits are those of "outside" and "inside" of each patch.
	Logits [][2]float64
	// Picture is the picture, and Geometry says which part of it the patches
	// cover.
	Picture  image.Image
	Geometry imageproc.Geometry
}

// EncodeImage encodes a picture once, for many calls: give Locate what it
// returns.
func (p *PBCPipeline) EncodeImage(img image.Image) (*EncodedImage, error) {
	return encodeImage(p.Model.Body, p.Processor, img)
}

// Locate scores the patches of img for a text.
func (p *PBCPipeline) Locate(img image.Image, text string) (*PatchScores, error) {
	all, err := p.LocateAll(img, []string{text})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// LocateAll scores the patches of one picture for many texts; the picture is
// encoded once.
func (p *PBCPipeline) LocateAll(img image.Image, texts []string) ([]*PatchScores, error) {
	b, _, err := p.Processor.textBatch("text", texts)
	if err != nil {
		return nil, err
	}
	e, err := p.EncodeImage(img)
	if err != nil {
		return nil, err
	}
	grid := p.Model.Config().Vision.Grid()
	n := grid * grid
	var out []*PatchScores
	err = onImage(e, b, func(part *Batch, from int) error {
		r := nn.NewRun()
		defer r.Close()
		y, err := p.Model.Forward(r, part)
		if err != nil {
			return err
		}
		logits := nn.Floats(y)
		for i := range part.IDs {
			s := newPatchScores(texts[from+i], grid, logits[2*n*i:2*n*(i+1)])
			s.Picture, s.Geometry = e.Image, e.Geometry
			out = append(out, s)
		}
		return nil
	})
	return out, err
}

func newPatchScores(text string, grid int, logits []float32) *PatchScores {
	s := &PatchScores{Text: text, Grid: grid}
	classes := append([]float32(nil), logits...)
	nn.Softmax(classes, 2)
	focus := make([]float32, grid*grid)
	for i := range focus {
		focus[i] = logits[2*i+1]
	}
	nn.Softmax(focus, len(focus))
	for i := range focus {
		s.Inside = append(s.Inside, float64(classes[2*i+1]))
		s.Focus = append(s.Focus, float64(focus[i]))
		s.Logits = append(s.Logits, [2]float64{float64(logits[2*i]), float64(logits[2*i+1])})
	}
	return s
}

// InsideMap returns Inside as a matrix, top row first.
func (s *PatchScores) InsideMap() *mat.Dense { return mat.NewDense(s.Grid, s.Grid, s.Inside) }

// FocusMap returns Focus as a matrix, top row first.
func (s *PatchScores) FocusMap() *mat.Dense { return mat.NewDense(s.Grid, s.Grid, s.Focus) }

// Best returns the number of the patch with the highest score.
func (s *PatchScores) Best() int {
	best := 0
	for i, f := range s.Focus {
		if f > s.Focus[best] {
			best = i
		}
	}
	return best
}

// Placement says where the patches lie on the picture when they are painted.
type Placement int

const (
	// Cropped puts each patch where the model saw it. What the processor
	// cropped away goes dark.
	Cropped Placement = iota
	// Stretched spreads the patches over the whole picture, as the reference
	// does although its processor crops the centre.
	Stretched
)

// The reference paints scores below 0.4 of the range black at an opacity of
// 0.7; from there to the best score black goes over to clear through grey.
const (
	paintFloor   = 0.4
	paintOpacity = 0.7 * 255
)

// Paint returns the picture with the patches that matter left clear and the
// others darkened, by Focus.
func (s *PatchScores) Paint(where Placement) *image.NRGBA {
	g := s.Geometry
	if where == Stretched {
		g = g.Stretched()
	}
	low, high := s.Focus[0], s.Focus[0]
	for _, f := range s.Focus {
		low, high = min(low, f), max(high, f)
	}
	// paint[i] is a patch's grey level and opacity, both out of 255.
	paint := make([][2]int, len(s.Focus)+1)
	for i, f := range s.Focus {
		m := 0.0
		if high > low {
			m = max((f-low)/(high-low)-paintFloor, 0) / (1 - paintFloor)
		}
		paint[i] = [2]int{int(255 * m), int(paintOpacity * (1 - m))}
	}
	unseen := len(s.Focus)
	paint[unseen] = [2]int{0, int(math.Floor(paintOpacity))}
	src := imageproc.ToRGB(s.Picture)
	out := image.NewNRGBA(image.Rect(0, 0, src.Width, src.Height))
	cols := s.patchOf(src.Width, g.Width, func(v float64) float64 { x, _ := g.ToInput(v, 0); return x })
	rows := s.patchOf(src.Height, g.Height, func(v float64) float64 { _, y := g.ToInput(0, v); return y })
	for y := range src.Height {
		for x := range src.Width {
			k := unseen
			if rows[y] >= 0 && cols[x] >= 0 {
				k = rows[y]*s.Grid + cols[x]
			}
			level, alpha := paint[k][0], paint[k][1]
			at := (y*src.Width + x)
			for c := range 3 {
				v := int(src.Pix[3*at+c])
				out.Pix[4*at+c] = uint8((v*(255-alpha) + level*alpha + 127) / 255)
			}
			out.Pix[4*at+3] = 255
		}
	}
	return out
}

// patchOf returns for each of n picture columns (or rows) the patch that it
// falls into, −1 for none.
func (s *PatchScores) patchOf(n, size int, toInput func(float64) float64) []int {
	out := make([]int, n)
	for i := range out {
		v := toInput(float64(i)+0.5) * float64(s.Grid) / float64(size)
		out[i] = int(v)
		if v < 0 || out[i] >= s.Grid {
			out[i] = -1
		}
	}
	return out
}

// String names the best patch.
func (s *PatchScores) String() string {
	b := s.Best()
	return fmt.Sprintf("%s: best patch in row %d, column %d of %d×%d (inside %.2f %%)",
		s.Text, b/s.Grid, b%s.Grid, s.Grid, s.Grid, 100*s.Inside[b])
}

// MIMEBundle returns the painted picture and the text.
func (s *PatchScores) MIMEBundle() map[string]any {
	m := map[string]any{"text/plain": s.String()}
	if s.Picture != nil {
		var b bytes.Buffer
		if png.Encode(&b, s.Paint(Cropped)) == nil {
			m["image/png"] = b.Bytes()
		}
	}
	return m
}
