package vqa_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"govle/datasets"
	"govle/datasets/vqa"
)

// fixture are two questions on one COCO picture, written for this test in the
// official files' form; annotations stand in another order.
var fixture = vqa.Files{
	Questions:   filepath.Join("testdata", "questions.json"),
	Annotations: filepath.Join("testdata", "annotations.json"),
	Images:      filepath.Join("testdata", "train2014"),
}

func TestRead(t *testing.T) {
	list, err := datasets.Collect(vqa.Read(fixture))
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 3 {
		t.Fatalf("%d questions", len(list))
	}
	q := list[0]
	if q.ID != 9000 || q.Text != "What color is the circle?" || q.Answer != "blue" || len(q.Humans) != 10 ||
		q.AnswerType != "other" || q.Type != "what color is the" || q.Humans[2].Answer != "navy" || q.Humans[2].Confidence != "maybe" {
		t.Errorf("%+v", q)
	}
	img, err := q.Picture.Image()
	if err != nil || img.Bounds().Dx() != 64 {
		t.Errorf("picture: %v", err)
	}
	test := fixture
	test.Annotations, test.Images = "", ""
	list, err = datasets.Collect(vqa.Read(test))
	if err != nil || len(list) != 3 || list[0].Answer != "" || list[0].Picture.Name != "9" {
		t.Errorf("a test split: %+v, %v", list, err)
	}
	for q, err := range vqa.Read(fixture) { // a reader may stop early
		if err != nil || q.ID != 9000 {
			t.Error(q.ID, err)
		}
		break
	}
}

func TestBuildVocab(t *testing.T) {
	v, err := vqa.BuildVocab(1, fixture.Annotations)
	if err != nil || !slices.Equal(v.Answers(), []string{"yes", "blue", "2"}) {
		t.Errorf("%v, %v: want the normalised answers in the file's order", v.Answers(), err)
	}
	v, err = vqa.BuildVocab(2, fixture.Annotations, fixture.Annotations)
	if err != nil || v.Len() != 3 {
		t.Errorf("two files: %v, %v", v, err)
	}
	if _, err = vqa.BuildVocab(vqa.MinCount, fixture.Annotations); err == nil || !strings.Contains(err.Error(), "no answer is frequent enough") {
		t.Errorf("error %v", err)
	}
}

func TestBadFiles(t *testing.T) {
	for _, c := range []struct {
		name      string
		file, old string // what to change in which file
		new       string
		want      string
	}{
		{"broken JSON", "questions.json", `"image_id": 9, "question": "What color`, `"image_id": 9 "question": "What color`, "questions.json:4: questions[0]: invalid character"},
		{"cut short", "questions.json", "\n]}", "", "the file ends in the middle of its JSON"},
		{"wrong file", "questions.json", `"questions"`, `"question"`, `no list "questions" at the top`},
		{"not a list", "questions.json", `"questions": [`, `"questions": {"a": [`, `"questions" is not a list`},
		{"text for a number", "questions.json", "9001", `"x"`, "questions.json:5: questions[1]: json: cannot unmarshal string"},
		{"no text", "questions.json", `"Is it round?"`, `" "`, "questions.json:5: questions[1]: question 9001 has no text"},
		{"no id", "questions.json", `, "question_id": 9001`, ``, "questions[1]: no question_id"},
		{"no image", "questions.json", `"image_id": 9, "question": "Is`, `"question": "Is`, "question 9001 has no image_id"},
		{"duplicate id", "questions.json", "9002", "9001", "questions.json:6: questions[2]: question_id 9001 comes twice"},
		{"missing picture", "questions.json", `"image_id": 9, "question": "Is`, `"image_id": 77, "question": "Is`, "questions[1]: question 9001: no picture 77 in "},
		{"question without annotation", "questions.json", "9002", "9003", "question 9003 has no annotation in"},
		{"annotated twice", "annotations.json", `"question_id": 9000`, `"question_id": 9001`, "question 9001 is annotated twice"},
		{"no answers", "annotations.json", `"answers": [{"answer": "2"`, `"answer": [{"answer": "2"`, "annotations.json:6: annotations[2]: the annotation of question 9002 has no answers"},
		{"no main answer", "annotations.json", `"multiple_choice_answer": "blue", `, ``, "annotation of question 9000 has no multiple_choice_answer"},
		{"another picture", "annotations.json", `"image_id": 9, "question_id": 9000`, `"image_id": 8, "question_id": 9000`, "is for picture 8, the question for 9"},
		{"trailing junk", "annotations.json", "\n]}", "\n]} {", "something follows the end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := fixture
			text, err := os.ReadFile(filepath.Join("testdata", c.file))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Contains(text, []byte(c.old)) {
				t.Fatalf("%s has no %q", c.file, c.old)
			}
			bad := filepath.Join(t.TempDir(), c.file)
			if err := os.WriteFile(bad, bytes.Replace(text, []byte(c.old), []byte(c.new), 1), 0o644); err != nil {
				t.Fatal(err)
			}
			if c.file == "questions.json" {
				files.Questions = bad
			} else {
				files.Annotations = bad
			}
			_, err = datasets.Collect(vqa.Read(files))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), bad) && c.name != "question without annotation" {
				t.Errorf("error %v does not say %q in %s", err, c.want, bad)
			}
		})
	}
	missing := fixture
	missing.Images = "nowhere"
	if _, err := datasets.Collect(vqa.Read(missing)); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error %v", err)
	}
}

func TestAnnotationsLeftOver(t *testing.T) {
	questions := filepath.Join(t.TempDir(), "q.json")
	if err := os.WriteFile(questions, []byte(`{"questions": [{"image_id": 9, "question": "Is it round?", "question_id": 9001}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	files := fixture
	files.Questions = questions
	list, err := datasets.Collect(vqa.Read(files))
	if err == nil || !strings.Contains(err.Error(), "annotations.json:5: annotations[1]: annotation of question 9000, which is not among the questions") || len(list) != 1 {
		t.Errorf("%d questions, error %v", len(list), err)
	}
}

func FuzzRead(f *testing.F) {
	q, err := os.ReadFile(fixture.Questions)
	if err != nil {
		f.Fatal(err)
	}
	a, err := os.ReadFile(fixture.Annotations)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q, a)
	f.Add([]byte(`{"questions":[{"question_id":1,"image_id":2,"question":"x"}]}`), []byte(`{"annotations":[]}`))
	f.Add([]byte(`[`), []byte(`{"annotations":{}}`))
	f.Fuzz(func(t *testing.T, q, a []byte) {
		dir := t.TempDir()
		files := vqa.Files{Questions: filepath.Join(dir, "q"), Annotations: filepath.Join(dir, "a")}
		if os.WriteFile(files.Questions, q, 0o644) != nil || os.WriteFile(files.Annotations, a, 0o644) != nil {
			t.Skip()
		}
		ids := map[int64]bool{}
		for item, err := range vqa.Read(files) {
			if err != nil {
				if !strings.HasPrefix(err.Error(), "reading VQA: "+dir) {
					t.Errorf("error %v names no file", err)
				}
				return
			}
			if ids[item.ID] || item.Text == "" || len(item.Humans) == 0 {
				t.Errorf("%+v was let through", item)
			}
			ids[item.ID] = true
		}
	})
}

func ExampleRead() {
	vocab, err := vqa.BuildVocab(1, "testdata/annotations.json") // vqa.MinCount for the real files
	if err != nil {
		log.Fatal(err)
	}
	for q, err := range vqa.Read(vqa.Files{
		Questions: "testdata/questions.json", Annotations: "testdata/annotations.json", Images: "testdata/train2014",
	}) {
		if err != nil {
			log.Fatal(err)
		}
		labels, scores, err := vocab.Targets(q)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(q.Text, q.Answer, labels, scores)
	}
	// Output:
	// What color is the circle? blue [1] [1]
	// Is it round? yes [0] [1]
	// How many shapes are there? two [2] [0.3]
}
