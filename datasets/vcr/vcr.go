// Package vcr reads Visual Commonsense Reasoning as its authors publish it: a
// file of JSON lines (train.jsonl, val.jsonl, test.jsonl) beside the folder
// vcr1images with pictures and, for each, a .json of object boxes.
package vcr

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"govle/datasets"
	"govle/datasets/internal/records"
)

// choices is how many answers and rationales a question of VCR has.
const choices = 4

// line is what is read of a line.
type line struct {
	ID             string            `json:"annot_id"`
	Image          string            `json:"img_fn"`
	Metadata       string            `json:"metadata_fn"`
	Objects        []string          `json:"objects"`
	Question       []datasets.Word   `json:"question"`
	Answers        [][]datasets.Word `json:"answer_choices"`
	Answer         *int              `json:"answer_label"`
	Rationales     [][]datasets.Word `json:"rationale_choices"`
	RationaleLabel *int              `json:"rationale_label"`
}

// metadata is what is read of a picture's .json.
type metadata struct {
	Boxes  []datasets.Box `json:"boxes"`
	Names  []string       `json:"names"`
	Width  int            `json:"width"`
	Height int            `json:"height"`
}

// Dataset is an open file of questions. It is a datasets.Source; questions are
// read from the file when they are asked for.
type Dataset struct {
	lines  *records.Lines
	images string
}

// Open finds the questions of a file; images is the folder that img_fn and
// metadata_fn are relative to. Close it after use.
func Open(file, images string) (*Dataset, error) {
	if _, err := os.Stat(images); err != nil {
		return nil, fmt.Errorf("reading VCR: picture folder: %w", err)
	}
	lines, err := records.OpenLines(file)
	if err != nil {
		return nil, fmt.Errorf("reading VCR: %w", err)
	}
	return &Dataset{lines, images}, nil
}

// Len returns the number of questions.
func (d *Dataset) Len() int { return d.lines.Len() }

// Close closes the file.
func (d *Dataset) Close() error { return d.lines.Close() }

// At reads question i with its boxes. Errors name the file and line, or the
// metadata file: broken JSON, not four choices, a label outside them, an object
// number outside the objects, objects and boxes of different number, a picture
// that is not there. Boxes are cut at the picture's edge. In a test split,
// which has no labels, they are -1.
func (d *Dataset) At(i int) (datasets.Choice, error) {
	rec, err := records.JSON[line](d.lines, i)
	if err != nil {
		return datasets.Choice{}, fmt.Errorf("reading VCR: %w", err)
	}
	c, err := d.read(rec)
	if err != nil {
		return datasets.Choice{}, fmt.Errorf("reading VCR: %w", err)
	}
	return c, nil
}

// Check reads every question. It returns the first error, which may also be
// that an annot_id comes twice.
func (d *Dataset) Check() error {
	seen := make(map[string]bool, d.Len())
	for i := range d.Len() {
		c, err := d.At(i)
		if err != nil {
			return err
		}
		if c.ID != "" && seen[c.ID] {
			rec, _ := d.lines.Text(i)
			return fmt.Errorf("reading VCR: %w", rec.Errorf("annot_id %q comes twice", c.ID))
		}
		seen[c.ID] = true
	}
	return nil
}

func (d *Dataset) read(rec records.Record[line]) (c datasets.Choice, err error) {
	l := rec.Value
	switch {
	case l.Image == "":
		return c, rec.Errorf("no img_fn")
	case !filepath.IsLocal(l.Image) || l.Metadata != "" && !filepath.IsLocal(l.Metadata):
		return c, rec.Errorf("img_fn %q or metadata_fn %q leads out of the picture folder", l.Image, l.Metadata)
	case len(l.Question) == 0:
		return c, rec.Errorf("no question")
	case len(l.Answers) != choices || len(l.Rationales) != choices:
		return c, rec.Errorf("%d answers and %d rationales, not %d of each", len(l.Answers), len(l.Rationales), choices)
	}
	c = datasets.Choice{ID: l.ID, Question: l.Question, Answers: l.Answers, Rationales: l.Rationales, Answer: -1, Rationale: -1}
	for _, label := range []struct {
		name string
		from *int
		to   *int
	}{{"answer_label", l.Answer, &c.Answer}, {"rationale_label", l.RationaleLabel, &c.Rationale}} {
		if label.from == nil {
			continue
		}
		if *label.to = *label.from; *label.to < 0 || *label.to >= choices {
			return c, rec.Errorf("%s %d is outside 0 to %d", label.name, *label.to, choices-1)
		}
	}
	for _, text := range append(append([][]datasets.Word{l.Question}, l.Answers...), l.Rationales...) {
		for _, w := range text {
			for _, o := range w.Objects {
				if o < 0 || o >= len(l.Objects) {
					return c, rec.Errorf("a text names object %d of %d: %s", o, len(l.Objects), datasets.Words(text))
				}
			}
		}
	}
	c.Picture = datasets.FilePicture(filepath.Join(d.images, l.Image))
	if _, err := os.Stat(c.Picture.File); err != nil {
		return c, rec.Errorf("picture: %w", err)
	}
	c.Objects, err = d.objects(rec)
	return c, err
}

// objects joins the objects' names with their boxes.
func (d *Dataset) objects(rec records.Record[line]) ([]datasets.Object, error) {
	l := rec.Value
	if l.Metadata == "" {
		return nil, rec.Errorf("no metadata_fn")
	}
	file := filepath.Join(d.images, l.Metadata)
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, rec.Errorf("boxes: %w", err)
	}
	var m metadata
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, rec.Errorf("boxes in %s: %w", file, err)
	}
	if len(m.Boxes) != len(l.Objects) {
		return nil, rec.Errorf("%d objects, but %d boxes in %s", len(l.Objects), len(m.Boxes), file)
	}
	objects := make([]datasets.Object, len(l.Objects))
	for i, b := range m.Boxes {
		b.X0, b.Y0 = max(b.X0, 0), max(b.Y0, 0)
		if m.Width > 0 && m.Height > 0 {
			b.X1, b.Y1 = min(b.X1, float64(m.Width)), min(b.Y1, float64(m.Height))
		}
		if err := b.Check(m.Width, m.Height); err != nil {
			return nil, rec.Errorf("object %d in %s: %w", i, file, err)
		}
		objects[i] = datasets.Object{Name: l.Objects[i], Box: b}
	}
	return objects, nil
}
