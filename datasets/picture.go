package datasets

import (
	"bufio"
	"fmt"
	"image"
	_ "image/gif"  // read by Picture.Image
	_ "image/jpeg" // read by Picture.Image
	_ "image/png"  // read by Picture.Image
	"io"
	"os"
)

// Picture is a picture that is read or drawn only when it is asked for.
type Picture struct {
	// Name tells pictures of a data set apart.
	Name string
	// File is where it lies; empty for one that is drawn. A program with a decoder
	// of its own reads the file itself.
	File string
	draw func() (image.Image, error)
}

// FilePicture is the picture in a file, named as its path.
func FilePicture(path string) Picture { return Picture{Name: path, File: path} }

// DrawnPicture is a picture that draw makes. draw must give the same picture
// each time, and be safe to call from several goroutines at once.
func DrawnPicture(name string, draw func() (image.Image, error)) Picture {
	return Picture{Name: name, draw: draw}
}

// maxPixels bounds what a file can make Image allocate: 100 megapixels, more
// than any data set's picture.
const maxPixels = 100_000_000

// Image reads or draws the picture. Files may be PNG, JPEG or GIF. Errors name
// the file.
func (p Picture) Image() (image.Image, error) {
	if p.draw != nil {
		return p.draw()
	}
	if p.File == "" {
		return nil, fmt.Errorf("picture %q has neither a file nor a drawing; was the reader given a picture folder?", p.Name)
	}
	f, err := os.Open(p.File)
	if err != nil {
		return nil, fmt.Errorf("reading a picture: %w", err)
	}
	defer f.Close()
	cfg, kind, err := image.DecodeConfig(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("reading picture %s: %w", p.File, err)
	}
	if int64(cfg.Width)*int64(cfg.Height) > maxPixels {
		return nil, fmt.Errorf("reading picture %s: %d×%d pixels are more than %d", p.File, cfg.Width, cfg.Height, maxPixels)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("reading picture %s: %w", p.File, err)
	}
	img, _, err := image.Decode(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("reading %s picture %s: %w", kind, p.File, err)
	}
	return img, nil
}
