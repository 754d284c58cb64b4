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

// heldOut is which of the training pictures make the split "val": each whose
// number divides by it.
const heldOut = 10

// Open reads the questions of a split of the folder dir: "train" or "test", which are
// the data set's own, or "val" or "fit", which are the questions of every tenth
// training picture and of the others: choose settings by them, for the data set has no
// validation part. A question's ID is its place in the file, its Type "color", "shape"
// or "yes/no". Errors name the file, line and entry: broken JSON, an answer
// outside answers.txt, a picture that is not there.
func Open(dir, split string) (datasets.List[datasets.Question], error) {
	vocab, err := Vocab(dir)
	if err != nil {
		return nil, fmt.Errorf("reading easy-VQA: %w", err)
	}
	keep := func(int64) bool { return true }
	switch split {
	case "train", "test":
	case "fit":
		keep = func(picture int64) bool { return picture%heldOut != 0 }
		split = "train"
	case "val":
		keep = func(picture int64) bool { return picture%heldOut == 0 }
		split = "train"
	default:
		return nil, fmt.Errorf("reading easy-VQA: there is no split %q: use train, fit, val or test", split)
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
	id := int64(-1)
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
		if id++; !keep(e.image) {
			continue
		}
		q := datasets.Question{ID: id, Text: e.text, Answer: e.answer, Picture: datasets.FilePicture(filepath.Join(images, file))}
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
