package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"govle/vle/train"
)

// resultsConfig is the file of govle results: which models are trained, on what they
// are scored, and how the page is laid out.
type resultsConfig struct {
	Title    string           `json:"title"`
	Text     string           `json:"text"`
	Sections []resultsSection `json:"sections"`

	dir string // of the file
}

// resultsSection is a table of the page.
type resultsSection struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Text  string `json:"text"`
	// Score is what each model of the section is scored on.
	Score []resultsScore `json:"score"`
	// Columns are the table's figures.
	Columns []resultsColumn `json:"columns"`
	Rows    []resultsRow    `json:"rows"`
	// Published are figures of others, a column of the table each.
	Published []resultsPublished `json:"published"`
}

// resultsScore is a run of govle eval.
type resultsScore struct {
	Task  string `json:"task"`
	Data  string `json:"data"` // as for --data; $NAME is an environment variable
	Split string `json:"split"`
}

type resultsColumn struct {
	Title string `json:"title"`
	Score int    `json:"score"` // which of the section's scores, from 0
	Row   string `json:"row"`   // which row of its report
}

type resultsPublished struct {
	Name   string    `json:"name"`
	Values []float64 `json:"values"` // by column; 0 for none
}

// resultsRow is a model: a folder, or one that is trained in stages, each of which
// goes on from the weights of the one before.
type resultsRow struct {
	ID     string         `json:"id"`
	Title  string         `json:"title"`
	Model  string         `json:"model"`
	Stages []resultsStage `json:"stages"`
}

type resultsStage struct {
	Config string `json:"config"`
	// Quick is the number of steps with --quick.
	Quick int `json:"quick"`
}

// resultsCell is what the cache keeps of a row.
type resultsCell struct {
	// Inputs tells whether the row is still the one that was run.
	Inputs  string        `json:"inputs"`
	Quick   bool          `json:"quick"`
	Steps   int           `json:"steps"`
	Seconds float64       `json:"seconds"` // of training
	Machine string        `json:"machine"`
	Date    string        `json:"date"`
	Reports []*evalReport `json:"reports"`
}

func resultsCommand() *cobra.Command {
	var r resultsRun
	var file, out string
	cmd := &cobra.Command{
		Use:   "results --config FILE -o PAGE",
		Short: "Train and score the models of a table of results, and write the page",
		Long: `Train each model that a JSON file names, score it, and write the tables as Markdown.

What is finished is kept in results.cache.json beside the file, by the contents of the
configurations that it came from: an interrupted run goes on, in the middle of a
training too, and a row whose configuration was changed is run anew. --quick trains
with the steps that the file gives for it; figures say which budget they were made
with, and a full run replaces them. Rows that were not run are left out of the page.
--write runs nothing and writes the page from what is kept.`,
		Example: `  govle results --config docs/results/results.json -o docs/results.md --quick
  EASY_VQA=easy_vqa/data govle results --config docs/results/results.json -o docs/results.md --only easy-vqa`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" || out == "" {
				return usagef("--config or -o is missing")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			r.w = cmd.ErrOrStderr()
			return r.all(ctx, file, out)
		},
	}
	f := cmd.Flags()
	f.StringVar(&file, "config", "", "the `file` of tables")
	f.StringVarP(&out, "output", "o", "", "the page's `file`")
	f.StringVar(&r.work, "work", "build/results", "`folder` of the runs")
	f.StringVar(&r.only, "only", "", "the `rows` to run: ids of rows or sections, with commas between")
	f.BoolVar(&r.quick, "quick", false, "train with few steps")
	f.BoolVar(&r.write, "write", false, "write the page without running anything")
	return cmd
}

// readResults reads the file; a key that it does not know is an error.
func readResults(file string) (*resultsConfig, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	c := &resultsConfig{dir: filepath.Dir(file)}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	seen := map[string]bool{}
	for _, s := range c.Sections {
		for _, col := range s.Columns {
			if col.Score < 0 || col.Score >= len(s.Score) {
				return nil, fmt.Errorf("%s: section %s: column %q is of score %d of %d", file, s.ID, col.Title, col.Score, len(s.Score))
			}
		}
		for _, p := range s.Published {
			if len(p.Values) != len(s.Columns) {
				return nil, fmt.Errorf("%s: section %s: %q has %d values for %d columns", file, s.ID, p.Name, len(p.Values), len(s.Columns))
			}
		}
		for _, r := range s.Rows {
			switch {
			case seen[r.ID] || r.ID == "":
				return nil, fmt.Errorf("%s: section %s: the id %q of a row is empty or comes twice", file, s.ID, r.ID)
			case (r.Model == "") == (len(r.Stages) == 0):
				return nil, fmt.Errorf("%s: row %s: give either model or stages", file, r.ID)
			}
			seen[r.ID] = true
		}
	}
	return c, nil
}

// resultsRun runs what is missing.
type resultsRun struct {
	w            io.Writer
	work, only   string
	quick, write bool
	cacheFile    string
	cache        map[string]*resultsCell
}

func (r *resultsRun) all(ctx context.Context, file, out string) error {
	c, err := readResults(file)
	if err != nil {
		return err
	}
	r.cacheFile = strings.TrimSuffix(file, filepath.Ext(file)) + ".cache.json"
	r.cache = map[string]*resultsCell{}
	data, err := os.ReadFile(r.cacheFile)
	if err == nil {
		err = json.Unmarshal(data, &r.cache)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s: %w", r.cacheFile, err)
	}
	var failed []error
	for i := range c.Sections {
		s := &c.Sections[i]
		for _, row := range s.Rows {
			if r.write || !r.wanted(s, row) {
				continue
			}
			if err := r.row(ctx, c, s, row); err != nil {
				if ctx.Err() != nil {
					fmt.Fprintf(r.w, "%s: interrupted; the same command goes on\n", row.ID)
					return errors.Join(r.page(c, out), &reportedError{ctx.Err()})
				}
				fmt.Fprintf(r.w, "%s: %v\n", row.ID, err)
				failed = append(failed, fmt.Errorf("%s: %w", row.ID, err))
			}
		}
	}
	if err := r.page(c, out); err != nil {
		return err
	}
	return errors.Join(failed...)
}

func (r *resultsRun) wanted(s *resultsSection, row resultsRow) bool {
	ids := strings.Split(r.only, ",")
	return r.only == "" || slices.Contains(ids, row.ID) || slices.Contains(ids, s.ID)
}

// inputs is a hash of what a row follows from: the row, its scores, and the files
// of its stages with those that they name. A folder's weights count, too.
func (c *resultsConfig) inputs(s *resultsSection, row resultsRow) (string, error) {
	h := sha256.New()
	enc := json.NewEncoder(h)
	if err := enc.Encode([]any{row.Model, s.Score}); err != nil {
		return "", err
	}
	add := func(file string) error {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(h, f)
		return err
	}
	if row.Model != "" {
		dir := filepath.Join(c.dir, row.Model)
		for _, name := range []string{"config.json", "model.safetensors"} {
			if err := add(filepath.Join(dir, name)); err != nil {
				return "", err
			}
		}
	}
	for _, st := range row.Stages {
		file := filepath.Join(c.dir, st.Config)
		if err := add(file); err != nil {
			return "", err
		}
		t, err := train.ReadConfig(file)
		if err != nil {
			return "", err
		}
		if t.Architecture != "" {
			if err := add(t.Architecture); err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// row trains and scores a row unless the cache has it.
func (r *resultsRun) row(ctx context.Context, c *resultsConfig, s *resultsSection, row resultsRow) error {
	inputs, err := c.inputs(s, row)
	if err != nil {
		return err
	}
	if old := r.cache[row.ID]; old != nil && old.Inputs == inputs && (!old.Quick || r.quick || len(row.Stages) == 0) {
		return nil
	}
	specs := make([]*evalOptions, len(s.Score))
	for i, sc := range s.Score { // before any training
		if specs[i], err = sc.options(); err != nil {
			return err
		}
	}
	cell := &resultsCell{Inputs: inputs, Quick: r.quick && len(row.Stages) > 0, Machine: machine()}
	model := filepath.Join(c.dir, row.Model)
	for k, st := range row.Stages {
		start := time.Now()
		model, err = r.stage(ctx, c, row, k, st, model, inputs, cell)
		cell.Seconds += time.Since(start).Seconds()
		if err != nil {
			return err
		}
	}
	for i, sc := range s.Score {
		o := specs[i]
		o.models = []string{model}
		rep := &evalReport{Task: sc.Task, Models: []string{row.Title}, Data: sc.Data}
		start := time.Now()
		if err := evaluators[sc.Task](ctx, o, rep, &evalLoop{w: r.w, every: 10 * time.Second, what: row.ID + " " + sc.Task}); err != nil {
			return err
		}
		if rep.Interrupted {
			return context.Canceled
		}
		rep.Seconds = time.Since(start).Seconds()
		cell.Reports = append(cell.Reports, rep)
	}
	cell.Date = time.Now().UTC().Format(time.DateOnly)
	r.cache[row.ID] = cell
	return r.save()
}

// evaluators are the tasks that a row can be scored on.
var evaluators = map[string]evaluator{
	"vqa": evalVQA, "vcr": evalVCR, "pbc": evalPBC,
	"itm": func(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop) error {
		return evalITM(ctx, o, rep, loop, 100)
	},
	"mlm": func(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop) error {
		return evalMLM(ctx, o, rep, loop, masking{share: 0.15, seed: 1})
	},
}

// options are the flags of a score.
func (sc resultsScore) options() (*evalOptions, error) {
	if evaluators[sc.Task] == nil {
		return nil, fmt.Errorf("task %q is unknown: use vqa, vcr, itm, pbc or mlm", sc.Task)
	}
	kind, rest, _ := strings.Cut(sc.Data, ":")
	path, err := expand(rest)
	if err != nil {
		return nil, err
	}
	o := &evalOptions{data: kind + ":" + path}
	o.spec.Split = sc.Split
	return o, o.resolve()
}

// expand replaces a path from an environment variable on, $NAME/…, by what it
// holds.
func expand(path string) (string, error) {
	i := strings.IndexByte(path, '$')
	if i < 0 {
		return path, nil
	}
	name, rest, _ := strings.Cut(path[i+1:], "/")
	v := os.Getenv(name)
	if v == "" {
		return "", fmt.Errorf("the environment variable %s is not set: it says where the data lie", name)
	}
	return filepath.Join(v, rest), nil
}

// stage trains one stage and returns its best model.
func (r *resultsRun) stage(ctx context.Context, c *resultsConfig, row resultsRow, k int, st resultsStage, from, inputs string, cell *resultsCell) (string, error) {
	t, err := train.ReadConfig(filepath.Join(c.dir, st.Config))
	if err != nil {
		return "", err
	}
	for _, list := range [][]train.DataConfig{t.Data, t.Held} {
		for i := range list {
			if list[i].Path, err = expand(list[i].Path); err != nil {
				return "", err
			}
		}
	}
	if k > 0 { // go on from the stage before
		if t.Processor == "" {
			t.Processor = t.Model
		}
		t.Model, t.Architecture = from, ""
	}
	kind := "full"
	if r.quick {
		if kind = "quick"; st.Quick > 0 {
			t.Steps = st.Quick
		}
	}
	t.Dir = filepath.Join(r.work, fmt.Sprintf("%s-%d-%s-%s", row.ID, k+1, kind, inputs[:8]))
	t.Resume = true
	fmt.Fprintf(r.w, "%s: training with %s\n", row.ID, st.Config)
	lines := train.Lines(r.w, 30*time.Second)
	err = trainRun(ctx, t, func(s *train.Status) {
		if s.Event == "done" {
			cell.Steps += s.Step.Step
		}
		lines(s)
	})
	if err != nil {
		return "", err
	}
	best := filepath.Join(t.Dir, "best")
	if _, err := os.Stat(best); err != nil {
		best = filepath.Join(t.Dir, "last")
	}
	return best, nil
}

func (r *resultsRun) save() error {
	data, err := json.MarshalIndent(r.cache, "", " ")
	if err != nil {
		return err
	}
	next := r.cacheFile + ".next"
	if err := os.WriteFile(next, append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(next, r.cacheFile)
}

// machine says what the figures were made on.
func machine() string {
	return fmt.Sprintf("%d threads, %s", runtime.GOMAXPROCS(0), runtime.GOARCH)
}
