package parity

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"time"
)

// Options chooses what is run. The zero value runs everything that needs
// nothing from outside the folder.
type Options struct {
	// EasyVQA is the folder of the unpacked easy-vqa package (the one that
	// holds test/questions.json, or the one above easy_vqa); without it the
	// easyvqa case is skipped.
	EasyVQA string
	// Only, if not nil, limits the run to the cases whose name it matches.
	Only *regexp.Regexp
	// Quick leaves out real-size cases and answers only the first 300
	// questions of easyvqa.
	Quick bool
	// Kinds are kinds of case of the caller's own, by the name of the file that
	// each is recorded in.
	Kinds map[string]Kind
	// Each is called with each result as it comes; nil for nothing.
	Each func(Result)
}

// Verdict is what came of a case.
type Verdict string

// The verdicts.
const (
	OK          Verdict = "ok"
	Miss        Verdict = "MISS"
	Unsupported Verdict = "not supported yet"
	Skipped     Verdict = "skipped"
)

// Kind holds the recordings in a file against what it records: it calls same
// with each thing that is computed and what was recorded of it, which must be
// equal in depth. An error is a miss too.
type Kind func(path string, same func(what string, got, recorded any)) error

// Result is one case as it came out.
type Result struct {
	Case      string // the file or group, relative to the folder, with slashes
	Verdict   Verdict
	Largest   string // largest error, or how many of how many differ
	Tolerance string
	Reason    string   // why it was skipped, is not supported, or could not be run
	Details   []string // what missed, at most a screenful
	Took      time.Duration
}

// Summary counts the verdicts.
type Summary struct {
	OK, Missed, Unsupported, Skipped int
}

func (s Summary) String() string {
	return fmt.Sprintf("%d ok, %d missed, %d not supported yet, %d skipped", s.OK, s.Missed, s.Unsupported, s.Skipped)
}

// kinds are all kinds of case there are; each finds its own in a folder.
// To add one, write its file and name its finder here.
var kinds = []func(*folder) []testCase{

	findTokenizer,
	findImage,
	findResize,
	findCheckpoints,
	findModel,
	findPosition,
	findRealSize,
	findArchs,
	findVQA,
	findITM,
	findPBC,
	findVCR,
	findTraining,
	findQuirks,
	findEasyVQA,
}

// testCase is one line of the report.
type testCase struct {
	name string
	run  func(ctx context.Context, c *check) error
	// Instead of run: why not.
	unsupported, skip string
}

// Run finds every case under dir, which has the layout described above or is
// any folder inside one, runs them and writes a line for each to w, and a
// summary. An error means that nothing could be run at all; what missed is in
// the Summary.
func Run(ctx context.Context, dir string, w io.Writer, opts Options) (Summary, error) {
	var s Summary
	cases, err := find(dir, opts)
	if err != nil {
		return s, err
	}
	if len(cases) == 0 {
		return s, fmt.Errorf("parity: %s holds no recorded outputs that are known (see the package's documentation for the layout)", dir)
	}
	for _, tc := range cases {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		if opts.Only != nil && !opts.Only.MatchString(tc.name) {
			continue
		}
		r := tc.result(ctx)
		if ctx.Err() != nil {
			return s, ctx.Err() // interrupted: not a verdict
		}
		s.count(r.Verdict)
		if opts.Each != nil {
			opts.Each(r)
		}
		if err := r.write(w); err != nil {
			return s, err
		}
	}
	_, err = fmt.Fprintln(w, s)
	return s, err
}

func (s *Summary) count(v Verdict) {
	switch v {
	case OK:
		s.OK++
	case Miss:
		s.Missed++
	case Unsupported:
		s.Unsupported++
	case Skipped:
		s.Skipped++
	}
}

// result runs a case. A panic is a miss, so that one broken case does not hide
// the rest.
func (tc testCase) result(ctx context.Context) (r Result) {
	r.Case = tc.name
	switch {
	case tc.unsupported != "":
		r.Verdict, r.Reason = Unsupported, tc.unsupported
		return r
	case tc.skip != "":
		r.Verdict, r.Reason = Skipped, tc.skip
		return r
	}
	start := time.Now()
	c := &check{}
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		return tc.run(ctx, c)
	}()
	r.Took = time.Since(start)
	r.Verdict, r.Largest, r.Tolerance, r.Details = c.verdict()
	if err != nil {
		r.Verdict, r.Reason = Miss, err.Error()
	}
	return r
}

// write prints the line of a result and what missed below it.
func (r Result) write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%-52s %-16s %-18s %s", r.Case, r.Largest, r.Tolerance, r.Verdict)
	if r.Reason != "" {
		fmt.Fprintf(&b, ": %s", r.Reason)
	}
	b.WriteByte('\n')
	for _, d := range r.Details {
		fmt.Fprintf(&b, "    %s\n", d)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// folder is one folder of recorded outputs.
type folder struct {
	dir  string          // where it is
	rel  string          // its name in the report
	has  map[string]bool // its files
	subs map[string]bool // its folders
	opts Options

	claimed map[string]bool // files, by path, that some kind knows
}

// path is a file of the folder; a kind that asks for it knows the file.
func (f *folder) path(name string) string {
	p := filepath.Join(f.dir, filepath.FromSlash(name))
	f.claimed[p] = true
	return p
}

// caseName names a case of the folder.
func (f *folder) caseName(name string) string {
	if f.rel == "." {
		return name
	}
	return f.rel + "/" + name
}

// names are the folder's files that end in suffix, sorted.
func (f *folder) names(suffix string) []string {
	var out []string
	for name := range f.has {
		if strings.HasSuffix(name, suffix) {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// maxDepth is how deep below the given folder cases are looked for.
const maxDepth = 6

// find walks the folders and lets every kind look into each.
func find(dir string, opts Options) ([]testCase, error) {
	if info, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("parity: %w", err)
	} else if !info.IsDir() {
		return nil, fmt.Errorf("parity: %s is not a folder", dir)
	}
	dir, err := filepath.Abs(dir) // what lies beside it is looked for too
	if err != nil {
		return nil, fmt.Errorf("parity: %w", err)
	}
	var cases []testCase
	claimed := map[string]bool{}
	var data []string // files that may be recorded outputs
	err = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if !d.IsDir() {
			switch filepath.Ext(path) {
			case ".npz", ".npy", ".jsonl":
				data = append(data, path)
			}
			return nil
		}
		if strings.Count(filepath.ToSlash(rel), "/") >= maxDepth {
			return filepath.SkipDir
		}
		files, err := os.ReadDir(path)
		if err != nil {
			return err
		}
		f := &folder{dir: path, rel: filepath.ToSlash(rel), has: map[string]bool{}, subs: map[string]bool{}, opts: opts, claimed: claimed}
		for _, e := range files {
			if e.IsDir() {
				f.subs[e.Name()] = true
			} else {
				f.has[e.Name()] = true
			}
		}
		for _, k := range kinds {
			cases = append(cases, k(f)...)
		}
		cases = append(cases, findOwn(f)...)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("parity: %w", err)
	}
	for _, path := range data {
		if !claimed[path] {
			rel, _ := filepath.Rel(dir, path)
			cases = append(cases, testCase{name: filepath.ToSlash(rel), unsupported: "no kind of case knows this file"})
		}
	}
	return cases, nil
}

// findOwn finds the files of the caller's kinds.
func findOwn(f *folder) []testCase {
	var cases []testCase
	for _, name := range sortedKeys(f.opts.Kinds) {
		if !f.has[name] {
			continue
		}
		path := f.path(name)
		cases = append(cases, testCase{name: f.caseName(name), run: func(_ context.Context, c *check) error {
			return f.opts.Kinds[name](path, func(what string, got, recorded any) {
				c.item(reflect.DeepEqual(got, recorded), "%s: %.80q, recorded %.80q", what, fmt.Sprint(got), fmt.Sprint(recorded))
			})
		}})
	}
	return cases
}

func sortCases(cases []testCase) {
	sort.Slice(cases, func(i, j int) bool { return cases[i].name < cases[j].name })
}
