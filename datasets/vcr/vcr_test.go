package vcr_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govle/datasets"
	"govle/datasets/vcr"
)

var _ datasets.Source[datasets.Choice] = (*vcr.Dataset)(nil)

func open(t testing.TB, dir string) *vcr.Dataset {
	t.Helper()
	d, err := vcr.Open(filepath.Join(dir, "train.jsonl"), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestRead(t *testing.T) {
	d := open(t, "testdata")
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
	if d.Len() != 2 {
		t.Fatalf("%d questions", d.Len())
	}
	c, err := d.At(1)
	if err != nil {
		t.Fatal(err)
	}
	if c.ID != "train-1" || c.Answer != 3 || c.Rationale != 2 || datasets.Words(c.Answers[0]) != "[2] is left of [0] ." {
		t.Errorf("%+v", c)
	}
	// The box that ends at 64.4 of 64 pixels is cut.
	if want := (datasets.Object{Name: "person", Box: datasets.Box{X0: 30, Y0: 5, X1: 64, Y1: 60}}); c.Objects[1] != want {
		t.Errorf("object %+v, want %+v", c.Objects[1], want)
	}
	if c, _ = d.At(0); datasets.Words(c.Question) != "Why is [0] looking at [1,2] ?" {
		t.Errorf("question %q", datasets.Words(c.Question))
	}
	if _, err := datasets.ChoiceGrid([]datasets.Choice{c}); err != nil {
		t.Error(err)
	}
}

func copyFixture(t testing.TB) string {
	dir := filepath.Join(t.TempDir(), "vcr")
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestBadFiles(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, want string }{
		{"broken JSON", "train.jsonl", `"movie":`, `"movie"`, "train.jsonl:1: invalid character"},
		{"label outside", "train.jsonl", `"answer_label": 3`, `"answer_label": 4`, "train.jsonl:2: answer_label 4 is outside 0 to 3"},
		{"rationale label", "train.jsonl", `"rationale_label": 1`, `"rationale_label": -1`, "train.jsonl:1: rationale_label -1 is outside 0 to 3"},
		{"three answers", "train.jsonl", `, ["They", "left", "."]`, ``, "train.jsonl:1: 3 answers and 4 rationales"},
		{"no such object", "train.jsonl", `[1, 2]`, `[1, 3]`, "train.jsonl:1: a text names object 3 of 3: Why is [0] looking at [1,3] ?"},
		{"a word that is a truth", "train.jsonl", `"Why"`, `true`, "train.jsonl:1: a word is a string or a list"},
		{"missing picture", "train.jsonl", `clip@0.png`, `clip@9.png`, "train.jsonl:1: picture: stat"},
		{"missing boxes", "train.jsonl", `clip@0.json`, `clip@9.json`, "train.jsonl:1: boxes: open"},
		{"outside the folder", "train.jsonl", `movie/clip@0.png`, `../../clip@0.png`, "leads out of the picture folder"},
		{"box lost", "movie/clip@0.json", `[1.5, 2, 20, 30, 0.99], `, ``, "3 objects, but 2 boxes in"},
		{"box turned", "movie/clip@0.json", `[1.5, 2, 20`, `[21.5, 2, 20`, "train.jsonl:1: object 0 in"},
		{"box of three", "movie/clip@0.json", `[1.5, 2, 20, 30, 0.99]`, `[1.5, 2, 20]`, "a box has 4 numbers"},
		{"duplicate id", "train.jsonl", `"annot_id": "train-1"`, `"annot_id": "train-0"`, `train.jsonl:2: annot_id "train-0" comes twice`},
	} {
		dir := copyFixture(t)
		file := filepath.Join(dir, c.file)
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(c.old)) {
			t.Fatalf("%s: no %q", c.file, c.old)
		}
		if err := os.WriteFile(file, bytes.Replace(text, []byte(c.old), []byte(c.new), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := open(t, dir).Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
		}
	}
	for _, at := range [][2]string{{"nowhere.jsonl", "testdata"}, {"testdata/train.jsonl", "nowhere"}} {
		if _, err := vcr.Open(at[0], at[1]); err == nil || !strings.Contains(err.Error(), "nowhere") {
			t.Errorf("error %v", err)
		}
	}
}

func TestSecretLabels(t *testing.T) {
	dir := copyFixture(t)
	file := filepath.Join(dir, "train.jsonl")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(bytes.ReplaceAll(text, []byte(`"answer_label"`), []byte(`"x"`)), []byte(`"rationale_label"`), []byte(`"y"`))
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := open(t, dir).At(0)
	if err != nil || c.Answer != -1 || c.Rationale != -1 {
		t.Errorf("labels %d and %d, error %v", c.Answer, c.Rationale, err)
	}
}

func FuzzAt(f *testing.F) {
	text, err := os.ReadFile("testdata/train.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	boxes, err := os.ReadFile("testdata/movie/clip@0.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text, boxes)
	f.Add([]byte("{}\n\n{"), []byte(`{"boxes":[[1e309]]}`))
	dir := copyFixture(f)
	f.Fuzz(func(t *testing.T, text, boxes []byte) {
		file := filepath.Join(dir, "train.jsonl")
		if os.WriteFile(file, text, 0o644) != nil || os.WriteFile(filepath.Join(dir, "movie", "clip@0.json"), boxes, 0o644) != nil {
			t.Skip()
		}
		d, err := vcr.Open(file, dir)
		if err != nil {
			return
		}
		defer d.Close()
		for i := range d.Len() {
			c, err := d.At(i)
			if err != nil {
				if !strings.HasPrefix(err.Error(), "reading VCR: "+file+":") {
					t.Errorf("error %v names no line", err)
				}
				continue
			}
			if len(c.Answers) != 4 || c.Answer < -1 || c.Answer > 3 {
				t.Errorf("%+v was let through", c)
			}
			for _, o := range c.Objects {
				if o.Box.Check(0, 0) != nil {
					t.Errorf("box %v was let through", o.Box)
				}
			}
		}
	})
}

func ExampleOpen() {
	d, err := vcr.Open("testdata/train.jsonl", "testdata") // images: vcr1images
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	c, err := d.At(0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(datasets.Words(c.Question), "—", datasets.Words(c.Answers[c.Answer]))
	// Output: Why is [0] looking at [1,2] ? — [0] likes [2] .
}
