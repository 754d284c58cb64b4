// Package captions reads lists of pictures with captions and, if there are any,
// the boxes of what phrases name: for image–text matching, masked words and
// patch boxes.
//
// Two forms are read. JSON lines, a picture a line (only image and caption must
// be there; boxes are left, top, right, bottom in pixels):
//
//	{"id": "7", "image": "cats/7.jpg", "caption": "a cat on a mat",
//	 "negatives": ["a dog on a mat"],
//	 "regions": [{"phrase": "a cat", "boxes": [[10, 20, 110, 90]]}]}
//
// And, for a file that ends in .tsv, lines of two or three columns between
// tabs: picture, caption and, as JSON, regions. A first line "image<tab>caption" is
// a heading.
package captions

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image"
	_ "image/gif"  // sizes are read from these
	_ "image/jpeg" // sizes are read from these
	_ "image/png"  // sizes are read from these
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"govle/datasets"
	"govle/datasets/internal/records"
)

// line is a line of the JSON form.
type line struct {
	ID        string            `json:"id,omitempty"`
	Image     string            `json:"image"`
	Caption   string            `json:"caption"`
	Negatives []string          `json:"negatives,omitempty"`
	Regions   []datasets.Region `json:"regions,omitempty"`
}

// Dataset is an open list. It is a datasets.Source; lines are read from the
// file when they are asked for.
type Dataset struct {
	lines  *records.Lines
	images string
	tsv    bool
	first  int // the first line after a heading
}

// Open finds the lines of a list; images is the folder that the pictures' names
// are relative to. Close it after use.
func Open(file, images string) (*Dataset, error) {
	if _, err := os.Stat(images); err != nil {
		return nil, fmt.Errorf("reading captions: picture folder: %w", err)
	}
	lines, err := records.OpenLines(file)
	if err != nil {
		return nil, fmt.Errorf("reading captions: %w", err)
	}
	d := &Dataset{lines: lines, images: images, tsv: strings.EqualFold(filepath.Ext(file), ".tsv")}
	if d.tsv && lines.Len() > 0 {
		head, err := lines.Text(0)
		if err != nil {
			lines.Close()
			return nil, fmt.Errorf("reading captions: %w", err)
		}
		if strings.HasPrefix(head.Value+"\t", "image\tcaption\t") {
			d.first = 1
		}
	}
	return d, nil
}

// Len returns the number of captions.
func (d *Dataset) Len() int { return d.lines.Len() - d.first }

// Close closes the file.
func (d *Dataset) Close() error { return d.lines.Close() }

// At reads caption i. Errors name the file and line: broken JSON or columns, no
// picture or caption, a picture that is not there or no picture, a box outside
// it. A caption without an id has its line's place, from 0, as ID.
func (d *Dataset) At(i int) (datasets.Caption, error) {
	c, err := d.at(i)
	if err != nil {
		return datasets.Caption{}, fmt.Errorf("reading captions: %w", err)
	}
	return c, nil
}

func (d *Dataset) at(i int) (c datasets.Caption, err error) {
	rec, err := d.line(i + d.first)
	if err != nil {
		return c, err
	}
	l := rec.Value
	switch {
	case l.Image == "":
		return c, rec.Errorf("no image")
	case !filepath.IsLocal(l.Image):
		return c, rec.Errorf("image %q leads out of the picture folder", l.Image)
	case strings.TrimSpace(l.Caption) == "":
		return c, rec.Errorf("no caption")
	}
	if l.ID == "" {
		l.ID = strconv.Itoa(i)
	}
	c = datasets.Caption{ID: l.ID, Text: l.Caption, Negatives: l.Negatives, Regions: l.Regions, Picture: datasets.FilePicture(filepath.Join(d.images, l.Image))}
	size, err := imageSize(c.Picture.File)
	if err != nil {
		return c, rec.Errorf("picture: %w", err)
	}
	for _, r := range l.Regions {
		if r.Phrase == "" {
			return c, rec.Errorf("a region without a phrase")
		}
		for _, b := range r.Boxes {
			if err := b.Check(size.X, size.Y); err != nil {
				return c, rec.Errorf("phrase %q: %w", r.Phrase, err)
			}
		}
	}
	return c, nil
}

func (d *Dataset) line(i int) (records.Record[line], error) {
	if !d.tsv {
		return records.JSON[line](d.lines, i)
	}
	var rec records.Record[line]
	text, err := d.lines.Text(i)
	if err != nil {
		return rec, err
	}
	rec = records.At(text, line{})
	col := strings.Split(text.Value, "\t")
	if len(col) < 2 || len(col) > 3 {
		return rec, rec.Errorf("%d columns between tabs, not 2 or 3 (image, caption, regions)", len(col))
	}
	rec.Value.Image, rec.Value.Caption = col[0], col[1]
	if len(col) == 3 && col[2] != "" {
		if err := json.Unmarshal([]byte(col[2]), &rec.Value.Regions); err != nil {
			return rec, rec.Errorf("regions: %w", err)
		}
	}
	return rec, nil
}

// Check reads every caption. It returns the first error, which may also be
// that an id comes twice.
func (d *Dataset) Check() error {
	seen := make(map[string]bool, d.Len())
	for i := range d.Len() {
		c, err := d.At(i)
		if err != nil {
			return err
		}
		if seen[c.ID] {
			rec, _ := d.lines.Text(i + d.first)
			return fmt.Errorf("reading captions: %w", rec.Errorf("id %q comes twice", c.ID))
		}
		seen[c.ID] = true
	}
	return nil
}

// imageSize reads a picture's size from its head.
func imageSize(file string) (image.Point, error) {
	f, err := os.Open(file)
	if err != nil {
		return image.Point{}, err
	}
	defer f.Close()
	cfg, _, err := image.DecodeConfig(bufio.NewReader(f))
	if err != nil {
		return image.Point{}, fmt.Errorf("%s: %w", file, err)
	}
	return image.Pt(cfg.Width, cfg.Height), nil
}

// Write writes a caption as a line of the JSON form; the picture's name is
// given, for a drawn picture has no file.
func Write(w io.Writer, c datasets.Caption, image string) error {
	data, err := json.Marshal(line{c.ID, image, c.Text, c.Negatives, c.Regions})
	if err != nil {
		return err
	}
	_, err = w.Write(append(data, '\n'))
	return err
}
