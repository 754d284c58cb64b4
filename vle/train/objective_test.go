package train_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/nn"
	"govle/vle/tokenizer"
	"govle/vle/train"
)

// words is the tokenizer of the embedded model.
func words(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	p, err := vle.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return p.Processor.Tokenizer
}

// captions are the squares with a text that tells everything, choices, and ids
// of the given tokenizer where there is one.
func captions(t testing.TB, n int, seed uint64, tok *tokenizer.Tokenizer) train.Examples {
	out := squares(n, seed)
	for _, e := range out {
		patch, colour := e.Inside[0], e.Objects[0]
		text := func(colour int) train.Text {
			if tok == nil {
				return train.Text{IDs: []int{1, 30 + colour, 40 + patch, 2}, FusionTypes: []int{0, 2, 0, 0}}
			}
			e, err := tok.Encode([]string{"a red square", "a green square", "a blue square"}[colour]+[]string{" above", " below", " left", " right"}[patch], tokenizer.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return train.Text{IDs: e.IDs}
		}
		e.Text = text(colour)
		for k := range 3 {
			e.Choices = append(e.Choices, text((colour+1+k)%3))
		}
		e.Right = 2
		if patch == 0 { // not always the last
			e.Choices[0], e.Choices[2], e.Right = e.Choices[2], e.Choices[0], 0
		}
	}
	return out
}

// accuracy trains and returns the accuracy on held-out examples.
func accuracy(t *testing.T, m vle.Parameterized, o train.Objective, data, held train.Examples, epochs int) float64 {
	t.Helper()
	opts := quiet()
	opts.Objective, opts.Epochs = o, epochs
	if err := trainer(t, m, data, opts).Fit(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := (&train.Held{Objective: o, Data: held}).Evaluate(context.Background(), m)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %v", o.Name(), s)
	return s[0].Value
}

// tellsColours trains m's body to say the colour of the square. From there a head
// learns at once what text and picture have in common. From scratch, where neither
// side alone tells anything, the loss stays on a plateau for long, and for how
// long depends on the last bits.
func tellsColours(t *testing.T, m vle.Parameterized) {
	t.Helper()
	vqa := fresh(t, vle.NewVQA)
	if _, err := train.NewJoint(vqa, m); err != nil {
		t.Fatal(err)
	}
	data := captions(t, 800, 3, nil)
	for _, e := range data {
		e.Text, e.Labels = train.Text{IDs: []int{1, 10, 2}}, []int{e.Objects[0]}
	}
	accuracy(t, vqa, train.VQA{}, data, data[:100], 2)
}

// TestObjectives: each objective teaches its head what chance cannot give.
func TestObjectives(t *testing.T) {
	data, held := captions(t, 800, 3, nil), captions(t, 200, 9, nil)
	t.Run("vcr", func(t *testing.T) {
		m := fresh(t, func(c *vle.Config) (*vle.VCR, error) { return vle.NewVCR(c, vle.Q2A) })
		tellsColours(t, m)
		if a := accuracy(t, m, train.VCR{}, data[:400], held, 3); a < 0.95 { // chance 0.33
			t.Errorf("accuracy %.3f", a)
		}
	})
	t.Run("itm", func(t *testing.T) {
		m := fresh(t, vle.NewITM)
		tellsColours(t, m)
		named := func(n int, seed uint64) train.Examples {
			out := captions(t, n, seed, nil)
			for _, e := range out {
				e.Text = train.Text{IDs: []int{1, 30 + e.Objects[0], 2}}
			}
			return out
		}
		if a := accuracy(t, m, train.ITM{}, named(800, 3), named(200, 9), 4); a < 0.95 { // chance 0.5
			t.Errorf("accuracy %.3f", a)
		}
	})
	t.Run("pbc", func(t *testing.T) {
		if a := accuracy(t, fresh(t, vle.NewPBC), train.PBC{}, data, held, 3); a < 0.95 { // chance 0.25
			t.Errorf("pointing %.3f", a)
		}
	})
	t.Run("mpc", func(t *testing.T) {
		// The text names the colour of what is hidden.
		m := fresh(t, func(c *vle.Config) (*train.MPCModel, error) { return train.NewMPCModel(c, 3) })
		if a := accuracy(t, m, train.MPC{}, data, held, 4); a < 0.95 { // chance 0.33
			t.Errorf("accuracy %.3f", a)
		}
	})
}

// TestOnly: an example that is for one objective is passed over by the others.
func TestOnly(t *testing.T) {
	tok := words(t)
	all := []train.Objective{train.VQA{}, train.ITM{}, train.PBC{}, train.MPC{}, train.MLM{Tokenizer: tok}, train.VCR{Task: vle.Q2A}, train.VCR{Task: vle.QA2R}}
	c := config(t)
	data := captions(t, 4, 1, tok)
	for _, o := range all {
		for k, only := range all {
			e := *data[0]
			e.Only = only.Name()
			if k == 0 {
				e.Only = o.Name()
			}
			got, err := o.Prepare(c, []*train.Example{&e}, rand.New(rand.NewPCG(1, 1)))
			if err != nil {
				t.Fatal(err)
			}
			if want := e.Only == o.Name(); (len(got) == 1) != want {
				t.Errorf("%s takes %d of an example for %s", o.Name(), len(got), e.Only)
			}
		}
	}
}

// TestChoiceBoxes: a choice with boxes of its own is judged by those, not by the
// example's.
func TestChoiceBoxes(t *testing.T) {
	m := fresh(t, func(c *vle.Config) (*vle.VCR, error) { return vle.NewVCR(c, vle.Q2A) })
	loss := func(example, choice [][]int) float64 {
		e := *captions(t, 1, 3, nil)[0]
		e.Boxes, e.BoxTypes = example, nil
		e.Choices = slices.Clone(e.Choices)
		for i := range e.Choices {
			e.Choices[i].Boxes = choice
		}
		s, err := (&train.Held{Objective: train.VCR{}, Data: train.Examples{&e}}).Evaluate(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
		return s[1].Value
	}
	a, b := [][]int{{0}}, [][]int{{3}}
	if own, given := loss(b, a), loss(a, nil); own != given {
		t.Errorf("loss %g with the box in the choices, %g in the example", own, given)
	}
	if own, other := loss(b, a), loss(b, nil); own == other {
		t.Errorf("loss %g whatever the choices' boxes", own)
	}
}

// TestMix pre-trains on everything at once, saves, and opens the heads again.
func TestMix(t *testing.T) {
	tok := words(t)
	c := config(t)
	c.Text.VocabSize = tok.VocabSize()
	vqa, err1 := vle.NewVQA(c)
	itm, err2 := vle.NewITM(c)
	mlm, err3 := vle.NewMLM(c)
	pbc, err4 := vle.NewPBC(c)
	mpc, err5 := train.NewMPCModel(c, 3)
	heads := []vle.Parameterized{vqa, itm, mlm, pbc, mpc}
	for i, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			t.Fatal(err)
		}
		vle.Initialize(heads[i], 1)
	}
	j, err := train.NewJoint(heads...)
	if err != nil {
		t.Fatal(err)
	}
	if mlm.Decoder.W != vqa.Body.Text.Words.W {
		t.Fatal("the decoder does not share the joint body's words")
	}
	o := quiet()
	o.Objective, o.Epochs, o.Dir = nil, 4, filepath.Join(t.TempDir(), "run")
	o.Mix = []train.Weighted{{Objective: train.VQA{}}, {Objective: train.ITM{}}, {Objective: train.MLM{Tokenizer: tok, WholeWord: true}, Weight: 0.5},
		{Objective: train.PBC{}}, {Objective: train.MPC{}}}
	tr := trainer(t, j, captions(t, 160, 3, tok), o)
	if err := tr.Fit(context.Background()); err != nil {
		t.Fatal(err)
	}
	last := tr.Last()
	if len(last.Losses) != 5 {
		t.Errorf("losses of %v", last.Losses)
	}
	total := 0.0
	for name, v := range last.Losses {
		w := 1.0
		if name == "mlm" {
			w = 0.5
		}
		total += w * v
	}
	if math.Abs(total-last.Loss) > 1e-5*last.Loss {
		t.Errorf("losses %v sum to %g, the loss is %g", last.Losses, total, last.Loss)
	}
	if last.Losses["mlm"] > 0.75*math.Log(float64(tok.VocabSize())) {
		t.Errorf("MLM's loss is %g after %d steps; guessing gives %g", last.Losses["mlm"], tr.Done(), math.Log(float64(tok.VocabSize())))
	}
	s, err := checkpoint.Open(filepath.Join(o.Dir, "last"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	cfg, err := vle.ReadConfig(filepath.Join(o.Dir, "last"))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(cfg.Architectures); got != "[VLEForVQA VLEForITM VLEForMLM VLEForPBC]" { // the reference has no MPC head
		t.Errorf("architectures %s", got)
	}
	for i, build := range []func() (vle.Parameterized, error){
		func() (vle.Parameterized, error) { return vle.NewVQA(cfg) },
		func() (vle.Parameterized, error) { return vle.NewITM(cfg) },
		func() (vle.Parameterized, error) { return vle.NewMLM(cfg) },
		func() (vle.Parameterized, error) { return vle.NewPBC(cfg) },
		func() (vle.Parameterized, error) { return train.NewMPCModel(cfg, 3) },
	} {
		m, err := build()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := vle.Load(m, s, vle.LoadOptions{}); err != nil {
			t.Errorf("head %d from the joint checkpoint: %v", i, err)
		}
		if got, want := nn.Floats(*word(m)), nn.Floats(*word(heads[i])); !slices.Equal(got, want) {
			t.Errorf("head %d: other word embeddings than were trained", i)
		}
	}
}

func word(m vle.Parameterized) **spago.Param {
	var out **spago.Param
	m.Visit(func(name string, _ []int, p **spago.Param) {
		if strings.HasSuffix(name, "word_embeddings.weight") {
			out = p
		}
	})
	return out
}

// TestMasking holds the shares of masked, replaced and kept tokens, and whole
// words.
func TestMasking(t *testing.T) {
	tok := words(t)
	c := config(t)
	enc, err := tok.Encode("unbelievable rectangles surround triangular thingamabobs everywhere", tokenizer.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, whole := range []bool{false, true} {
		masked, replaced, kept, chosen := 0, 0, 0, 0
		const rounds = 4000
		o := train.MLM{Tokenizer: tok, Share: 0.3, WholeWord: whole}
		rng := rand.New(rand.NewPCG(1, 2))
		for range rounds {
			e := &train.Example{ID: "x", Text: train.Text{IDs: enc.IDs}}
			before := slices.Clone(e.IDs)
			got, err := o.Prepare(c, []*train.Example{e}, rng)
			if err != nil || len(got) != 1 || !slices.Equal(e.IDs, before) {
				t.Fatalf("%v, %d examples; the original may not change", err, len(got))
			}
			chosen += o.Units(c, got[0])
			for i, id := range got[0].IDs {
				switch {
				case id == tok.MaskID():
					masked++
					// A whole word is masked with all of its pieces.
					next := i + 1
					if whole && !tok.IsSpecial(before[next]) && !strings.HasPrefix(tok.Token(before[next]), "▁") && got[0].IDs[next] != id {
						t.Fatalf("token %q is masked, its continuation %q is not", tok.Token(before[i]), tok.Token(before[next]))
					}
				case id != before[i]:
					replaced++
					if tok.IsSpecial(id) || tok.IsSpecial(before[i]) {
						t.Fatalf("%q became %q", tok.Token(before[i]), tok.Token(id))
					}
				}
			}
		}
		kept = chosen - masked - replaced
		n := float64(chosen)
		if math.Abs(n/rounds/float64(len(enc.IDs)-2)-0.3) > 0.02 || math.Abs(float64(masked)/n-0.8) > 0.02 || math.Abs(float64(kept)/n-0.1) > 0.02 {
			t.Errorf("whole words %v: of %d tokens chosen in %d rounds %d were masked, %d replaced, %d kept", whole, chosen, rounds, masked, replaced, kept)
		}
	}
}

// TestConfig reads a run, opens it and trains a step.
func TestConfig(t *testing.T) {
	dir := t.TempDir()
	tok := words(t)
	arch := strings.Replace(tinyConfig, `"vocab_size": 64`, `"vocab_size": 100000`, 1)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("arch.json", strings.Replace(arch, "100000", "10000", 1))
	p, err := vle.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	if err := tok.Save(dir); err != nil {
		t.Fatal(err)
	}
	if err := p.Processor.Images.Save(dir); err != nil {
		t.Fatal(err)
	}
	path := write("run.toml", `
architecture = "arch.json"
processor = "."
steps = 1
batch = 4
dir = "out"
[[data]]
kind = "easy-vqa"
path = "pictures"
[[data]]
kind = "vcr"
path = "/a/choices.jsonl"
images = "pictures"
objective = "vcr_q2a"
[groups]
lr = 1e-3
lr_mult_head = 50
freeze = ["vision_model"]
[schedule]
kind = "cosine"
warmup = 0.1
[[objective]]
name = "itm"
[[objective]]
name = "mlm"
weight = 0.5
whole_word = true
`)
	c, err := train.ReadConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if at := filepath.Join(dir, "pictures"); c.Data[0].Path != at || c.Data[1].Path != "/a/choices.jsonl" || c.Data[1].Images != at {
		t.Errorf("paths of the data: %+v", c.Data)
	}
	m, proc, err := c.Open()
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.Options(proc)
	if err != nil {
		t.Fatal(err)
	}
	o.Report = func(*train.Status) {}
	tr := trainer(t, m, captions(t, 8, 1, tok), o)
	if err := tr.Fit(context.Background()); err != nil {
		t.Fatal(err)
	}
	for _, p := range tr.Parameters() {
		if p.Frozen != strings.Contains(p.Name, "vision_model") {
			t.Errorf("%s: frozen %v", p.Name, p.Frozen)
		}
	}
	if _, err := vle.OpenITM(filepath.Join(dir, "out", "last")); err == nil || !strings.Contains(err.Error(), "image_size") {
		t.Errorf("the checkpoint opened with a processor for other pictures: %v", err)
	}
	for name, want := range map[string]string{
		"steps = 1\nlearning_rat = 3\n[[objective]]\nname='vqa'\n": "learning_rat",
		"steps = ":                      "line 1",
		"model = 'x'\n":                 "objective",
		"[[objective]]\nname = 'vqa'\n": "architecture",
	} {
		if _, err := train.ReadConfig(write("bad.toml", name)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "bad.toml") {
			t.Errorf("%q: %v", name, err)
		}
	}
}
