package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/train"
)

// losses trains and returns the loss of every step.
func losses(t *testing.T, o train.Options) []float64 {
	t.Helper()
	var out []float64
	o.ReportEvery = time.Nanosecond
	o.Report = func(s *train.Status) {
		if s.Event == "" {
			out = append(out, s.Loss)
		}
	}
	tr := trainer(t, fresh(t, vle.NewVQA), squares(100, 3), o)
	if err := tr.Fit(context.Background()); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLearns trains from scratch and asks for what chance cannot give.
func TestLearns(t *testing.T) {
	m := fresh(t, vle.NewVQA)
	o := quiet()
	o.Epochs = 6
	held := &train.Held{Objective: train.VQA{}, Data: squares(200, 99), Baseline: 0.42, BaselineName: "question only"}
	o.Evaluate = held.Evaluate
	o.EvaluateEvery = 200
	var last *train.Status
	o.Report = func(s *train.Status) { last = s }
	tr := trainer(t, m, squares(1600, 3), o)
	if err := tr.Fit(context.Background()); err != nil {
		t.Fatal(err)
	}
	scores := last.Evaluations[len(last.Evaluations)-1].Scores
	t.Logf("%s; %v", last, scores)
	if last.Smooth > 0.1 || scores[0].Value < 0.97 {
		t.Errorf("after %d steps the loss is %.3f (below 0.1 was expected) and the accuracy on held-out pictures %.3f (0.97)", tr.Done(), last.Smooth, scores[0].Value)
	}
	html := last.MIMEBundle()["text/html"].(string)
	for _, want := range []string{"<svg", "polyline", "vqa accuracy", "question only", "<table>"} {
		if !strings.Contains(html, want) {
			t.Errorf("the notebook's view lacks %q", want)
		}
	}
	if f := os.Getenv("GOVLE_TRAIN_HTML"); f != "" {
		os.WriteFile(f, []byte(html), 0o644)
	}
}

// TestThreads: the losses of a run are the same to the last bit on any number of
// processors.
func TestThreads(t *testing.T) {
	accumulated := quiet()
	accumulated.Epochs, accumulated.Accumulate = 2, 2
	whole := quiet() // one shard: the operators themselves use the processors
	whole.Epochs, whole.Shards, whole.Batch = 3, 1, 100
	for name, o := range map[string]train.Options{"8 shards": accumulated, "1 shard": whole} {
		want := losses(t, o)
		for _, n := range []int{1, 2, 5} {
			old := runtime.GOMAXPROCS(n)
			got := losses(t, o)
			runtime.GOMAXPROCS(old)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s on %d processors:\n%v, on %d:\n%v", name, n, got, old, want)
			}
		}
		o.Seed++
		if reflect.DeepEqual(losses(t, o), want) {
			t.Errorf("%s: another seed gives the same losses", name)
		}
	}
}

// TestResume: a run that is cut in pieces and read back from its checkpoints has
// the losses of one that was not.
func TestResume(t *testing.T) {
	o := quiet()
	o.Epochs = 3
	o.Evaluate = (&train.Held{Objective: train.VQA{}, Data: squares(40, 5)}).Evaluate
	want := losses(t, o)
	o.Dir = filepath.Join(t.TempDir(), "run")
	o.Resume = true
	o.ReportEvery = time.Nanosecond
	var got []float64
	pieces := 0
	for len(got) < len(want) {
		pieces++
		ctx, cancel := context.WithCancel(context.Background())
		n := 0
		o.Report = func(s *train.Status) {
			if s.Event != "" {
				return
			}
			got = append(got, s.Loss)
			if n++; n == 4 {
				cancel()
			}
		}
		m := fresh(t, vle.NewVQA) // what it holds must not matter
		vle.Initialize(m, uint64(pieces))
		if pieces == 1 {
			vle.Initialize(m, 1)
		}
		tr := trainer(t, m, squares(100, 3), o)
		err := tr.Fit(ctx)
		if len(got) < len(want) && !errors.Is(err, context.Canceled) {
			t.Fatalf("piece %d: %v", pieces, err)
		}
		cancel()
	}
	if pieces < 3 || !reflect.DeepEqual(got, want) {
		t.Errorf("in %d pieces:\n%v, at once:\n%v", pieces, got, want)
	}
	csv, err := os.ReadFile(filepath.Join(o.Dir, "log.csv"))
	if lines := strings.Count(string(csv), "\n"); err != nil || lines != len(want)+1 {
		t.Errorf("log.csv has %d lines for %d steps (%v)", lines, len(want), err)
	}
	// Both checkpoints load as models of the reference's layout.
	for _, name := range []string{"last", "best"} {
		s, err := checkpoint.Open(filepath.Join(o.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := vle.Load(fresh(t, vle.NewVQA), s, vle.LoadOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
	}
	if left, _ := filepath.Glob(filepath.Join(o.Dir, "step-*")); len(left) > 2 {
		t.Errorf("old checkpoints are left: %v", left)
	}
	// Other settings, and a new run in the same place, are refused.
	o.Batch = 8
	if _, err := train.New(fresh(t, vle.NewVQA), squares(100, 3), o); err == nil || !strings.Contains(err.Error(), `batch "16"`) && !strings.Contains(err.Error(), "steps") {
		t.Errorf("resuming with another batch: %v", err)
	}
	o.Batch, o.Resume = 16, false
	if _, err := train.New(fresh(t, vle.NewVQA), squares(100, 3), o); err == nil || !strings.Contains(err.Error(), "Resume") {
		t.Errorf("a new run over an old one: %v", err)
	}
}

// TestInterrupt: Fit stops between steps and goes on with the same losses.
func TestInterrupt(t *testing.T) {
	o := quiet()
	o.Epochs = 2
	want := losses(t, o)
	ctx, cancel := context.WithCancel(context.Background())
	var got []float64
	o.ReportEvery = time.Nanosecond
	o.Report = func(s *train.Status) {
		if s.Event == "" {
			if got = append(got, s.Loss); len(got) == 3 {
				cancel()
			}
		}
	}
	tr := trainer(t, fresh(t, vle.NewVQA), squares(100, 3), o)
	if err := tr.Fit(ctx); !errors.Is(err, context.Canceled) || tr.Done() != 3 {
		t.Fatalf("after %d steps: %v", tr.Done(), err)
	}
	if err := tr.Fit(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("interrupted:\n%v, at once:\n%v", got, want)
	}
	if err := tr.Fit(context.Background()); err != nil || tr.Done() != tr.Steps() {
		t.Errorf("Fit of a finished run: %v", err)
	}
}

// TestInterruptedEvaluation: an evaluation that was cut off is made up for, in the
// same process and in another one.
func TestInterruptedEvaluation(t *testing.T) {
	for _, again := range []bool{false, true} {
		o := quiet()
		o.Dir, o.Resume = filepath.Join(t.TempDir(), "run"), true
		ctx, cancel := context.WithCancel(context.Background())
		var at []int
		var tr *train.Trainer
		o.Evaluate = func(c context.Context, _ vle.Parameterized) ([]train.Score, error) {
			at = append(at, tr.Done())
			cancel()
			return []train.Score{{Name: "x", Value: 1}}, c.Err()
		}
		o.EvaluateEvery = 3
		tr = trainer(t, fresh(t, vle.NewVQA), squares(100, 3), o)
		if err := tr.Fit(ctx); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if again {
			tr = trainer(t, fresh(t, vle.NewVQA), squares(100, 3), o)
		}
		if err := tr.Fit(context.Background()); err != nil || !reflect.DeepEqual(at, []int{3, 3, 6, 7}) {
			t.Errorf("in another process %v: evaluated after steps %v: %v", again, at, err)
		}
	}
}

// TestBadData: what is wrong is named, and the model keeps the finished steps.
func TestBadData(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*train.Example)
		want  string
	}{
		{"NaN", func(e *train.Example) { e.Pixels[5] = float32(math.NaN()) }, `step 1: the loss of vqa is NaN for the examples "square 4"`},
		{"label", func(e *train.Example) { e.Labels = []int{77} }, `"square 4": vle: item 0: label 77`},
		{"picture", func(e *train.Example) { e.Pixels = e.Pixels[:7] }, `"square 4"`},
		{"token", func(e *train.Example) { e.IDs = []int{1, 9999, 2} }, `"square 4"`},
	} {
		data := squares(32, 3)
		c.spoil(data[4])
		m := fresh(t, vle.NewVQA)
		before := fmt.Sprint(vle.Parameters(m)[0].Data)
		o := quiet()
		o.Batch = 32
		tr := trainer(t, m, data, o)
		err := tr.Fit(context.Background())
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if tr.Done() != 0 || fmt.Sprint(vle.Parameters(m)[0].Data) != before {
			t.Errorf("%s: the failed step changed the model", c.name)
		}
	}
	broken := func(i int) (*train.Example, error) { return nil, fmt.Errorf("img/%d.png: no such file", i) }
	tr := trainer(t, fresh(t, vle.NewVQA), reader(broken), quiet())
	if err := tr.Fit(context.Background()); err == nil || !strings.Contains(err.Error(), ".png: no such file") {
		t.Errorf("missing picture: %v", err)
	}
}

type reader func(i int) (*train.Example, error)

func (r reader) Len() int                                            { return 50 }
func (r reader) Example(i int, _ *rand.Rand) (*train.Example, error) { return r(i) }

// TestEarlyStop: a score that gets no better ends the run.
func TestEarlyStop(t *testing.T) {
	o := quiet()
	o.Epochs, o.Patience, o.EvaluateEvery = 50, 2, 3
	calls := 0
	o.Evaluate = func(context.Context, vle.Parameterized) ([]train.Score, error) {
		calls++
		return []train.Score{{Name: "error", Value: float64(min(calls, 2)), LowerIsBetter: true}}, nil
	}
	var last *train.Status
	o.Report = func(s *train.Status) { last = s }
	tr := trainer(t, fresh(t, vle.NewVQA), squares(100, 3), o)
	if err := tr.Fit(context.Background()); err != nil || calls != 3 || tr.Done() != 9 || !strings.Contains(last.Stopped, "no better error") {
		t.Errorf("%d evaluations, %d steps, %q, %v", calls, tr.Done(), last.Stopped, err)
	}
}

// TestFindLR: the curve covers the rates, the model is as before.
func TestFindLR(t *testing.T) {
	m := fresh(t, vle.NewVQA)
	before := fmt.Sprint(vle.Parameters(m))
	c, err := train.FindLR(context.Background(), m, squares(64, 3), quiet(), 1e-5, 1, 40)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(vle.Parameters(m)) != before {
		t.Error("the model was changed")
	}
	if c.Suggested < 1e-4 || c.Suggested > 0.3 {
		t.Errorf("suggested %g: %v", c.Suggested, c.Loss)
	}
	if h := c.MIMEBundle()["text/html"].(string); !strings.Contains(h, "polyline") {
		t.Error("no curve")
	}
}

// TestShards: the gradient of a batch does not depend on how it is cut but for
// rounding, and accumulated batches are the mean of theirs.
func TestShards(t *testing.T) {
	norm := func(batch, accumulate, shards int) train.Step {
		o := quiet()
		o.NoDropout, o.Batch, o.Accumulate, o.Shards, o.Steps = true, batch, accumulate, shards, 1
		tr := trainer(t, fresh(t, vle.NewVQA), squares(24, 3), o)
		if err := tr.Fit(context.Background()); err != nil {
			t.Fatal(err)
		}
		return tr.Last()
	}
	want := norm(24, 1, 1)
	for _, c := range [][3]int{{24, 1, 5}, {24, 1, 24}, {8, 3, 2}} {
		if got := norm(c[0], c[1], c[2]); math.Abs(got.Loss-want.Loss) > 1e-5*want.Loss || math.Abs(got.GradNorm-want.GradNorm) > 1e-4*want.GradNorm {
			t.Errorf("batch, accumulation and shards %v: loss %g, gradient %g; at once %g, %g", c, got.Loss, got.GradNorm, want.Loss, want.GradNorm)
		}
	}
}
