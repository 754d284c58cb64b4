package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"govle/datasets"
	"govle/datasets/metrics"
	"govle/vle"
)

// vqaSaid is a line of govle eval vqa -o.
type vqaSaid struct {
	ID       int64   `json:"question_id"`
	Image    string  `json:"image"`
	Question string  `json:"question"`
	Answer   string  `json:"answer"`
	Score    float64 `json:"score"`
	// Right and Accuracy are left out where the answer is secret.
	Right    string   `json:"right,omitempty"`
	Accuracy *float64 `json:"accuracy,omitempty"`
}

func evalVQACommand() *cobra.Command {
	o := &evalOptions{}
	cmd := o.command(&cobra.Command{
		Use:   "vqa --model DIR --data DATA",
		Short: "Visual question answering: official accuracy by answer and question type",
		Long: `Answer questions and score the answers as the official VQA evaluation does, over all and
by answer and question type. A data set with one answer to a question counts it as ten
annotators' answer.

--submission writes the answers as EvalAI takes them. --model embedded is the model
inside this program.`,
		Example: `  govle eval vqa --model embedded --data easy-vqa:easy_vqa/data
  govle eval vqa --model vle-base-for-vqa --data vqa:questions.json --annotations annotations.json --images val2014 --json`,
	}, "vqa", evalVQA)
	f := cmd.Flags()
	f.StringVar(&o.spec.Annotations, "annotations", "", "VQAv2's annotations `file`")
	f.StringVar(&o.fitAnnotations, "fit-annotations", "", "VQAv2's annotations `file` of --fit")
	f.StringVar(&o.submission, "submission", "", "write the answers for EvalAI to this `file`")
	return cmd
}

// humans are the annotators' answers to a question, ten alike where the data set
// has one answer; none where it is secret.
func humans(q datasets.Question) []metrics.HumanAnswer {
	if len(q.Humans) > 0 || q.Answer == "" {
		return q.Humans
	}
	out := make([]metrics.HumanAnswer, 10)
	for i := range out {
		out[i] = metrics.HumanAnswer{Answer: q.Answer, ID: i + 1}
	}
	return out
}

func evalVQA(ctx context.Context, o *evalOptions, rep *evalReport, loop *evalLoop) error {
	dir, err := o.model()
	if err != nil {
		return err
	}
	src, err := o.spec.questions()
	if err != nil {
		return err
	}
	questions, err := collect(src)
	if err != nil {
		return err
	}
	p, err := vle.OpenVQA(dir)
	if err != nil {
		return err
	}
	defer p.Close()
	o.precision.apply(p.Model)
	said := make([]vqaSaid, len(questions))
	finished, err := loop.run(ctx, byPicture(len(questions), func(i int) string { return questions[i].Picture.Name }), func(items []int) error {
		return answerPicture(p, questions, items, said)
	})
	if err != nil {
		return err
	}
	rep.finished(finished)
	if err := scoreVQA(o, rep, questions, said, finished); err != nil {
		return err
	}
	if o.submission != "" {
		if rep.Interrupted {
			rep.note("%s was not written: the server refuses a part of the questions", o.submission)
		} else if err := writeSubmission(o.submission, said); err != nil {
			return err
		}
	}
	return writeLines(o.out, said, finished)
}

// answerPicture answers the numbered questions, which show one picture.
func answerPicture(p *vle.VQAPipeline, questions []datasets.Question, items []int, said []vqaSaid) error {
	name := questions[items[0]].Picture.Name
	fail := func(err error) error { return fmt.Errorf("%s: %w", name, err) }
	img, err := open(questions[items[0]].Picture)
	if err != nil {
		return fail(err)
	}
	e, err := p.EncodeImage(img)
	if err != nil {
		return fail(err)
	}
	texts := make([]string, len(items))
	for k, i := range items {
		texts[k] = questions[i].Text
	}
	answers, err := p.AnswerAll(e, texts, 1)
	if err != nil {
		return fail(err)
	}
	for k, i := range items {
		q, best := questions[i], answers[k].Top[0]
		said[i] = vqaSaid{ID: q.ID, Image: name, Question: q.Text, Answer: best.Label, Score: best.Score, Right: q.Answer}
	}
	return nil
}

// scoreVQA adds the rows: over all, by answer type, by question type.
func scoreVQA(o *evalOptions, rep *evalReport, questions []datasets.Question, said []vqaSaid, finished []bool) error {
	prior, err := fitPrior(o)
	if err != nil {
		return err
	}
	var model, text, majority metrics.VQA
	items := map[string]int{}
	for i, q := range questions {
		h := humans(q)
		if !finished[i] || len(h) == 0 {
			continue
		}
		acc, err := model.Add(said[i].Answer, h, q.AnswerType, q.Type)
		if err != nil {
			return fmt.Errorf("question %d: %w", q.ID, err)
		}
		said[i].Accuracy = &acc
		if prior != nil {
			_, err1 := text.Add(prior.Answer(q.Text), h, q.AnswerType, q.Type)
			_, err2 := majority.Add(prior.Majority(), h, q.AnswerType, q.Type)
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
		}
		items["all"]++
		items["answer "+q.AnswerType]++
		items["question "+q.Type]++
	}
	if items["all"] == 0 {
		rep.note("The answers are secret: nothing was scored.")
		return nil
	}
	m, t, a := model.Result(), text.Result(), majority.Result()
	row := func(name string, value func(metrics.VQAResult) float64) {
		r := evalRow{Name: name, Items: items[name], Score: value(m)}
		if prior != nil {
			r.Baselines = map[string]float64{byTextOnly: value(t), byMajority: value(a)}
		}
		rep.Rows = append(rep.Rows, r)
	}
	row("all", func(r metrics.VQAResult) float64 { return r.Overall })
	for _, k := range slices.Sorted(maps.Keys(m.PerAnswerType)) {
		row("answer "+k, func(r metrics.VQAResult) float64 { return r.PerAnswerType[k] })
	}
	for _, k := range slices.Sorted(maps.Keys(m.PerQuestionType)) {
		row("question "+k, func(r metrics.VQAResult) float64 { return r.PerQuestionType[k] })
	}
	if prior == nil {
		rep.note("No baselines: name the training questions with --fit.")
	}
	return nil
}

// fitPrior counts the training questions; nil if there are none.
func fitPrior(o *evalOptions) (*metrics.Prior, error) {
	spec, ok, err := o.fitSpec()
	if err != nil || !ok {
		return nil, err
	}
	src, err := spec.questions()
	if err != nil {
		return nil, fmt.Errorf("baselines: %w", err)
	}
	prior := &metrics.Prior{}
	for q, err := range datasets.All(src) {
		if err != nil {
			return nil, fmt.Errorf("baselines: %w", err)
		}
		prior.Fit(q.Text, q.Answer)
	}
	return prior, nil
}

func writeSubmission(name string, said []vqaSaid) error {
	return writeFile(name, func(w io.Writer) error {
		s := metrics.NewSubmission(w)
		for _, a := range said {
			if err := s.Add(a.ID, a.Answer); err != nil {
				return err
			}
		}
		return s.Close()
	})
}
