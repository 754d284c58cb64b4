package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/imageproc"
	"govle/vle/tokenizer"
)

// modelInfo is what govle info --model --json prints.
type modelInfo struct {
	Model       string           `json:"model"`
	Head        string           `json:"head"`
	Size        string           `json:"size"`
	Published   string           `json:"published,omitempty"`
	Parameters  int64            `json:"parameters"`
	DTypes      map[string]int64 `json:"dtypes,omitempty"`
	Format      string           `json:"format,omitempty"`
	WeightBytes int64            `json:"weight_bytes,omitempty"`
	Files       []modelFile      `json:"files,omitempty"`
	Text        encoderInfo      `json:"text"`
	Image       encoderInfo      `json:"image"`
	Fusion      encoderInfo      `json:"fusion"`
	Labels      []string         `json:"labels,omitempty"`
	Tokens      int              `json:"tokens,omitempty"`
	Missing     []string         `json:"missing,omitempty"`
	Unexpected  []string         `json:"unexpected,omitempty"`
	Mismatched  []mismatchInfo   `json:"mismatched,omitempty"`
	Problems    []string         `json:"problems,omitempty"`
}

type modelFile struct {
	Name    string `json:"name"`
	Bytes   int64  `json:"bytes"`
	Weights bool   `json:"weights,omitempty"`
}

type encoderInfo struct {
	Layers     int `json:"layers"`
	Hidden     int `json:"hidden"`
	Heads      int `json:"heads,omitempty"`
	Vocabulary int `json:"vocabulary,omitempty"`
	Size       int `json:"size,omitempty"`
	Patch      int `json:"patch,omitempty"`
}

type mismatchInfo struct {
	Name  string `json:"name"`
	Model []int  `json:"model"`
	File  []int  `json:"file"`
}

// showModel prints what a model is. Problems are part of the report and make
// the exit status 1.
func showModel(w io.Writer, model string, asJSON bool) error {
	info, err := inspect(model)
	if err != nil {
		return err
	}
	if asJSON {
		err = printJSON(w, info)
	} else {
		info.print(w)
	}
	if err == nil && len(info.Problems) > 0 {
		err = fmt.Errorf("%s cannot be used as it is: %s", model, info.Problems[0])
	}
	return err
}

// inspect looks at a folder, a weight file or the embedded model.
func inspect(model string) (*modelInfo, error) {
	switch model {
	case "":
		return nil, usagef("--model is empty: name a folder, a weight file or embedded")
	case "embedded":
		return inspectEmbedded()
	}
	store, err := checkpoint.Open(model)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	info, d, err := inspectWeights(model, store)
	if err != nil {
		return nil, err
	}
	folder, err := os.Stat(model)
	if err != nil {
		return nil, err
	}
	if !folder.IsDir() {
		return info, info.addWeights(store.Files()) // shards, when it is an index
	}
	cfg, err := vle.ReadConfig(model)
	if err != nil {
		info.problem(err)
	}
	return info, info.addFolder(os.DirFS(model), store, d, cfg)
}

// inspectEmbedded looks at the model inside the program, whose folder is not on
// disk.
func inspectEmbedded() (*modelInfo, error) {
	fsys := vle.EmbeddedFiles()
	store, err := checkpoint.OpenFS(fsys, ".")
	if err != nil {
		return nil, err
	}
	defer store.Close()
	info, d, err := inspectWeights("embedded", store)
	if err != nil {
		return nil, err
	}
	data, err := fs.ReadFile(fsys, "config.json")
	if err != nil {
		return nil, err
	}
	cfg, err := vle.ParseConfig(data)
	if err != nil {
		return nil, err
	}
	return info, info.addFolder(fsys, store, d, cfg)
}

// inspectWeights tells what the weights alone do.
func inspectWeights(model string, store *checkpoint.Store) (*modelInfo, *checkpoint.Description, error) {
	d, err := checkpoint.Describe(store)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", model, err)
	}
	info := &modelInfo{Model: model, Format: string(store.Format())}
	info.describe(d)
	if err := info.countTypes(store); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", model, err)
	}
	return info, d, nil
}

// addFolder adds the folder's files and whether they fit together. cfg is nil
// when it cannot be read.
func (m *modelInfo) addFolder(fsys fs.FS, store *checkpoint.Store, d *checkpoint.Description, cfg *vle.Config) error {
	if err := m.listFiles(fsys, store.Files()); err != nil || cfg == nil {
		return err
	}
	m.configure(cfg)
	m.compare(d, cfg, store)
	m.prepare(fsys, cfg)
	return nil
}

func (m *modelInfo) problem(err error) { m.Problems = append(m.Problems, err.Error()) }

// describe takes over what the names and shapes of the weights tell.
func (m *modelInfo) describe(d *checkpoint.Description) {
	m.Head, m.Size, m.Published, m.Parameters = d.Head, d.Size, d.Published(), d.Parameters
	m.Text = encoderInfo{Layers: d.TextLayers, Hidden: d.TextHidden, Vocabulary: d.Vocabulary}
	m.Image = encoderInfo{Layers: d.VisionLayers, Hidden: d.VisionHidden, Size: d.ImageSize, Patch: d.PatchSize}
	m.Fusion = encoderInfo{Layers: d.FusionLayers, Hidden: d.FusionHidden}
}

// configure adds what only config.json tells.
func (m *modelInfo) configure(c *vle.Config) {
	m.Text.Heads, m.Image.Heads, m.Fusion.Heads = c.Text.NumHeads, c.Vision.NumHeads, c.NumHeads
	if m.Head == checkpoint.HeadVQA {
		m.Labels = c.Labels
	}
}

// countTypes counts the elements of each type in the files.
func (m *modelInfo) countTypes(store *checkpoint.Store) error {
	m.DTypes = map[string]int64{}
	for _, name := range store.Names() {
		if strings.HasSuffix(name, "position_ids") {
			continue // constants, no parameters
		}
		t, err := store.Info(name)
		if err != nil {
			return err
		}
		m.DTypes[string(t.DType)] += int64(t.Elements())
	}
	return nil
}

// addWeights lists weight files by themselves.
func (m *modelInfo) addWeights(names []string) error {
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		m.Files = append(m.Files, modelFile{filepath.Base(name), info.Size(), true})
		m.WeightBytes += info.Size()
	}
	return nil
}

// listFiles lists the files of the folder; links count as what they lead to,
// which is how the hub's cache keeps files.
func (m *modelInfo) listFiles(fsys fs.FS, weights []string) error {
	isWeights := map[string]bool{}
	for _, w := range weights {
		isWeights[filepath.Base(w)] = true
	}
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := fs.Stat(fsys, e.Name())
		if errors.Is(err, fs.ErrNotExist) {
			m.problem(fmt.Errorf("%s is a link to nothing: download it again", e.Name()))
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			continue
		}
		f := modelFile{e.Name(), info.Size(), isWeights[e.Name()]}
		if f.Weights {
			m.WeightBytes += f.Bytes
		}
		m.Files = append(m.Files, f)
	}
	return nil
}

// builders make a model for each head that checkpoint.Describe tells apart.
var builders = map[string]func(*vle.Config) (vle.Parameterized, error){
	checkpoint.HeadNone: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewModel(c) },
	checkpoint.HeadVQA:  func(c *vle.Config) (vle.Parameterized, error) { return vle.NewVQA(c) },
	checkpoint.HeadITM:  func(c *vle.Config) (vle.Parameterized, error) { return vle.NewITM(c) },
	checkpoint.HeadPBC:  func(c *vle.Config) (vle.Parameterized, error) { return vle.NewPBC(c) },
	checkpoint.HeadMLM:  func(c *vle.Config) (vle.Parameterized, error) { return vle.NewMLM(c) },
	checkpoint.HeadQ2A:  func(c *vle.Config) (vle.Parameterized, error) { return vle.NewVCR(c, vle.Q2A) },
	checkpoint.HeadQA2R: func(c *vle.Config) (vle.Parameterized, error) { return vle.NewVCR(c, vle.QA2R) },
}

// compare lists where the weights and the model of the configuration differ.
func (m *modelInfo) compare(d *checkpoint.Description, cfg *vle.Config, store *checkpoint.Store) {
	model, err := builders[d.Head](cfg)
	if err != nil {
		m.problem(err)
		return
	}
	report, err := vle.Load(model, newOutline(store), vle.LoadOptions{})
	if err != nil {
		m.problem(err)
	}
	m.Missing, m.Unexpected = report.Missing, report.Unexpected
	for _, x := range report.Mismatched {
		m.Mismatched = append(m.Mismatched, mismatchInfo{x.Name, x.Model, x.File})
	}
}

// prepare looks at what makes a model's inputs.
func (m *modelInfo) prepare(fsys fs.FS, cfg *vle.Config) {
	t, err := tokenizer.LoadFS(fsys, ".")
	if err != nil {
		m.problem(fmt.Errorf("loading the tokenizer: %w", err))
	} else {
		m.Tokens = t.VocabSize()
	}
	p, err := imageproc.LoadFS(fsys, ".")
	if err != nil {
		m.problem(err)
	}
	if t == nil || p == nil {
		return
	}
	if err := (&vle.Processor{Tokenizer: t, Images: p}).Check(cfg); err != nil {
		m.problem(err)
	}
}

// outline stands for a store's weights where only their names and shapes
// matter: every tensor is a piece of the same zeros, so that half-precision
// weights are not widened and no page of the files is read.
type outline struct {
	*checkpoint.Store
	zeros []float32
}

func newOutline(store *checkpoint.Store) outline {
	largest := 0
	for _, name := range store.Names() {
		if t, err := store.Info(name); err == nil {
			largest = max(largest, t.Elements())
		}
	}
	return outline{store, make([]float32, largest)} // pages that nobody touches
}

func (o outline) Float32(name string) ([]float32, error) {
	t, err := o.Info(name)
	if err != nil {
		return nil, err
	}
	return o.zeros[:t.Elements()], nil
}

// maxListed bounds the names of a kind that are printed for people.
const maxListed = 8

func (m *modelInfo) print(w io.Writer) {
	facts := []fact{{"model", m.Model}}
	what := "VLE, " + m.Size + " size"
	if m.Published != "" {
		what = "the layout of " + m.Published
	}
	facts = append(facts, fact{"what", what})
	head := m.Head
	if head == checkpoint.HeadNone {
		head = "none, the bare body"
	}
	if n := len(m.Labels); n > 0 {
		head += fmt.Sprintf(", %d answers: %s", n, listed(m.Labels))
	}
	facts = append(facts, fact{"head", head})
	parameters := fmt.Sprintf("%.1f M", float64(m.Parameters)/1e6)
	if m.DTypes != nil {
		parameters += " as " + strings.Join(slices.Sorted(maps.Keys(m.DTypes)), ", ")
	}
	facts = append(facts, fact{"parameters", parameters},
		fact{"text", m.Text.String() + fmt.Sprintf(", vocabulary of %d", m.Text.Vocabulary)},
		fact{"image", m.Image.String() + fmt.Sprintf(", %d×%d pixels in patches of %d", m.Image.Size, m.Image.Size, m.Image.Patch)},
		fact{"fusion", m.Fusion.String()})
	if m.Tokens > 0 {
		facts = append(facts, fact{"tokenizer", fmt.Sprintf("%d tokens", m.Tokens)})
	}
	if m.Format != "" {
		facts = append(facts, fact{"weights", fmt.Sprintf("%s, %s", m.Format, inBytes(m.WeightBytes))})
	}
	for i, f := range m.Files {
		name := ""
		if i == 0 {
			name = "files"
		}
		mark := ""
		if f.Weights {
			mark = "  (weights)"
		}
		facts = append(facts, fact{name, fmt.Sprintf("%9s  %s%s", inBytes(f.Bytes), f.Name, mark)})
	}
	var other []string
	for _, x := range m.Mismatched {
		other = append(other, fmt.Sprintf("%s %v, by config.json %v", x.Name, x.File, x.Model))
	}
	for _, keys := range []struct {
		what  string
		names []string
	}{{"mismatched", other}, {"missing", m.Missing}, {"unexpected", m.Unexpected}} {
		if n := len(keys.names); n > 0 {
			facts = append(facts, fact{keys.what, fmt.Sprintf("%d: %s", n, listed(keys.names))})
		}
	}
	for _, p := range m.Problems {
		facts = append(facts, fact{"problem", p})
	}
	if len(m.Problems)+len(m.Unexpected) == 0 && m.Text.Heads > 0 {
		facts = append(facts, fact{"parts", "fit together; every parameter is there"})
	}
	printFacts(w, facts)
}

func (e encoderInfo) String() string {
	s := fmt.Sprintf("%d layers of width %d", e.Layers, e.Hidden)
	if e.Heads > 0 {
		s += fmt.Sprintf(", %d heads", e.Heads)
	}
	return s
}

// listed names the first few.
func listed(names []string) string {
	if n := len(names) - maxListed; n > 0 {
		return fmt.Sprintf("%s, … and %d more (--json lists all)", strings.Join(names[:maxListed], ", "), n)
	}
	return strings.Join(names, ", ")
}

// inBytes writes a size for people.
func inBytes(n int64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if float64(n) >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/u.size, u.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}
