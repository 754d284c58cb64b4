package datasets_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"govle/datasets"
	"govle/datasets/metrics"
)

// write puts a file into a new folder and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestReadVocab(t *testing.T) {
	want := []string{"", "two words", "ok"}
	for name, text := range map[string]string{
		"list":   `["", "two words", "ok"]`,
		"object": `{"ok": 2, "": 0, "two words": 1}`,
	} {
		v, err := datasets.ReadVocab(write(t, name, text))
		if err != nil || !slices.Equal(v.Answers(), want) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	v, err := datasets.ReadVocab(write(t, "lines.txt", "circle\r\nno \n"))
	if err != nil || !slices.Equal(v.Answers(), []string{"circle", "no"}) {
		t.Errorf("lines: %v, %v", v, err)
	}
	var out bytes.Buffer
	if err := v.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	if again, err := datasets.ReadVocab(write(t, "again", out.String())); err != nil || !slices.Equal(again.Answers(), v.Answers()) {
		t.Errorf("written and read: %v, %v", again, err)
	}
	for text, want := range map[string]string{
		`["a", "b", "a"]`:  `answer "a" has two labels, 0 and 2`,
		`["a", 5]`:         "not a list of answers",
		`{"a": 0, "b": 2}`: `label 2 of answer "b" is outside 0 to 1`,
		`{"a": 1, "b": 1}`: `answers "a" and "b" share label 1`,
		`[]`:               "without answers",
		"a\n\nb\n":         "line 2 is empty",
		``:                 "line 1 is empty",
	} {
		file := write(t, "bad", text)
		if _, err := datasets.ReadVocab(file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: error %v does not say %q and %s", text, err, want, file)
		}
	}
}

// TestPublishedVocabularies reads the 3,129 answers of VQAv2 in both their
// forms, which must agree.
func TestPublishedVocabularies(t *testing.T) {
	dir := filepath.Join("..", "..", "shared", "data", "vqa-vocab")
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no VQAv2 vocabulary beside the module")
	}
	list, err := datasets.ReadVocab(filepath.Join(dir, "trainval_label2ans.json"))
	if err != nil {
		t.Fatal(err)
	}
	object, err := datasets.ReadVocab(filepath.Join(dir, "trainval_ans2label.json"))
	if err != nil {
		t.Fatal(err)
	}
	if list.Len() != 3129 || !slices.Equal(list.Answers(), object.Answers()) {
		t.Errorf("%d answers in the list, %d in the object, or they differ", list.Len(), object.Len())
	}
}

func TestSoftScore(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "shared", "golden", "training", "get_score.json"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no recordings of the reference beside the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var want map[int]float32
	if err := json.NewDecoder(f).Decode(&want); err != nil {
		t.Fatal(err)
	}
	for n, w := range want {
		if got := datasets.SoftScore(n); got != w {
			t.Errorf("%d annotators: %v, want %v", n, got, w)
		}
	}
}

func TestTargets(t *testing.T) {
	v, err := datasets.NewVocab([]string{"yes", "no", "red"})
	if err != nil {
		t.Fatal(err)
	}
	var humans []metrics.HumanAnswer
	for _, a := range []string{"red", "yes", "mauve", "red", "red", "Yes", "yes", "no", "red", "red"} {
		humans = append(humans, metrics.HumanAnswer{Answer: a})
	}
	labels, scores, err := v.Targets(datasets.Question{Humans: humans})
	if err != nil || !slices.Equal(labels, []int{2, 0, 1}) || !slices.Equal(scores, []float32{1, 0.6, 0.3}) {
		t.Errorf("labels %v, scores %v, error %v", labels, scores, err)
	}
	labels, scores, err = v.Targets(datasets.Question{Answer: "no"})
	if err != nil || !slices.Equal(labels, []int{1}) || !slices.Equal(scores, []float32{1}) {
		t.Errorf("labels %v, scores %v, error %v", labels, scores, err)
	}
	if _, _, err = v.Targets(datasets.Question{ID: 7, Text: "what?", Answer: "mauve"}); err == nil ||
		!strings.Contains(err.Error(), `question 7 ("what?"): answer "mauve" is not in the vocabulary of 3 answers`) {
		t.Errorf("error %v", err)
	}
}
