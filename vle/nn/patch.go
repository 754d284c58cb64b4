package nn

import (
	"github.com/nlpodyssey/spago/mat"

	"govle/vle/blas/vec"
)

// Patches cuts pixels [images × channels × height × width] into squares of
// size pixels a side and returns them as [images·rows·cols × channels·size²],
// image by image, row by row, each in the order of a convolution's weight.
// Pixels beyond the last whole square are left out.
func Patches(r *Run, pixels []float32, images, channels, height, width, size int) mat.Tensor {
	rows, cols := height/size, width/size
	n := channels * size * size
	t, y := r.buffer(images*rows*cols, n)
	at := 0
	for b := range images {
		for pr := range rows {
			for pc := range cols {
				for c := range channels {
					for i := range size {
						src := ((b*channels+c)*height+pr*size+i)*width + pc*size
						at += copy(y[at:at+size], pixels[src:src+size])
					}
				}
			}
		}
	}
	return t
}

// Positioned is the operator that puts a class embedding before the patches of
// each image and adds position embeddings: X [images·p × n], Class n elements,
// Position [p+1 × n], result [images·(p+1) × n].
type Positioned struct {
	X, Class, Position mat.Tensor
}

var _ Operator = (*Positioned)(nil)

// Position puts class before the patches x of each image and adds positions.
func Position(r *Run, x, class, positions mat.Tensor) mat.Tensor {
	return r.Do(&Positioned{X: x, Class: class, Position: positions})
}

// Operands returns X, Class and Position.
func (o *Positioned) Operands() []mat.Tensor { return []mat.Tensor{o.X, o.Class, o.Position} }

func (o *Positioned) check() error {
	rows, n := rowsCols(o.X)
	tokens, pn := rowsCols(o.Position)
	if n != pn || n != o.Class.Size() || tokens < 2 || rows%(tokens-1) != 0 {
		return shapeError("Positioned", "patches %d×%d, class of %d elements, positions %d×%d", rows, n, o.Class.Size(), tokens, pn)
	}
	return nil
}

// Forward assembles the tokens.
func (o *Positioned) Forward() (mat.Tensor, error) { return forward(o) }

func (o *Positioned) eval(r *Run) mat.Tensor {
	rows, n := rowsCols(o.X)
	tokens, _ := rowsCols(o.Position)
	images := rows / (tokens - 1)
	x, pos := Floats(o.X), Floats(o.Position)
	t, y := r.buffer(images*tokens, n)
	for b := range images {
		out := y[b*tokens*n : (b+1)*tokens*n]
		copy(out, Floats(o.Class))
		copy(out[n:], x[b*(tokens-1)*n:(b+1)*(tokens-1)*n])
		for i, v := range pos {
			out[i] += v
		}
	}
	return t
}

// Backward adds the gradients of X, Class and Position.
func (o *Positioned) Backward(gy mat.Tensor) error { return backward(o, gy) }

func (o *Positioned) back(r *Run, g []float32) {
	rows, n := rowsCols(o.X)
	tokens, _ := rowsCols(o.Position)
	each := func(f func(b int, in []float32)) {
		for b := range rows / (tokens - 1) {
			f(b, g[b*tokens*n:(b+1)*tokens*n])
		}
	}
	if s := r.sink(o.X); s.data != nil {
		d := s.overwrite()
		each(func(b int, in []float32) { copy(d[b*(tokens-1)*n:], in[n:]) })
		s.done()
	}
	if s := r.sink(o.Class); s.data != nil {
		d := s.sum()
		each(func(_ int, in []float32) { vec.Add(d, in[:n]) })
		s.done()
	}
	if s := r.sink(o.Position); s.data != nil {
		d := s.sum()
		each(func(_ int, in []float32) { vec.Add(d, in) })
		s.done()
	}
}
