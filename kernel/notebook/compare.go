package notebook

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	_ "image/gif"  // pictures in outputs
	_ "image/jpeg" // pictures in outputs
	_ "image/png"  // pictures in outputs
	"math"
	"regexp"
	"strconv"
	"strings"
)

// compareText says where two texts differ, or "" when they agree but for what
// opts lets pass. Pictures inside HTML, as data URIs, are compared as pictures.
func compareText(a, b string, opts CompareOptions) string {
	if a == b {
		return ""
	}
	a, b = StripANSI(a), StripANSI(b)
	pa, pb := dataURI.FindAllStringSubmatch(a, -1), dataURI.FindAllStringSubmatch(b, -1)
	if len(pa) != len(pb) {
		return fmt.Sprintf("holds %d pictures, held %d", len(pb), len(pa))
	}
	for i := range pa {
		if d := comparePictures(pa[i][1], pb[i][1], opts); d != "" {
			return fmt.Sprintf("picture %d: %s", i+1, d)
		}
	}
	a, b = masked(dataURI.ReplaceAllString(a, "data:"), opts), masked(dataURI.ReplaceAllString(b, "data:"), opts)
	if a == b {
		return ""
	}
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(as), len(bs)) {
		switch {
		case i >= len(as):
			return fmt.Sprintf("line %d is new: %s", i+1, quoteLine(bs[i]))
		case i >= len(bs):
			return fmt.Sprintf("line %d is missing: %s", i+1, quoteLine(as[i]))
		case !sameLine(as[i], bs[i], opts.Numbers):
			x, y := around(as[i], bs[i])
			return fmt.Sprintf("line %d was %s, now %s", i+1, quoteLine(x), quoteLine(y))
		}
	}
	return ""
}

var dataURI = regexp.MustCompile(`data:image/(?:png|jpeg|gif);base64,([A-Za-z0-9+/=\s]+)`)

// masked puts a mark in place of what may differ.
func masked(s string, opts CompareOptions) string {
	for _, re := range opts.Ignore {
		s = re.ReplaceAllString(s, "▒")
	}
	if !opts.Strict {
		for _, re := range DefaultIgnore {
			s = re.ReplaceAllString(s, "▒")
		}
	}
	return s
}

var number = regexp.MustCompile(`[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?`)

// sameLine compares two lines, numbers in them with a relative tolerance.
func sameLine(a, b string, tolerance float64) bool {
	if a == b {
		return true
	}
	if tolerance <= 0 || number.ReplaceAllString(a, "0") != number.ReplaceAllString(b, "0") {
		return false
	}
	xs, ys := number.FindAllString(a, -1), number.FindAllString(b, -1)
	for i := range xs {
		x, err1 := strconv.ParseFloat(xs[i], 64)
		y, err2 := strconv.ParseFloat(ys[i], 64)
		if err1 != nil || err2 != nil || math.Abs(x-y) > tolerance*math.Max(math.Abs(x), math.Abs(y)) {
			return false
		}
	}
	return true
}

// around cuts two long lines down to where they begin to differ.
func around(a, b string) (string, string) {
	x, y := []rune(a), []rune(b)
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	if i < 40 {
		return a, b
	}
	return "…" + string(x[i-20:]), "…" + string(y[i-20:])
}

func quoteLine(s string) string {
	if r := []rune(s); len(r) > 100 {
		s = string(r[:99]) + "…"
	}
	return strconv.Quote(s)
}

// comparePictures says how two base64 pictures differ in their pixels, or "".
// Pictures that cannot be decoded must be the same bytes.
func comparePictures(a, b string, opts CompareOptions) string {
	p, err1 := decodePicture(a)
	q, err2 := decodePicture(b)
	if err1 != nil || err2 != nil {
		if strings.Join(strings.Fields(a), "") == strings.Join(strings.Fields(b), "") {
			return ""
		}
		return "the bytes differ, and they are no picture that can be compared"
	}
	if p.Bounds().Size() != q.Bounds().Size() {
		return fmt.Sprintf("the picture was %v, now %v pixels", p.Bounds().Size(), q.Bounds().Size())
	}
	size := p.Bounds().Size()
	off, worst := 0, 0
	for y := range size.Y {
		for x := range size.X {
			r1, g1, b1, a1 := p.At(p.Bounds().Min.X+x, p.Bounds().Min.Y+y).RGBA()
			r2, g2, b2, a2 := q.At(q.Bounds().Min.X+x, q.Bounds().Min.Y+y).RGBA()
			d := max(apart(r1, r2), apart(g1, g2), apart(b1, b2), apart(a1, a2))
			worst = max(worst, d)
			if d > opts.Pixels {
				off++
			}
		}
	}
	if share := float64(off) / float64(max(size.X*size.Y, 1)); share > opts.PixelShare {
		return fmt.Sprintf("%.3g %% of the pixels differ, by up to %d of 255", 100*share, worst)
	}
	return ""
}

// apart is the distance of two 16-bit channels in steps of 8 bits.
func apart(a, b uint32) int {
	return int(math.Abs(float64(a>>8) - float64(b>>8)))
}

// maxPixels bounds the pictures that are decoded for comparison.
const maxPixels = 1 << 26

func decodePicture(b64 string) (image.Image, error) {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(b64), ""))
	if err != nil {
		return nil, err
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
		return nil, fmt.Errorf("a picture of %d×%d pixels is too large to compare", config.Width, config.Height)
	}
	img, _, err := image.Decode(bytes.NewReader(b))
	return img, err
}
