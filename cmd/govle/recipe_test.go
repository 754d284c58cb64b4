package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"govle/datasets/scenes"
	"govle/vle"
	"govle/vle/train"
)

// TestRecipe takes two steps of the embedded model's recipe, on scenes alone, and
// opens every head of the result.
func TestRecipe(t *testing.T) {
	const recipe = "../../vle/recipe"
	dir := t.TempDir()
	processor := filepath.Join(dir, "processor")
	command := func(args ...string) string {
		t.Helper()
		root := newRoot()
		var b bytes.Buffer
		root.SetOut(&b)
		root.SetErr(&b)
		root.SetArgs(args)
		if err := root.ExecuteContext(context.Background()); err != nil {
			t.Fatalf("govle %s: %v\n%s", strings.Join(args, " "), err, b.String())
		}
		return b.String()
	}
	command("vocabulary", "--data", "scenes:1:300", "-o", processor)
	settings, err := os.ReadFile(filepath.Join(recipe, "preprocessor_config.json"))
	if err == nil {
		err = os.WriteFile(filepath.Join(processor, "preprocessor_config.json"), settings, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := train.ReadConfig(filepath.Join(recipe, "train.toml"))
	if err != nil {
		t.Fatal(err)
	}
	c.Processor, c.Dir, c.Steps, c.Batch = processor, filepath.Join(dir, "run"), 2, 36
	for _, list := range []*[]train.DataConfig{&c.Data, &c.Held} {
		*list = slices.DeleteFunc(*list, func(d train.DataConfig) bool { return d.Kind != "scenes" })
		for i := range *list {
			(*list)[i].Limit = 6
		}
	}
	if err := trainRun(context.Background(), c, func(*train.Status) {}); err != nil {
		t.Fatal(err)
	}
	last := filepath.Join(c.Dir, "last")
	weights, err := os.Stat(filepath.Join(last, "model.safetensors"))
	if err != nil || weights.Size() > 5<<20 {
		t.Errorf("the weights take %d bytes: %v", weights.Size(), err)
	}
	scores, err := os.ReadFile(filepath.Join(c.Dir, "scores.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range c.Objectives {
		if !strings.Contains(string(scores), o.Name+" accuracy") {
			t.Errorf("no score of %s among\n%s", o.Name, scores)
		}
	}
	g, err := scenes.New(scenes.Config{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	img, err := g.Scene(scenes.Val, 0).Draw(64)
	if err != nil {
		t.Fatal(err)
	}
	var failed []error
	fail := func(err error) { failed = append(failed, err) }
	if p, err := vle.OpenVQA(last); err != nil {
		fail(err)
	} else if labels := p.Model.Config().Labels; !slices.Equal(labels, scenes.Answers()) {
		t.Errorf("the model answers %v, scenes ask for %v", labels, scenes.Answers())
	}
	if p, err := vle.OpenITM(last); err != nil {
		fail(err)
	} else if _, err := p.Match(img, "a red circle"); err != nil {
		fail(err)
	}
	if p, err := vle.OpenPBC(last); err != nil {
		fail(err)
	} else if _, err := p.Locate(img, "a red circle"); err != nil {
		fail(err)
	}
	if p, err := vle.OpenMLM(last); err != nil {
		fail(err)
	} else if _, err := p.Fill(img, "a [MASK] circle", 3); err != nil {
		fail(err)
	}
	choice, err := g.Choices(scenes.Val, 1).At(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range []vle.VCRTask{vle.Q2A, vle.QA2R} {
		if p, err := vle.OpenVCR(last, task); err != nil {
			fail(err)
		} else if _, err := p.Choose(img, vcrQuestion(choice), 0); err != nil {
			fail(err)
		}
	}
	for _, err := range failed {
		t.Error(err)
	}
}
