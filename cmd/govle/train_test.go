package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govle/datasets/scenes"
	"govle/vle"
	"govle/vle/checkpoint"
)

// TestTrain trains a few steps on generated scenes, resumes, and opens the result.
func TestTrain(t *testing.T) {
	embedded, err := vle.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cfg := *embedded.Model.Config()
	cfg.Labels = scenes.Answers()
	m, err := vle.NewVQA(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	vle.Initialize(m, 1)
	if err := vle.Save(filepath.Join(dir, "start"), m, embedded.Processor, checkpoint.SaveOptions{}); err != nil {
		t.Fatal(err)
	}
	run := func(extra string, args ...string) (string, error) {
		text := "model = \"start\"\nsteps = 2\nbatch = 4\ndir = \"out\"\n" + extra + `
[[data]]
kind = "scenes"
limit = 10
[[held]]
kind = "scenes"
limit = 2
[groups]
lr = 1e-3
[[objective]]
name = "vqa"
`
		path := filepath.Join(dir, "run.toml")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		root := newRoot()
		var b bytes.Buffer
		root.SetOut(&b)
		root.SetErr(&b)
		root.SetArgs(append([]string{"train", "--config", path}, args...))
		err := root.ExecuteContext(context.Background())
		return b.String(), err
	}
	out, err := run("")
	if err != nil || !strings.Contains(out, "step 2/2") || !strings.Contains(out, "question only") {
		t.Fatalf("%v\n%s", err, out)
	}
	p, err := vle.OpenVQA(filepath.Join(dir, "out", "best"))
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	var state struct{ Step int }
	data, err := os.ReadFile(filepath.Join(dir, "out", "last", "trainer.json"))
	if err == nil {
		err = json.Unmarshal(data, &state)
	}
	if err != nil || state.Step != 2 {
		t.Errorf("the last checkpoint is of step %d: %v", state.Step, err)
	}
	if out, err := run(""); err == nil || !strings.Contains(err.Error(), "Resume") {
		t.Errorf("over a finished run: %v\n%s", err, out)
	}
	if out, err := run("", "--resume"); err != nil || !strings.Contains(out, "done") {
		t.Errorf("resuming a finished run: %v\n%s", err, out)
	}
	if out, err := run("learning_rate = 3"); err == nil || !strings.Contains(err.Error(), "learning_rate") {
		t.Errorf("an unknown key: %v\n%s", err, out)
	}
}
