package metrics_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"govle/datasets/metrics"
)

// golden opens a recording of the reference, which lies beside the module; a
// checkout without it skips the test.
func golden(t *testing.T, path ...string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(append([]string{"..", "..", "..", "shared", "golden"}, path...)...))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no recordings of the reference beside the module")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestOfficialVQAEvaluation(t *testing.T) {
	var g struct {
		Cases []struct {
			ID           int                   `json:"question_id"`
			QuestionType string                `json:"question_type"`
			AnswerType   string                `json:"answer_type"`
			Answers      []metrics.HumanAnswer `json:"answers"`
			Prediction   string                `json:"prediction"`
			Acc          float64               `json:"acc"`
		} `json:"cases"`
		Normalisation []struct{ In, ProcessPunctuation, ProcessDigitArticle, Both string }
		metrics.VQAResult
	}
	if err := json.NewDecoder(golden(t, "vqa-eval", "vqa_eval_official.json")).Decode(&g); err != nil {
		t.Fatal(err)
	}
	if len(g.Cases) < 3000 || len(g.Normalisation) < 300 {
		t.Fatalf("only %d cases and %d normalisations", len(g.Cases), len(g.Normalisation))
	}
	for _, n := range g.Normalisation {
		if got := metrics.ProcessPunctuation(n.In); got != n.ProcessPunctuation {
			t.Errorf("punctuation of %q: %q, want %q", n.In, got, n.ProcessPunctuation)
		}
		if got := metrics.ProcessDigitArticle(n.In); got != n.ProcessDigitArticle {
			t.Errorf("digits and articles of %q: %q, want %q", n.In, got, n.ProcessDigitArticle)
		}
		if got := metrics.ProcessDigitArticle(metrics.ProcessPunctuation(n.In)); got != n.Both {
			t.Errorf("both on %q: %q, want %q", n.In, got, n.Both)
		}
	}
	var v metrics.VQA
	for _, c := range g.Cases {
		acc, err := v.Add(c.Prediction, c.Answers, c.AnswerType, c.QuestionType)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := strconv.ParseFloat(strconv.FormatFloat(100*acc, 'f', 2, 64), 64); got != c.Acc {
			t.Errorf("question %d: %v, want %v", c.ID, got, c.Acc)
		}
	}
	got := v.Result()
	if got.Questions != len(g.Cases) || got.Overall != g.Overall {
		t.Errorf("overall %v on %d questions, want %v", got.Overall, got.Questions, g.Overall)
	}
	same(t, "answer type", got.PerAnswerType, g.PerAnswerType)
	same(t, "question type", got.PerQuestionType, g.PerQuestionType)
}

func same(t *testing.T, what string, got, want map[string]float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d entries per %s, want %d", len(got), what, len(want))
	}
	for k, w := range want {
		if got[k] != w {
			t.Errorf("%s %q: %v, want %v", what, k, got[k], w)
		}
	}
}

func TestNormalizeWordAsTheReference(t *testing.T) {
	lines := bufio.NewScanner(golden(t, "training", "normalize_word.jsonl"))
	n := 0
	for lines.Scan() {
		var c struct{ In, Out string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if got := metrics.NormalizeWord(c.In); got != c.Out {
			t.Errorf("%q: %q, want %q", c.In, got, c.Out)
		}
		n++
	}
	if n < 300 {
		t.Errorf("only %d cases", n)
	}
}
