package parity

import (
	"context"
	"fmt"
	"sort"

	"govle/vle"
	"govle/vle/imageproc"
)

// scoredAnswer is one answer as the reference's pipeline gives it.
type scoredAnswer struct {
	Score  float64 `json:"score"`
	Answer string  `json:"answer"`
}

// vqaLine is one line of vqa.jsonl: a question, or a batch of them.
type vqaLine struct {
	Kind     string         `json:"kind"` // the model: ../model-KIND/ckpt-vqa with processor-KIND
	Image    string         `json:"image"`
	Question string         `json:"question"`
	TopK     int            `json:"top_k"`
	Answers  []scoredAnswer `json:"answers"`
	Logits   []float64      `json:"logits"`

	Batch []struct {
		Image    string `json:"image"`
		Question string `json:"question"`
	} `json:"batch"`
	Result [][]scoredAnswer `json:"result"`
}

// findVQA finds vqa.jsonl: one case for each model and picture.
func findVQA(f *folder) []testCase {
	if !f.has["vqa.jsonl"] {
		return nil
	}
	return groupLines(f, "vqa.jsonl", func(l vqaLine) (kind, group string) {
		if l.Batch != nil {
			return l.Kind, "batch"
		}
		return l.Kind, l.Image
	}, func(_ context.Context, c *check, kind string, lines []vqaLine) error {
		m, proc, err := openPipeline(f, kind, "vqa")
		if err != nil {
			return err
		}
		defer m.Close()
		p := &vle.VQAPipeline{Model: m.Parameterized.(*vle.VQA), Processor: proc}
		for _, l := range lines {
			if l.Batch == nil {
				if err := checkAnswer(c, f, p, l.Image, l.Question, l.TopK, l.Answers, l.Logits); err != nil {
					return err
				}
			}
			if len(l.Batch) != len(l.Result) {
				return fmt.Errorf("a batch of %d questions with %d results", len(l.Batch), len(l.Result))
			}
			for i, q := range l.Batch {
				if err := checkAnswer(c, f, p, q.Image, q.Question, l.TopK, l.Result[i], nil); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// checkAnswer asks one question. Answers whose recorded scores are equal but for
// rounding may come in either order.
func checkAnswer(c *check, f *folder, p *vle.VQAPipeline, picture, question string, k int, want []scoredAnswer, logits []float64) error {
	img, err := imageproc.DecodeFile(f.path("inputs/"+picture), nil)
	if err != nil {
		return err
	}
	label := fmt.Sprintf("%s, %.40q, top %d", picture, question, k)
	got, err := p.Answer(img, question, k)
	if err != nil {
		return fmt.Errorf("%s: %w", label, err)
	}
	var scores []float64
	for _, a := range want {
		scores = append(scores, a.Score)
	}
	close(c, closely, label+": scores", got.Scores(), scores)
	names := got.Labels()
	same(c, label+": answers", orderTies(names, scores), orderTies(answersOf(want), scores))
	if logits != nil {
		x, err := p.Logits(img, question)
		if err != nil {
			return err
		}
		close(c, closely, label+": logits", x, logits)
	}
	return nil
}

func answersOf(as []scoredAnswer) []string {
	var out []string
	for _, a := range as {
		out = append(out, a.Answer)
	}
	return out
}

// orderTies sorts the names within runs of recorded scores that are within a
// millionth of each other.
func orderTies(names []string, scores []float64) []string {
	out := append([]string(nil), names...)
	if len(names) != len(scores) {
		return out
	}
	for begin := 0; begin < len(out); {
		end := begin + 1
		for end < len(out) && scores[end-1]-scores[end] < 1e-6 {
			end++
		}
		sort.Strings(out[begin:end])
		begin = end
	}
	return out
}
