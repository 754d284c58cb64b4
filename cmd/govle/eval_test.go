package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"govle/datasets"
	"govle/datasets/scenes"
	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/train"
)

// allHeads saves an untrained model with every head, small enough for tests, that
// takes the scenes' boxes.
func allHeads(t *testing.T) string {
	t.Helper()
	embedded, err := vle.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	cfg := *embedded.Model.Config()
	cfg.Labels = scenes.Answers()
	cfg.NumTokenTypes = 2 + scenes.MaxObjects
	var heads []vle.Parameterized
	add := func(h vle.Parameterized, err error) {
		if err != nil {
			t.Fatal(err)
		}
		vle.Initialize(h, 3)
		heads = append(heads, h)
	}
	vqa, err := vle.NewVQA(&cfg)
	add(vqa, err)
	itm, err := vle.NewITM(&cfg)
	add(itm, err)
	pbc, err := vle.NewPBC(&cfg)
	add(pbc, err)
	mlm, err := vle.NewMLM(&cfg)
	add(mlm, err)
	q2a, err := vle.NewVCR(&cfg, vle.Q2A)
	add(q2a, err)
	qa2r, err := vle.NewVCR(&cfg, vle.QA2R)
	add(qa2r, err)
	joint, err := train.NewJoint(heads...)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "heads")
	if err := vle.Save(dir, joint, embedded.Processor, checkpoint.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	return dir
}

// eval runs govle eval and returns what it printed.
func eval(t *testing.T, args ...string) (string, error) {
	t.Helper()
	return evalContext(context.Background(), args...)
}

func evalContext(ctx context.Context, args ...string) (string, error) {
	root := newRoot()
	var out, progress bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&progress)
	root.SetArgs(append([]string{"eval"}, args...))
	err := root.ExecuteContext(ctx)
	return out.String(), err
}

func evalJSON(t *testing.T, args ...string) *evalReport {
	t.Helper()
	out, err := eval(t, append(args, "--json")...)
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	rep := &evalReport{}
	if err := json.Unmarshal([]byte(out), rep); err != nil {
		t.Fatalf("%v: %v in %s", args, err, out)
	}
	return rep
}

// lines decodes a file of JSON lines.
func jsonLines[T any](t *testing.T, name string) []T {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	for line := range strings.Lines(string(data)) {
		var x T
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, x)
	}
	return out
}

// TestEvalVQA holds the score to what the written answers say.
func TestEvalVQA(t *testing.T) {
	dir := allHeads(t)
	out, submission := filepath.Join(t.TempDir(), "said.jsonl"), filepath.Join(t.TempDir(), "answers.json")
	rep := evalJSON(t, "vqa", "--model", dir, "--data", "scenes:5:12", "-o", out, "--submission", submission)
	said := jsonLines[vqaSaid](t, out)
	if rep.Items != 72 || rep.Of != 72 || len(said) != 72 {
		t.Fatalf("%d of %d items, %d lines", rep.Items, rep.Of, len(said))
	}
	right, yesNo, yesNoRight := 0, 0, 0
	for _, s := range said {
		hit := b2i(s.Answer == s.Right)
		right += hit
		if s.Right == "yes" || s.Right == "no" {
			yesNo++
			yesNoRight += hit
		}
		if s.Accuracy == nil || *s.Accuracy != float64(hit) {
			t.Errorf("%+v", s)
		}
	}
	if got, want := rep.row("all").Score, percent(float64(right)/72); got != want {
		t.Errorf("accuracy %g, the answers say %g", got, want)
	}
	if r := rep.row("answer yes/no"); r == nil || r.Items != yesNo || r.Score != percent(float64(yesNoRight)/float64(yesNo)) {
		t.Errorf("yes/no: %+v, want %d of %d", r, yesNoRight, yesNo)
	}
	if b := rep.row("all").Baselines; b[byTextOnly] <= b[byMajority] || b[byMajority] <= 0 {
		t.Errorf("baselines %v", b)
	}
	var answers []struct {
		ID     int64  `json:"question_id"`
		Answer string `json:"answer"`
	}
	data, err := os.ReadFile(submission)
	if err == nil {
		err = json.Unmarshal(data, &answers)
	}
	if err != nil || len(answers) != 72 || answers[7].Answer != said[7].Answer || answers[7].ID != said[7].ID {
		t.Errorf("submission: %v, %d answers", err, len(answers))
	}
	// The same questions one by one.
	p, err := vle.OpenVQA(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	g, err := scenes.New(scenes.Config{Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	q, err := g.Questions(scenes.Test, 12).At(40)
	if err != nil {
		t.Fatal(err)
	}
	img, err := q.Picture.Image()
	if err != nil {
		t.Fatal(err)
	}
	a, err := p.Answer(img, q.Text, 1)
	if err != nil || a.Best() != said[40].Answer || q.Text != said[40].Question {
		t.Errorf("question 40 (%q): %v %v, the evaluation said %+v", q.Text, a, err, said[40])
	}
}

func TestEvalSortOfCLEVR(t *testing.T) {
	rep := evalJSON(t, "vqa", "--model", allHeads(t), "--data", "sort-of-clevr:1:2", "--limit", "3")
	if rep.row("question relational").Items != 30 || rep.row("question non-relational").Items != 30 {
		t.Errorf("%+v", rep.Rows)
	}
}

func TestEvalVCR(t *testing.T) {
	dir := allHeads(t)
	out := filepath.Join(t.TempDir(), "said.jsonl")
	rep := evalJSON(t, "vcr", "--model", dir, "--data", "scenes:5:30", "-o", out)
	var a, r, both int
	for _, s := range jsonLines[vcrSaid](t, out) {
		if s.Answer == nil || s.Rationale == nil || len(s.AnswerScores) != 4 || largest(s.RationaleScores) != *s.Rationale {
			t.Fatalf("%+v", s)
		}
		x, y := b2i(*s.Answer == s.RightAnswer), b2i(*s.Rationale == s.RightRationale)
		a, r, both = a+x, r+y, both+x*y
	}
	for _, c := range []struct {
		name   string
		right  int
		chance float64
	}{{"Q2A", a, 25}, {"QA2R", r, 25}, {"Q2AR", both, 6.25}} {
		row := rep.row(c.name)
		if row == nil || row.Items != 30 || row.Score != percent(float64(c.right)/30) || row.Baselines[byChance] != c.chance {
			t.Errorf("%s: %+v, want %d of 30", c.name, row, c.right)
		}
	}
}

func TestChoicePrior(t *testing.T) {
	say := func(s string) []datasets.Word { return []datasets.Word{{Text: s}} }
	q := datasets.Choice{Question: say("what?"), Answers: [][]datasets.Word{say("a"), say("b"), say("c"), say("d")}, Answer: 1}
	p := choicePrior{}
	if got := p.right(q, false); got != 0.25 {
		t.Errorf("without a count: %g", got)
	}
	p.fit("a what?", "b")
	p.fit("a what?", "d")
	if got := p.right(q, false); got != 0.5 {
		t.Errorf("with two as frequent: %g", got)
	}
	p.fit("a what?", "b")
	if got := p.right(q, false); got != 1 {
		t.Errorf("with the right one ahead: %g", got)
	}
}

func TestEvalITM(t *testing.T) {
	dir := allHeads(t)
	out := filepath.Join(t.TempDir(), "said.jsonl")
	rep := evalJSON(t, "itm", "--model", dir, "--data", "scenes:5:12", "--pool", "9", "-o", out)
	accepted, rejected := 0, 0
	for _, s := range jsonLines[itmSaid](t, out) {
		if len(s.Texts) != 4 || len(s.Scores) != 4 {
			t.Fatalf("%+v", s)
		}
		for k, p := range s.Scores {
			switch {
			case k == 0:
				accepted += b2i(p > 0.5)
			default:
				rejected += b2i(p <= 0.5)
			}
		}
	}
	if got, want := rep.row("accuracy").Score, percent((float64(accepted)/12+float64(rejected)/36)/2); got != want {
		t.Errorf("accuracy %g, want %g", got, want)
	}
	if r := rep.row("caption of a picture, recall@10"); r == nil || r.Items != 9 || r.Score != 100 {
		t.Errorf("recall@10 of 9: %+v", r)
	}
	if r := rep.row("picture of a caption, recall@1"); r == nil || r.Baselines[byChance] < 11 || r.Baselines[byChance] > 30 {
		t.Errorf("recall@1: %+v", r)
	}
}

func TestChanceRecall(t *testing.T) {
	// One right of four: 1/4, 2/4; two right of four: 1/2, 1 - 1/6.
	for _, c := range []struct {
		right [][]int
		k     int
		want  float64
	}{{[][]int{{0}}, 1, 0.25}, {[][]int{{0}}, 2, 0.5}, {[][]int{{0, 1}}, 2, 5.0 / 6}, {[][]int{{0}, {1, 2}}, 1, 0.375}, {[][]int{{3}}, 10, 1}} {
		if got := chanceRecall(c.right, 4, c.k); got < c.want-1e-12 || got > c.want+1e-12 {
			t.Errorf("%v at %d: %g, want %g", c.right, c.k, got, c.want)
		}
	}
}

func TestEvalPBC(t *testing.T) {
	dir := allHeads(t)
	out := filepath.Join(t.TempDir(), "said.jsonl")
	rep := evalJSON(t, "pbc", "--model", dir, "--data", "scenes:5:8", "-o", out)
	said := jsonLines[pbcSaid](t, out)
	sum := 0.0
	for _, s := range said {
		if len(s.Inside) == 0 || len(s.Scores) != 64 {
			t.Fatalf("%+v", s)
		}
		sum += s.Pointing
	}
	r := rep.row("pointing")
	if r.Items != len(said) || r.Score != percent(sum/float64(len(said))) || r.Baselines[byTextOnly] <= 0 || r.Baselines[byChance] <= 0 {
		t.Errorf("%+v of %d", r, len(said))
	}
	if rep.row("average precision") == nil {
		t.Error("no average precision")
	}
}

func TestEvalMLM(t *testing.T) {
	dir := allHeads(t)
	out := filepath.Join(t.TempDir(), "said.jsonl")
	rep := evalJSON(t, "mlm", "--model", dir, "--data", "scenes:5:8", "--share", "0.5", "-o", out)
	first, five, n := 0, 0, 0
	for _, s := range jsonLines[mlmSaid](t, out) {
		if len(s.Masked) == 0 || len(s.Right) != len(s.Masked) || len(s.Said) != len(s.Rank) || len(s.Rank) != len(s.Right) {
			t.Fatalf("%+v", s)
		}
		for k, rank := range s.Rank {
			n++
			first += b2i(rank == 1)
			five += b2i(rank <= 5)
			if (rank == 1) != (s.Said[k] == s.Right[k]) {
				t.Errorf("rank %d, said %q for %q", rank, s.Said[k], s.Right[k])
			}
		}
	}
	if r := rep.row("accuracy"); r.Items != n || r.Score != percent(float64(first)/float64(n)) {
		t.Errorf("%+v, want %d of %d", r, first, n)
	}
	if r := rep.row("among the best 5"); r.Score != percent(float64(five)/float64(n)) {
		t.Errorf("%+v, want %d of %d", r, five, n)
	}
}

// TestEvalStops cancels an evaluation: what is finished is printed.
func TestEvalStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out, err := evalContext(ctx, "vqa", "--model", "embedded", "--data", "scenes:1:5")
	var told *reportedError
	if !errors.As(err, &told) || !strings.Contains(out, "0 items of 30, interrupted") {
		t.Errorf("%v\n%s", err, out)
	}
	loop := &evalLoop{w: &bytes.Buffer{}, every: time.Hour}
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	finished, err := loop.run(ctx, [][]int{{0, 2}, {1}, {3}}, func(items []int) error { cancel(); return nil })
	if n := count(finished); err != nil || n == 0 || n == 4 || finished[0] != finished[2] {
		t.Errorf("%v finished, %v", finished, err)
	}
}

func TestEvalMistakes(t *testing.T) {
	for _, c := range []struct {
		args string
		want string
	}{
		{"vqa --data scenes:1:2", "--model is missing"},
		{"vqa --model embedded", "--data is missing"},
		{"vqa --model embedded --data nowhere:1:2", "the kind before the colon is one of captions, easy-vqa"},
		{"vqa --model embedded --data scenes:1", "write scenes:SEED:N"},
		{"vqa --model embedded --data scenes:1:2 --split dev", `scenes has no split "dev"`},
		{"vqa --model embedded --data captions:x --images y", `has no questions: use easy-vqa`},
		{"vqa --model embedded --data vqa:x", "name the folder of its pictures"},
		{"vqa --model embedded --data easy-vqa:nowhere", "reading easy-VQA"},
		{"itm --model nowhere --data scenes:1:2", "nowhere"},
		{"itm --model a --model b --data scenes:1:2", "given 2 times"},
		{"mlm --model a --data scenes:1:2 --share 2", "--share 2"},
	} {
		out, err := eval(t, strings.Fields(c.args)...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q\n%s", c.args, err, c.want, out)
		}
	}
}
