package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strconv"

	"govle/datasets"
	"govle/datasets/metrics"
	"govle/vle/parity"
)

// metricKinds are the recordings of the official evaluations, which have
// nothing to do with a model.
var metricKinds = map[string]parity.Kind{
	"vqa_eval_official.json": checkVQAEvaluation,
	"normalize_word.jsonl":   checkNormalizeWord,
	"get_score.json":         checkSoftScore,
}

// checkVQAEvaluation: answers with the annotators' and the official accuracy of
// each in per cent, the totals, and what answers are normalised to.
func checkVQAEvaluation(path string, same func(what string, got, recorded any)) error {
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
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &g); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	for _, n := range g.Normalisation {
		same(fmt.Sprintf("punctuation of %q", n.In), metrics.ProcessPunctuation(n.In), n.ProcessPunctuation)
		same(fmt.Sprintf("digits and articles of %q", n.In), metrics.ProcessDigitArticle(n.In), n.ProcessDigitArticle)
		same(fmt.Sprintf("both on %q", n.In), metrics.ProcessDigitArticle(metrics.ProcessPunctuation(n.In)), n.Both)
	}
	var v metrics.VQA
	for _, c := range g.Cases {
		acc, err := v.Add(c.Prediction, c.Answers, c.AnswerType, c.QuestionType)
		if err != nil {
			return fmt.Errorf("question %d: %w", c.ID, err)
		}
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(100*acc, 'f', 2, 64), 64)
		if err != nil {
			return err
		}
		same(fmt.Sprintf("question %d", c.ID), rounded, c.Acc)
	}
	got := v.Result()
	same("questions", got.Questions, len(g.Cases))
	same("overall", got.Overall, g.Overall)
	same("answer types", got.PerAnswerType, g.PerAnswerType)
	same("question types", got.PerQuestionType, g.PerQuestionType)
	return nil
}

// checkNormalizeWord: in and out of the reference's normalize_word, a line each.
func checkNormalizeWord(path string, same func(what string, got, recorded any)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		var c struct{ In, Out string }
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		same(fmt.Sprintf("%q", c.In), metrics.NormalizeWord(c.In), c.Out)
	}
	return lines.Err()
}

// checkSoftScore: number of annotators: the score of an answer that they gave.
func checkSoftScore(path string, same func(what string, got, recorded any)) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var scores map[int]float32
	if err := json.Unmarshal(data, &scores); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	for n, want := range scores {
		same(fmt.Sprintf("score of %d", n), datasets.SoftScore(n), want)
	}
	return nil
}
