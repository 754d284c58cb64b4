// Package vqa reads VQAv2 as its authors publish it: a file of questions, a file of
// annotations with ten answers each, and a folder of COCO pictures.
//
// Stream a split with [Read], or gather it with datasets.Collect; build the answer
// vocabulary with [BuildVocab] or read one with datasets.ReadVocab. The
// official accuracy is metrics.VQA.
package vqa

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"govle/datasets"
	"govle/datasets/internal/records"
	"govle/datasets/metrics"
)

// Files are the files of one split.
type Files struct {
	// Questions is like v2_OpenEnded_mscoco_train2014_questions.json.
	Questions string
	// Annotations is like v2_mscoco_train2014_annotations.json; empty for a test
	// split, whose answers are secret.
	Annotations string
	// Images is the folder of pictures, like train2014, whose names end in
	// _000000000009.jpg for picture 9. Empty reads the questions without pictures.
	Images string
}

// question and annotation are entries as the files have them. Pointers tell
// what is missing from what is 0.
type question struct {
	ID    *int64  `json:"question_id"`
	Image *int64  `json:"image_id"`
	Text  *string `json:"question"`
}

type annotation struct {
	ID           *int64                `json:"question_id"`
	Image        *int64                `json:"image_id"`
	Answer       *string               `json:"multiple_choice_answer"`
	Answers      []metrics.HumanAnswer `json:"answers"`
	AnswerType   string                `json:"answer_type"`
	QuestionType string                `json:"question_type"`
}

// Read streams the questions of a split in the file's order, each with its
// annotation, and ends after the first error. Errors name the file, line and
// entry: JSON that is broken, a field that is missing, a question that comes
// twice or lacks its annotation or picture, an annotation without a question.
// The two files are read side by side, so memory stays small when their order
// agrees, as it does in the official files.
func Read(files Files) iter.Seq2[datasets.Question, error] {
	return func(yield func(datasets.Question, error) bool) {
		fail := func(err error) { yield(datasets.Question{}, fmt.Errorf("reading VQA: %w", err)) }
		pictures, err := picturesOf(files.Images)
		if err != nil {
			fail(err)
			return
		}
		notes := newPairing(files.Annotations)
		defer notes.stop()
		seen := map[int64]bool{}
		for rec, err := range records.List[question](files.Questions, "questions") {
			if err != nil {
				fail(err)
				return
			}
			q, err := join(rec, notes, pictures, files, seen)
			if err != nil {
				fail(err)
				return
			}
			if !yield(q, nil) {
				return
			}
		}
		if err := notes.rest(); err != nil {
			fail(err)
		}
	}
}

func join(rec records.Record[question], notes *pairing, pictures map[int64]string, files Files, seen map[int64]bool) (q datasets.Question, err error) {
	v := rec.Value
	switch {
	case v.ID == nil:
		return q, rec.Errorf("no question_id")
	case v.Image == nil:
		return q, rec.Errorf("question %d has no image_id", *v.ID)
	case v.Text == nil || strings.TrimSpace(*v.Text) == "":
		return q, rec.Errorf("question %d has no text", *v.ID)
	case seen[*v.ID]:
		return q, rec.Errorf("question_id %d comes twice", *v.ID)
	}
	seen[*v.ID] = true
	q = datasets.Question{ID: *v.ID, Text: *v.Text, Picture: datasets.Picture{Name: strconv.FormatInt(*v.Image, 10)}}
	if files.Images != "" {
		file, ok := pictures[*v.Image]
		if !ok {
			return q, rec.Errorf("question %d: no picture %d in %s (a name that ends in _%012d.jpg)", q.ID, *v.Image, files.Images, *v.Image)
		}
		q.Picture.File = filepath.Join(files.Images, file)
	}
	if files.Annotations == "" {
		return q, nil
	}
	note, err := notes.find(q.ID)
	if err != nil {
		return q, err
	}
	if note == nil {
		return q, rec.Errorf("question %d has no annotation in %s", q.ID, files.Annotations)
	}
	a := note.Value
	if a.Image != nil && *a.Image != *v.Image {
		return q, note.Errorf("the annotation of question %d is for picture %d, the question for %d", q.ID, *a.Image, *v.Image)
	}
	q.Answer, q.Humans, q.AnswerType, q.Type = *a.Answer, a.Answers, a.AnswerType, a.QuestionType
	return q, nil
}

// picturesOf finds a folder's pictures by their number: what stands between the
// last underscore, or the start, and the suffix.
func picturesOf(dir string) (map[int64]string, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("picture folder: %w", err)
	}
	found := make(map[int64]string, len(entries))
	for _, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), filepath.Ext(e.Name()))
		id, err := strconv.ParseInt(stem[strings.LastIndex(stem, "_")+1:], 10, 64)
		if !ok || err != nil || e.Type()&fs.ModeDir != 0 {
			continue
		}
		if first, twice := found[id]; twice {
			return nil, fmt.Errorf("picture folder %s: %s and %s have the same number", dir, first, e.Name())
		}
		found[id] = e.Name()
	}
	return found, nil
}

// pairing finds annotations by question, reading on only as far as it must.
type pairing struct {
	next    func() (records.Record[annotation], error, bool)
	stop    func()
	waiting map[int64]records.Record[annotation]
	past    map[int64]bool
}

func newPairing(file string) *pairing {
	p := &pairing{stop: func() {}, waiting: map[int64]records.Record[annotation]{}, past: map[int64]bool{}}
	p.next = func() (records.Record[annotation], error, bool) { return records.Record[annotation]{}, nil, false }
	if file != "" {
		p.next, p.stop = iter.Pull2(annotations(file))
	}
	return p
}

// annotations streams a file of annotations, each checked.
func annotations(file string) iter.Seq2[records.Record[annotation], error] {
	return func(yield func(records.Record[annotation], error) bool) {
		for rec, err := range records.List[annotation](file, "annotations") {
			if err == nil {
				err = check(rec)
			}
			if !yield(rec, err) || err != nil {
				return
			}
		}
	}
}

func check(rec records.Record[annotation]) error {
	a := rec.Value
	switch {
	case a.ID == nil:
		return rec.Errorf("no question_id")
	case a.Answer == nil:
		return rec.Errorf("the annotation of question %d has no multiple_choice_answer", *a.ID)
	case len(a.Answers) == 0:
		return rec.Errorf("the annotation of question %d has no answers", *a.ID)
	}
	return nil
}

// find returns a question's annotation, nil if there is none.
func (p *pairing) find(id int64) (*records.Record[annotation], error) {
	if rec, ok := p.waiting[id]; ok {
		delete(p.waiting, id)
		return &rec, nil
	}
	for {
		rec, err, ok := p.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, nil
		}
		at := *rec.Value.ID
		if p.past[at] {
			return nil, rec.Errorf("question %d is annotated twice", at)
		}
		p.past[at] = true
		if at == id {
			return &rec, nil
		}
		p.waiting[at] = rec
	}
}

// rest checks that no annotation is left over.
func (p *pairing) rest() error {
	if len(p.waiting) > 0 {
		rec := p.waiting[slices.Min(slices.Collect(maps.Keys(p.waiting)))]
		return rec.Errorf("annotation of question %d, which is not among the questions", *rec.Value.ID)
	}
	rec, err, ok := p.next()
	if err != nil {
		return err
	}
	if ok {
		return rec.Errorf("annotation of question %d, which is not among the questions", *rec.Value.ID)
	}
	return nil
}

// MinCount is how often an answer must be the most frequent one of a question
// to enter the vocabulary of VQAv2; over its training and validation split this gives 3,129 answers.
const MinCount = 9

// BuildVocab gathers the answers that are the annotators' most frequent one at
// least minCount times over the files of annotations, normalised by
// metrics.NormalizeWord, in the order in which they first come. This is how the
// reference's write_vqa makes its vocabulary, from the training and then the validation file.
func BuildVocab(minCount int, annotationFiles ...string) (*datasets.Vocab, error) {
	count := map[string]int{}
	var order []string
	for _, file := range annotationFiles {
		for rec, err := range annotations(file) {
			if err != nil {
				return nil, fmt.Errorf("building the answer vocabulary: %w", err)
			}
			a := metrics.NormalizeWord(*rec.Value.Answer)
			if count[a]++; count[a] == 1 {
				order = append(order, a)
			}
		}
	}
	var kept []string
	for _, a := range order {
		if count[a] >= minCount {
			kept = append(kept, a)
		}
	}
	if len(kept) == 0 {
		return nil, errors.New("building the answer vocabulary: no answer is frequent enough")
	}
	return datasets.NewVocab(kept)
}
