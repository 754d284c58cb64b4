package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math"

	"github.com/spf13/cobra"

	"govle/datasets"
	"govle/datasets/metrics"
	"govle/vle"
)

// vcrSaid is a line of govle eval vcr -o. A choice that was not made is left out.
type vcrSaid struct {
	ID    string `json:"annot_id"`
	Image string `json:"image"`
	// Answer and Rationale are the choices with their scores; the rationale is
	// chosen for the right answer.
	Answer          *int      `json:"answer,omitempty"`
	AnswerScores    []float64 `json:"answer_scores,omitempty"`
	Rationale       *int      `json:"rationale,omitempty"`
	RationaleScores []float64 `json:"rationale_scores,omitempty"`
	RightAnswer     int       `json:"right_answer"`
	RightRationale  int       `json:"right_rationale"`
}

func evalVCRCommand() *cobra.Command {
	o := &evalOptions{}
	cmd := o.command(&cobra.Command{
		Use:   "vcr --model DIR [--model DIR] --data DATA",
		Short: "Visual commonsense reasoning: Q2A, QA2R and Q2AR",
		Long: `Choose answers (Q2A) and rationales for the right answers (QA2R) and score both, and with
both how often both are right (Q2AR). --model takes a folder with one of the heads or
both, or is given twice.

The baseline "text only" takes, among the choices, the one that was right most often
with these words of question and choice in the training questions.`,
		Example: `  govle eval vcr --model vle-base-for-vcr-q2a --model vle-base-for-vcr-qa2r --data vcr:val.jsonl --images vcr1images
  govle eval vcr --model run/best --data scenes:1:500 --json`,
	}, "vcr", evalVCR)
	return cmd
}

func evalVCR(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop) error {
	src, err := o.spec.choices()
	if err != nil {
		return err
	}
	questions, err := collect(src)
	if err != nil {
		return err
	}
	q2a, qa2r, err := openVCR(o.models)
	if err != nil {
		return err
	}
	for _, p := range []*vle.VCRPipeline{q2a, qa2r} {
		if p != nil {
			o.precision.apply(p.Model)
			defer p.Close()
		}
	}
	said := make([]vcrSaid, len(questions))
	finished, err := loop.run(ctx, byPicture(len(questions), func(i int) string { return questions[i].Picture.Name }), func(items []int) error {
		name := questions[items[0]].Picture.Name
		img, err := open(questions[items[0]].Picture)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, i := range items {
			said[i] = vcrSaid{ID: questions[i].ID, Image: name, RightAnswer: questions[i].Answer, RightRationale: questions[i].Rationale}
		}
		if q2a != nil {
			scores, err := chooseAll(q2a, img, questions, items, func(datasets.Choice) int { return 0 })
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for k, i := range items {
				best := largest(scores[k])
				said[i].Answer, said[i].AnswerScores = &best, scores[k]
			}
		}
		var known []int // a test split keeps the right answer secret
		for _, i := range items {
			if questions[i].Answer >= 0 {
				known = append(known, i)
			}
		}
		if qa2r == nil || len(known) == 0 {
			return nil
		}
		scores, err := chooseAll(qa2r, img, questions, known, func(c datasets.Choice) int { return c.Answer })
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for k, i := range known {
			best := largest(scores[k])
			said[i].Rationale, said[i].RationaleScores = &best, scores[k]
		}
		return nil
	})
	if err != nil {
		return err
	}
	rep.finished(finished)
	if err := scoreVCR(o, rep, questions, said, finished, q2a != nil, qa2r != nil); err != nil {
		return err
	}
	return writeLines(o.out, said, finished)
}

// chooseAll returns the probabilities of the choices of the numbered questions,
// which show one picture.
func chooseAll(p *vle.VCRPipeline, img image.Image, questions []datasets.Choice, items []int, answer func(datasets.Choice) int) ([][]float64, error) {
	asked, answers := make([]*vle.VCRQuestion, len(items)), make([]int, len(items))
	for k, i := range items {
		asked[k], answers[k] = vcrQuestion(questions[i]), answer(questions[i])
	}
	chosen, err := p.ChooseAll(img, asked, answers)
	if err != nil {
		return nil, err
	}
	out := make([][]float64, len(chosen))
	for k, c := range chosen {
		out[k] = c.Scores
	}
	return out, nil
}

func largest(x []float64) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// scoreVCR adds the rows of the tasks that were done.
func scoreVCR(o *evalOptions, rep *evalReport, questions []datasets.Choice, said []vcrSaid, finished []bool, answers, rationales bool) error {
	texts, err := fitChoices(o)
	if err != nil {
		return err
	}
	var v metrics.VCR
	var textA, textR, textBoth float64
	for i, q := range questions {
		if !finished[i] || q.Answer < 0 || q.Rationale < 0 {
			continue
		}
		none := -1
		a, r := &none, &none
		if said[i].Answer != nil {
			a = said[i].Answer
		}
		if said[i].Rationale != nil {
			r = said[i].Rationale
		}
		v.Add(*a, *r, q.Answer, q.Rationale)
		if texts != nil {
			x, y := texts.right(q, false), texts.right(q, true)
			textA, textR, textBoth = textA+x, textR+y, textBoth+x*y
		}
	}
	res := v.Result()
	if res.Questions == 0 {
		rep.note("The answers are secret: nothing was scored.")
		return nil
	}
	row := func(name string, score, chance, text float64) {
		b := map[string]float64{byChance: chance, byTextOnly: math.NaN()}
		if texts != nil {
			b[byTextOnly] = text / float64(res.Questions)
		}
		rep.add(name, res.Questions, score, b)
	}
	if answers {
		row("Q2A", res.Q2A, 1.0/4, textA)
	}
	if rationales {
		row("QA2R", res.QA2R, 1.0/4, textR)
	}
	if answers && rationales {
		row("Q2AR", res.Q2AR, 1.0/16, textBoth)
	}
	return nil
}

// choicePrior counts how often a choice was right with the words of its question.
type choicePrior map[string]map[string]int

func fitChoices(o *evalOptions) (choicePrior, error) {
	spec, ok, err := o.fitSpec()
	if err != nil || !ok {
		return nil, err
	}
	src, err := spec.choices()
	if err != nil {
		return nil, fmt.Errorf("baselines: %w", err)
	}
	p := choicePrior{}
	for q, err := range datasets.All(src) {
		if err != nil {
			return nil, fmt.Errorf("baselines: %w", err)
		}
		if q.Answer < 0 || q.Rationale < 0 {
			return nil, errors.New("baselines: the right answers are secret")
		}
		p.fit("a "+datasets.Words(q.Question), datasets.Words(q.Answers[q.Answer]))
		p.fit("r "+datasets.Words(q.Question), datasets.Words(q.Rationales[q.Rationale]))
	}
	return p, nil
}

func (p choicePrior) fit(question, choice string) {
	if p[question] == nil {
		p[question] = map[string]int{}
	}
	p[question][choice]++
}

// right is the chance that the prior's choice is right: where several choices
// were right as often, one of them is drawn.
func (p choicePrior) right(q datasets.Choice, rationale bool) float64 {
	kind, choices, right := "a ", q.Answers, q.Answer
	if rationale {
		kind, choices, right = "r ", q.Rationales, q.Rationale
	}
	seen := p[kind+datasets.Words(q.Question)]
	most, n, hit := -1, 0.0, 0.0
	for i, c := range choices {
		k := seen[datasets.Words(c)]
		if k > most {
			most, n, hit = k, 0, 0
		}
		if k == most {
			n++
			if i == right {
				hit++
			}
		}
	}
	return hit / n
}
