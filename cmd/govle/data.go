package main

import (
	"fmt"
	"image"
	"slices"
	"strconv"
	"strings"

	"govle/datasets"
	"govle/datasets/captions"
	"govle/datasets/easyvqa"
	"govle/datasets/scenes"
	"govle/datasets/sortofclevr"
	"govle/datasets/vcr"
	"govle/datasets/vqa"
	"govle/vle"
	"govle/vle/imageproc"
)

// dataSpec names a data set, on the command line or in a configuration.
type dataSpec struct {
	Kind string
	// Path is a folder or file, or empty for data that is generated from Seed.
	Path, Images, Annotations string
	Split                     string
	Seed                      uint64
	// Limit bounds the items; generated data has so many pictures (questions
	// for VCR).
	Limit int
}

// dataKinds are the kinds and whether they are generated.
var dataKinds = map[string]bool{
	"easy-vqa": false, "vqa": false, "vcr": false, "captions": false, "scenes": true, "sort-of-clevr": true,
}

// dataHelp says how data is named on the command line.
const dataHelp = `  easy-vqa:DIR        the unpacked easy_vqa/data; --split train, fit, val or test
  vqa:QUESTIONS.json  VQAv2, with --annotations FILE (none: a test split) and --images DIR
  vcr:FILE.jsonl      VCR, with --images DIR
  captions:FILE       a list of pictures and captions (.jsonl, .tsv), with --images DIR
  scenes:SEED:N       N generated scenes; --split train, val or test
  sort-of-clevr:SEED:N  N generated pictures; --split train, val or test`

// parseData reads KIND:PATH or KIND:SEED:N.
func parseData(s string) (dataSpec, error) {
	kind, rest, _ := strings.Cut(s, ":")
	d := dataSpec{Kind: kind}
	generated, ok := dataKinds[kind]
	if !ok {
		return d, usagef("--data %q: the kind before the colon is one of %s", s, strings.Join(kindNames(), ", "))
	}
	if !generated {
		if d.Path = rest; rest == "" {
			return d, usagef("--data %q: name the path after the colon", s)
		}
		return d, nil
	}
	seed, n, ok := strings.Cut(rest, ":")
	var err error
	if d.Seed, err = strconv.ParseUint(seed, 10, 64); err == nil && ok {
		d.Limit, err = strconv.Atoi(n)
	}
	if err != nil || !ok || d.Limit < 1 {
		return d, usagef("--data %q: write %s:SEED:N, two numbers, as in %s:1:200", s, kind, kind)
	}
	return d, nil
}

func kindNames() []string {
	var names []string
	for k := range dataKinds {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// String names the data for a report.
func (d dataSpec) String() string {
	s := d.Kind
	if d.Path != "" {
		s += " " + d.Path
	}
	if d.Split != "" {
		s += " " + d.Split
	}
	switch {
	case dataKinds[d.Kind]:
		s += fmt.Sprintf(", seed %d, %d made", d.Seed, d.Limit)
	case d.Limit > 0:
		s += fmt.Sprintf(", first %d", d.Limit)
	}
	return s
}

// noData is the error for data of the wrong kind.
func (d dataSpec) noData(what string, kinds ...string) error {
	return fmt.Errorf("data of kind %q has no %s: use %s", d.Kind, what, strings.Join(kinds, " or "))
}

// check reports flags that the kind of data has no use for.
func (d dataSpec) check() error {
	switch {
	case dataKinds[d.Kind] && d.Limit < 1:
		return fmt.Errorf("data of kind %q: set limit, the number of pictures to make", d.Kind)
	case d.Split != "" && !dataKinds[d.Kind] && d.Kind != "easy-vqa":
		return fmt.Errorf("data of kind %q is one file: it has no split %q", d.Kind, d.Split)
	case d.Annotations != "" && d.Kind != "vqa":
		return fmt.Errorf("data of kind %q has no annotations file", d.Kind)
	case d.Images == "" && (d.Kind == "vqa" || d.Kind == "vcr" || d.Kind == "captions"):
		return fmt.Errorf("data of kind %q: name the folder of its pictures (images)", d.Kind)
	}
	return nil
}

func (d dataSpec) sceneSplit() (scenes.Split, error) {
	for _, s := range []scenes.Split{scenes.Train, scenes.Val, scenes.Test} {
		if s.String() == d.Split {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%s has no split %q: use train, val or test", d.Kind, d.Split)
}

// scenes is the generator of the data and the part of it that is meant.
func (d dataSpec) scenes() (*scenes.Generator, scenes.Split, error) {
	split, err := d.sceneSplit()
	if err != nil {
		return nil, 0, err
	}
	g, err := scenes.New(scenes.Config{Seed: d.Seed})
	return g, split, err
}

// questions opens questions with one answer to give.
func (d dataSpec) questions() (datasets.Source[datasets.Question], error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	var src datasets.Source[datasets.Question]
	var err error
	switch d.Kind {
	case "easy-vqa":
		src, err = easyvqa.Open(d.Path, d.Split)
	case "vqa":
		var l datasets.List[datasets.Question]
		l, err = datasets.Collect(vqa.Read(vqa.Files{Questions: d.Path, Annotations: d.Annotations, Images: d.Images}))
		src = l
	case "scenes":
		g, split, err := d.scenes()
		if err != nil {
			return nil, err
		}
		return g.Questions(split, d.Limit), nil
	case "sort-of-clevr":
		split, err := d.sceneSplit()
		if err != nil {
			return nil, err
		}
		return sortofclevr.Questions(d.Seed, sortofclevr.Split(split), d.Limit), nil
	default:
		return nil, d.noData("questions", "easy-vqa", "vqa", "scenes", "sort-of-clevr")
	}
	return limited(src, d.Limit, err)
}

func limited[T any](src datasets.Source[T], n int, err error) (datasets.Source[T], error) {
	if err != nil {
		return nil, err
	}
	if n > 0 {
		src = datasets.Head(src, n)
	}
	return src, nil
}

// captions opens pictures with captions.
func (d dataSpec) captions() (datasets.Source[datasets.Caption], error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	switch d.Kind {
	case "captions":
		src, err := captions.Open(d.Path, d.Images)
		if err != nil {
			return nil, err
		}
		return limited[datasets.Caption](src, d.Limit, nil)
	case "scenes":
		g, split, err := d.scenes()
		if err != nil {
			return nil, err
		}
		return g.Captions(split, d.Limit), nil
	}
	return nil, d.noData("captions", "captions", "scenes")
}

// choices opens multiple-choice questions about objects.
func (d dataSpec) choices() (datasets.Source[datasets.Choice], error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	switch d.Kind {
	case "vcr":
		src, err := vcr.Open(d.Path, d.Images)
		if err != nil {
			return nil, err
		}
		return limited[datasets.Choice](src, d.Limit, nil)
	case "scenes":
		g, split, err := d.scenes()
		if err != nil {
			return nil, err
		}
		return g.Choices(split, d.Limit), nil
	}
	return nil, d.noData("multiple choice", "vcr", "scenes")
}

// open decodes or draws a picture of a data set.
func open(p datasets.Picture) (image.Image, error) {
	if p.File != "" {
		return imageproc.DecodeFile(p.File, nil)
	}
	return p.Image()
}

// vcrQuestion is a question as the model's pipeline takes it.
func vcrQuestion(c datasets.Choice) *vle.VCRQuestion {
	words := func(from []datasets.Word) []vle.VCRWord {
		out := make([]vle.VCRWord, len(from))
		for i, w := range from {
			out[i] = vle.VCRWord(w)
		}
		return out
	}
	all := func(from [][]datasets.Word) [][]vle.VCRWord {
		out := make([][]vle.VCRWord, len(from))
		for i, f := range from {
			out[i] = words(f)
		}
		return out
	}
	q := &vle.VCRQuestion{Question: words(c.Question), Answers: all(c.Answers), Rationales: all(c.Rationales)}
	for _, o := range c.Objects {
		q.Objects = append(q.Objects, o.Name)
		q.Boxes = append(q.Boxes, []float64{o.Box.X0, o.Box.Y0, o.Box.X1, o.Box.Y1})
	}
	return q
}

// patchesOf lists the patches that boxes touch, each once.
func patchesOf(g imageproc.Geometry, patch int, boxes []datasets.Box) []int {
	in := map[int]bool{}
	for _, b := range boxes {
		ids, _ := g.Patches(patch, imageproc.Box(b))
		for _, id := range ids {
			in[id] = true
		}
	}
	out := make([]int, 0, len(in))
	for id := range in {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}
