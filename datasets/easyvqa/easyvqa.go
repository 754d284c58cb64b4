// Package easyvqa reads easy-VQA (V. Zhou, 2019; MIT licence): pictures of one
// coloured shape and simple questions, as unpacked from the PyPI package
// easy-vqa: the folder easy_vqa/data with train, test and answers.txt.
package easyvqa

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"govle/datasets"
	"govle/datasets/internal/records"
)

// entry is [question, answer, image id].
type entry struct {
	text, answer string
	image        int64
}

func (e *entry) UnmarshalJSON(data []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil || len(parts) != 3 {
		return fmt.Errorf("a question is [text, answer, image id], not %.60s", data)
	}
	for i, to := range []any{&e.text, &e.answer, &e.image} {
		if err := json.Unmarshal(parts[i], to); err != nil {
			return fmt.Errorf("part %d of [text, answer, image id]: %w", i, err)
		}
	}
	return nil
}

// Vocab reads the 13 answers of dir/answers.txt; an answer's label is its line.
func Vocab(dir string) (*datasets.Vocab, error) {
	return datasets.ReadVocab(filepath.Join(dir, "answers.txt"))
}

// Open reads the questions of a split, "train" or "test", of the folder dir. A
// question's ID is its place in the file, its Type "color", "shape" or "yes/no". Errors name the
// file, line and entry: broken JSON, an answer outside answers.txt, a picture
// that is not there.
func Open(dir, split string) (datasets.List[datasets.Question], error) {
	vocab, err := Vocab(dir)
	if err != nil {
		return nil, fmt.Errorf("reading easy-VQA: %w", err)
	}
	images := filepath.Join(dir, split, "images")
	files, err := os.ReadDir(images)
	if err != nil {
		return nil, fmt.Errorf("reading easy-VQA: %w", err)
	}
	there := make(map[string]bool, len(files))
	for _, f := range files {
		there[f.Name()] = true
	}
	var list datasets.List[datasets.Question]
	for rec, err := range records.List[entry](filepath.Join(dir, split, "questions.json"), "") {
		if err != nil {
			return nil, fmt.Errorf("reading easy-VQA: %w", err)
		}
		e, file := rec.Value, strconv.FormatInt(rec.Value.image, 10)+".png"
		switch _, known := vocab.Label(e.answer); {
		case e.text == "":
			return nil, fmt.Errorf("reading easy-VQA: %w", rec.Errorf("the question is empty"))
		case !known:
			return nil, fmt.Errorf("reading easy-VQA: %w", rec.Errorf("answer %q is not in answers.txt", e.answer))
		case !there[file]:
			return nil, fmt.Errorf("reading easy-VQA: %w", rec.Errorf("no picture %s in %s", file, images))
		}
		q := datasets.Question{ID: int64(len(list)), Text: e.text, Answer: e.answer, Picture: datasets.FilePicture(filepath.Join(images, file))}
		q.Type, q.AnswerType = kinds(e.answer)
		list = append(list, q)
	}
	return list, nil
}

func kinds(answer string) (kind, answerType string) {
	switch {
	case answer == "yes" || answer == "no":
		return "yes/no", "yes/no"
	case slices.Contains(datasets.ShapeKinds, answer):
		return "shape", "other"
	}
	return "color", "other"
}
