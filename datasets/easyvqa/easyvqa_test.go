package easyvqa_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govle/datasets/easyvqa"
	"govle/datasets/metrics"
)

func TestOpen(t *testing.T) {
	list, err := easyvqa.Open("testdata", "train")
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 || list[1].Text != "is there a blue shape?" || list[1].Answer != "yes" || list[1].AnswerType != "yes/no" ||
		list[0].Type != "shape" || list[2].Type != "color" || list[2].ID != 2 {
		t.Errorf("%+v", list)
	}
	if img, err := list[2].Picture.Image(); err != nil || img.Bounds().Dx() != 64 {
		t.Errorf("picture: %v", err)
	}
	v, err := easyvqa.Vocab("testdata")
	if err != nil || v.Len() != 4 {
		t.Errorf("vocabulary %v, %v", v, err)
	}
}

// TestHeldOut checks that fit and val share no picture and make up train.
func TestHeldOut(t *testing.T) {
	fit, err := easyvqa.Open("testdata", "fit")
	if err != nil {
		t.Fatal(err)
	}
	val, err := easyvqa.Open("testdata", "val")
	if err != nil {
		t.Fatal(err)
	}
	if len(fit) != 2 || len(val) != 1 || val[0].ID != 0 || fit[0].ID != 1 || fit[1].ID != 2 {
		t.Errorf("fit %+v, val %+v", fit, val)
	}
	for _, q := range fit {
		if q.Picture.Name == val[0].Picture.Name {
			t.Errorf("%s is in both", q.Picture.Name)
		}
	}
	if _, err := easyvqa.Open("testdata", "dev"); err == nil || !strings.Contains(err.Error(), `no split "dev"`) {
		t.Errorf("split dev: %v", err)
	}
}

// copyFixture copies testdata so that a test can break it.
func copyFixture(t testing.TB) string {
	dir := filepath.Join(t.TempDir(), "easy")
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBadFolders(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, want string }{
		{"answer outside the vocabulary", "train/questions.json", `"blue", 1`, `"mauve", 1`, `questions.json:3: entry 2: answer "mauve" is not in answers.txt`},
		{"missing picture", "train/questions.json", `"yes", 1`, `"yes", 12`, "questions.json:2: entry 1: no picture 12.png in"},
		{"two parts", "train/questions.json", `, 0]`, `]`, "questions.json:1: entry 0: a question is [text, answer, image id]"},
		{"text as picture", "train/questions.json", `"circle", 0`, `"circle", "0"`, "part 2 of [text, answer, image id]"},
		{"empty question", "train/questions.json", `"is there a blue shape?"`, `""`, "questions.json:2: entry 1: the question is empty"},
		{"cut short", "train/questions.json", "]]\n", "]", "in the middle of its JSON"},
		{"an object", "train/questions.json", `[["what shape`, `{"a": ["what shape`, "the file is not a list"},
		{"duplicate answer", "answers.txt", "yes", "no", `answer "no" has two labels, 2 and 3`},
	} {
		dir := copyFixture(t)
		file := filepath.Join(dir, c.file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(c.old)) {
			t.Fatalf("%s: no %q", c.file, c.old)
		}
		if err := os.WriteFile(file, bytes.Replace(text, []byte(c.old), []byte(c.new), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := easyvqa.Open(dir, "train"); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
	}
	if _, err := easyvqa.Open("testdata", "test"); err == nil || !strings.Contains(err.Error(), "test") {
		t.Errorf("a missing split: %v", err)
	}
}

// TestPublished reads the whole of easy-VQA where GOVLE_EASYVQA names its data
// folder, and finds its published sizes and baselines again.
func TestPublished(t *testing.T) {
	dir := os.Getenv("GOVLE_EASYVQA")
	if dir == "" {
		t.Skip("GOVLE_EASYVQA names no folder easy_vqa/data")
	}
	train, err := easyvqa.Open(dir, "train")
	if err != nil {
		t.Fatal(err)
	}
	test, err := easyvqa.Open(dir, "test")
	if err != nil {
		t.Fatal(err)
	}
	if len(train) != 38575 || len(test) != 9673 {
		t.Errorf("%d and %d questions, want 38,575 and 9,673", len(train), len(test))
	}
	var p metrics.Prior
	for _, q := range train {
		p.Fit(q.Text, q.Answer)
	}
	var prior, majority float64
	for _, q := range test {
		if p.Answer(q.Text) == q.Answer {
			prior++
		}
		if p.Majority() == q.Answer {
			majority++
		}
	}
	prior, majority = 100*prior/float64(len(test)), 100*majority/float64(len(test))
	if math.Abs(prior-67.0) > 0.15 || math.Abs(majority-37.3) > 0.05 {
		t.Errorf("question-only prior %.2f %%, majority %.2f %%; want 67.0 and 37.3", prior, majority)
	}
}

func FuzzOpen(f *testing.F) {
	text, err := os.ReadFile("testdata/train/questions.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, []byte("circle\nblue\nyes\nno\n"))
	f.Add([]byte(`[["", "yes", 0]]`), []byte("yes"))
	f.Add([]byte(`[["q", "yes", 1e3]]`), []byte(`{"yes": 0}`))
	dir := copyFixture(f)
	f.Fuzz(func(t *testing.T, questions, answers []byte) {
		if os.WriteFile(filepath.Join(dir, "train", "questions.json"), questions, 0o644) != nil ||
			os.WriteFile(filepath.Join(dir, "answers.txt"), answers, 0o644) != nil {
			t.Skip()
		}
		list, err := easyvqa.Open(dir, "train")
		if err != nil && !strings.Contains(err.Error(), dir) {
			t.Errorf("error %v names no file", err)
		}
		for _, q := range list {
			if _, err := os.Stat(q.Picture.File); q.Text == "" || err != nil {
				t.Errorf("%+v was let through", q)
			}
		}
	})
}
