package imageproc

import (
	"errors"
	"fmt"
	"image"
	"runtime"
	"sync"
	"sync/atomic"

	"govle/vle/imageproc/internal/resample"
)

// Size is a picture size as configurations write it: either the length of the
// shortest edge, the other edge following in proportion, or both edges.
type Size struct {
	ShortestEdge  int // zero when Width and Height count
	Width, Height int
}

// Processor turns pictures into the model's input as the reference's
// CLIPImageProcessor does. The fields are those of preprocessor_config.json; make
// one with [Load] or [New]. It may be used by several goroutines at once while
// nobody changes its fields.
type Processor struct {
	DoResize      bool
	Size          Size   // after scaling
	Resample      Filter // used for scaling
	DoCenterCrop  bool
	CropSize      Size // Width and Height; the model's input
	DoRescale     bool
	RescaleFactor float64
	DoNormalize   bool
	Mean, Std     [3]float64 // per channel, after rescaling
	// DoConvertRGB is kept for writing the configuration back; pictures are always
	// read as RGB, because the model takes nothing else.
	DoConvertRGB bool
}

// New returns a processor with CLIP's settings for square inputs of size×size.
func New(size int) *Processor {
	return &Processor{
		DoResize: true, Size: Size{ShortestEdge: size}, Resample: Bicubic,
		DoCenterCrop: true, CropSize: Size{Width: size, Height: size},
		DoRescale: true, RescaleFactor: 1.0 / 255,
		DoNormalize: true,
		Mean:        [3]float64{0.48145466, 0.4578275, 0.40821073},
		Std:         [3]float64{0.26862954, 0.26130258, 0.27577711},

		DoConvertRGB: true,
	}
}

// maxOutput bounds the model's input where no crop bounds it: 64 M pixels, 768 MB.
const maxOutput = 1 << 26

// Process prepares one picture. The result's Data are float32 [3 × H × W], equal
// to the reference's bit for bit. The picture must have at least one pixel; a
// picture that becomes too large because nothing is cropped is an error.
func (p *Processor) Process(img image.Image) (*Pixels, error) {
	g, err := p.geometry(img)
	if err != nil {
		return nil, err
	}
	out := &Pixels{Data: make([]float32, 3*g.Height*g.Width), C: 3, H: g.Height, W: g.Width, Geometry: g}
	p.normalise(out.Data, p.window(ToRGB(img), g), g)
	return out, nil
}

// ProcessBatch prepares several pictures, in parallel, into one block. Without
// centre crop they must come out at one size.
func (p *Processor) ProcessBatch(imgs []image.Image) (*Batch, error) {
	if len(imgs) == 0 {
		return nil, errors.New("preparing pictures: the batch is empty")
	}
	b := &Batch{N: len(imgs), C: 3, Geometry: make([]Geometry, len(imgs))}
	for i, img := range imgs {
		g, err := p.geometry(img)
		if err != nil {
			return nil, fmt.Errorf("picture %d of %d: %w", i+1, len(imgs), err)
		}
		b.Geometry[i] = g
		if i == 0 {
			b.W, b.H = g.Width, g.Height
		} else if g.Width != b.W || g.Height != b.H {
			return nil, fmt.Errorf("picture %d of %d becomes %dx%d where the first became %dx%d: pictures of one batch need one size, set do_center_crop",
				i+1, len(imgs), g.Width, g.Height, b.W, b.H)
		}
	}
	n := 3 * b.H * b.W
	b.Data = make([]float32, b.N*n)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(len(imgs), runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(imgs) {
					return
				}
				g := b.Geometry[i]
				p.normalise(b.Data[i*n:(i+1)*n], p.window(ToRGB(imgs[i]), g), g)
			}
		})
	}
	wait.Wait()
	return b, nil
}

// Uint8 prepares one picture up to and without rescaling: what the model will see,
// as a picture.
func (p *Processor) Uint8(img image.Image) (*RGB, Geometry, error) {
	g, err := p.geometry(img)
	if err != nil {
		return nil, g, err
	}
	return &RGB{Pix: p.window(ToRGB(img), g), Width: g.Width, Height: g.Height}, g, nil
}

// geometry works out the sizes for a picture.
func (p *Processor) geometry(img image.Image) (Geometry, error) {
	if img == nil {
		return Geometry{}, errors.New("preparing a picture: there is none (nil image)")
	}
	b := img.Bounds()
	return p.Geometry(b.Dx(), b.Dy())
}

// Geometry says how a picture of that size will be scaled and cropped.
func (p *Processor) Geometry(width, height int) (Geometry, error) {
	if width <= 0 || height <= 0 {
		return Geometry{}, fmt.Errorf("preparing a picture of %dx%d pixels: there is nothing to see", width, height)
	}
	if err := p.Validate(); err != nil {
		return Geometry{}, fmt.Errorf("preparing a picture: %w", err)
	}
	g := Geometry{SourceW: width, SourceH: height, ResizedW: width, ResizedH: height}
	if p.DoResize {
		switch edge := p.Size.ShortestEdge; {
		case edge == 0:
			g.ResizedW, g.ResizedH = p.Size.Width, p.Size.Height
		case width <= height:
			g.ResizedW, g.ResizedH = edge, longEdge(edge, height, width)
		default:
			g.ResizedW, g.ResizedH = longEdge(edge, width, height), edge
		}
	}
	g.Width, g.Height = g.ResizedW, g.ResizedH
	if p.DoCenterCrop {
		g.Width, g.Height = p.CropSize.Width, p.CropSize.Height
		g.Left = floorHalf(g.ResizedW - g.Width)
		g.Top = floorHalf(g.ResizedH - g.Height)
	}
	if g.Width > maxOutput/g.Height {
		return g, fmt.Errorf("a picture of %dx%d becomes an input of %dx%d, more than %d pixels: set do_center_crop or scale the picture first",
			width, height, g.Width, g.Height, maxOutput)
	}
	return g, nil
}

// longEdge is the other edge's new length, truncated as the reference truncates.
func longEdge(newShort, long, short int) int {
	return int(float64(newShort*long) / float64(short))
}

func floorHalf(n int) int { return n >> 1 }

// window scales src and cuts the model's input out of it, with black where the
// crop reaches outside. Only what the window needs is computed. [H*W*3] bytes.
func (p *Processor) window(src *RGB, g Geometry) []uint8 {
	x0, x1 := max(g.Left, 0), min(g.Left+g.Width, g.ResizedW)
	y0, y1 := max(g.Top, 0), min(g.Top+g.Height, g.ResizedH)
	part := resample.Run(resample.Job{
		Filter: p.Resample, Channels: 3, Src: src.Pix, SrcW: src.Width, SrcH: src.Height,
		OutW: g.ResizedW, OutH: g.ResizedH, X0: x0, Y0: y0, X1: x1, Y1: y1,
	})
	if x1-x0 == g.Width && y1-y0 == g.Height {
		return part
	}
	whole := make([]uint8, 3*g.Width*g.Height)
	n := 3 * (x1 - x0)
	for y := y0; y < y1; y++ {
		copy(whole[3*((y-g.Top)*g.Width+x0-g.Left):], part[(y-y0)*n:(y-y0+1)*n])
	}
	return whole
}

// normalise writes pix, [H*W*3] bytes, to dst, [3*H*W]. There are only 256 values a
// channel, so each is computed once, in the reference's order and precision:
// value·factor in float64 rounded to float32, then (x − mean) / std in float32.
func (p *Processor) normalise(dst []float32, pix []uint8, g Geometry) {
	var table [3][256]float32
	for c := range table {
		mean, std := float32(p.Mean[c]), float32(p.Std[c])
		for v := range table[c] {
			x := float32(v)
			if p.DoRescale {
				x = float32(float64(v) * p.RescaleFactor)
			}
			if p.DoNormalize {
				x = float32(x-mean) / std
			}
			table[c][v] = x
		}
	}
	n := g.Height * g.Width
	r, gr, b := dst[:n], dst[n:2*n], dst[2*n:3*n]
	pix = pix[:3*n]
	for i := range n {
		px := pix[3*i : 3*i+3 : 3*i+3]
		r[i], gr[i], b[i] = table[0][px[0]], table[1][px[1]], table[2][px[2]]
	}
}
