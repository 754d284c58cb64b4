package parity

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"govle/vle"
	"govle/vle/imageproc"
)

// easyVQAQuick is how many questions a quick run asks.
const easyVQAQuick = 300

// prediction is one line of predictions.jsonl, in the order of the package's
// test/questions.json.
type prediction struct {
	Question string    `json:"question"`
	Image    int       `json:"image_id"`
	Answer   string    `json:"answer"`
	Logits   []float64 `json:"logits"`
}

// findEasyVQA finds a model folder with predictions.jsonl: what the reference
// answered to every question of easy-VQA's official test split.
func findEasyVQA(f *folder) []testCase {
	if !f.has["predictions.jsonl"] || !f.has["config.json"] {
		return nil
	}
	f.path("predictions.jsonl")
	tc := testCase{name: f.caseName("predictions.jsonl")}
	if f.opts.EasyVQA == "" {
		tc.skip = "needs the pictures of the PyPI package easy-vqa 1.0: unpack it and name its folder"
	} else {
		tc.run = func(ctx context.Context, c *check) error { return checkEasyVQA(ctx, c, f) }
	}
	return []testCase{tc}
}

func checkEasyVQA(ctx context.Context, c *check, f *folder) error {
	split, err := easyVQATest(f.opts.EasyVQA)
	if err != nil {
		return err
	}
	lines, err := readLines[prediction](f.path("predictions.jsonl"))
	if err != nil {
		return err
	}
	if err := sameQuestions(split, lines); err != nil {
		return err
	}
	if f.opts.Quick && len(lines) > easyVQAQuick {
		lines = lines[:easyVQAQuick]
	}
	p, err := vle.OpenVQA(f.dir)
	if err != nil {
		return err
	}
	defer p.Close()
	labels := p.Model.Config().Labels
	var img *imageproc.RGB
	shown := -1
	for i, l := range lines {
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.Image != shown {
			if img, err = imageproc.DecodeFile(filepath.Join(split, "images", fmt.Sprintf("%d.png", l.Image)), nil); err != nil {
				return err
			}
			shown = l.Image
		}
		logits, err := p.Logits(img, l.Question)
		if err != nil {
			return fmt.Errorf("question %d, %q: %w", i, l.Question, err)
		}
		best := labels[slices.Index(logits, slices.Max(logits))]
		c.item(best == l.Answer, "question %d, picture %d, %q: %q, recorded %q", i, l.Image, l.Question, best, l.Answer)
		close(c, closely, fmt.Sprintf("logits of question %d", i), logits, l.Logits)
	}
	return nil
}

// easyVQATest finds the test split below the package's folder.
func easyVQATest(dir string) (string, error) {
	for _, below := range []string{"easy_vqa/data/test", "data/test", "test", "."} {
		split := filepath.Join(dir, filepath.FromSlash(below))
		if _, err := os.Stat(filepath.Join(split, "questions.json")); err == nil {
			return split, nil
		}
	}
	return "", fmt.Errorf("%s holds no test/questions.json, easy_vqa/data/test/questions.json or the like: is it the unpacked easy-vqa package?", dir)
}

// sameQuestions makes sure that the package is the one that was recorded with.
func sameQuestions(split string, lines []prediction) error {
	path := filepath.Join(split, "questions.json")
	var questions []json.RawMessage
	if err := readJSON(path, &questions); err != nil {
		return err
	}
	if len(questions) != len(lines) {
		return fmt.Errorf("%s has %d questions, recorded are %d", path, len(questions), len(lines))
	}
	for i, raw := range questions {
		var text, answer string
		var picture int
		if err := json.Unmarshal(raw, &[]any{&text, &answer, &picture}); err != nil {
			return fmt.Errorf("reading %s: question %d: %w", path, i, err)
		}
		if text != lines[i].Question || picture != lines[i].Image {
			return fmt.Errorf("%s: question %d is %q on picture %d, recorded was %q on picture %d", path, i, text, picture, lines[i].Question, lines[i].Image)
		}
	}
	return nil
}
