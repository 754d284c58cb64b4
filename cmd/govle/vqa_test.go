package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const redTriangle = "../../testdata/shapes/red-triangle.png"

func TestVQA(t *testing.T) {
	l := objects[vqaLine](t, well(t, "vqa", tealCircle, "what color is the circle?", "--json", "--top", "2"))
	if len(l) != 1 || len(l[0].Answers) != 2 || l[0].Answers[0].Answer != "teal" || l[0].Answers[0].Score < 0.5 {
		t.Errorf("answers %+v", l)
	}
	want := map[string]string{tealCircle + " is it red?": "no", redTriangle + " is it red?": "yes", tealCircle + " what shape is it?": "circle"}
	check := func(stdout string, n int) {
		t.Helper()
		lines := objects[vqaLine](t, stdout)
		if len(lines) != n {
			t.Fatalf("%d lines, wanted %d", len(lines), n)
		}
		for _, l := range lines {
			if w := want[l.Image+" "+l.Question]; w == "" || l.Answers[0].Answer != w {
				t.Errorf("%+v, wanted %q", l, w)
			}
		}
	}
	stdin(t, "is it red?\n\nwhat shape is it?\n")
	check(well(t, "vqa", tealCircle, "-", "--json"), 2)
	var list strings.Builder
	e := json.NewEncoder(&list)
	e.Encode(map[string]string{"image": tealCircle, "question": "is it red?"})
	e.Encode(map[string]string{"image": redTriangle, "question": "is it red?"})
	stdin(t, list.String())
	check(well(t, "vqa", "-", "--json"), 2)
	stdin(t, list.String())
	if out := well(t, "vqa", "-", "--top", "1"); !strings.Contains(out, tealCircle+": is it red?\n  no") || !strings.Contains(out, redTriangle+": is it red?\n  yes") {
		t.Errorf("the pictures are not named in %s", out)
	}
	if out := well(t, "vqa", tealCircle, "is it red?", "what shape is it?"); strings.Contains(out, tealCircle) || strings.Count(out, "%") != 10 {
		t.Errorf("printed %s", out)
	}
}

// TestVQARecorded compares the answers of the command, one picture encoded for
// many questions, with the reference's.
func TestVQARecorded(t *testing.T) {
	type answer struct {
		Answer string
		Score  float64
	}
	type recording struct {
		Kind, Image, Question string
		TopK                  int `json:"top_k"`
		Answers               []answer
		Logits                []float64
	}
	dir := modelFolder(t, "odd", "vqa")
	want := map[string]recording{}
	var list strings.Builder
	e := json.NewEncoder(&list)
	for _, r := range recorded[recording](t, "vqa.jsonl") {
		if r.Kind != "odd" || r.Question == "" || r.TopK < 10 {
			continue
		}
		r.Image = input(t, r.Image)
		want[r.Image+r.Question] = r
		e.Encode(map[string]string{"image": r.Image, "question": r.Question})
	}
	if len(want) < 4 {
		t.Fatalf("%d recordings", len(want))
	}
	stdin(t, list.String())
	seen := map[string]bool{}
	for _, l := range objects[vqaLine](t, well(t, "vqa", "-", "--model", dir, "--top", "1000", "--json")) {
		r := want[l.Image+l.Question]
		seen[l.Image+l.Question] = true
		if len(l.Answers) < len(r.Answers) {
			t.Fatalf("%q: %d answers, wanted %d", l.Question, len(l.Answers), len(r.Answers))
		}
		for i, w := range r.Answers {
			if got := l.Answers[i]; got.Answer != w.Answer || !near(got.Score, w.Score) {
				t.Errorf("%q, answer %d: %+v, wanted %+v", l.Question, i, got, w)
			}
		}
	}
	if len(seen) != len(want) {
		t.Errorf("%d questions answered of %d", len(seen), len(want))
	}
}

func TestVQACandidates(t *testing.T) {
	all := objects[vqaLine](t, well(t, "vqa", tealCircle, "is it red?", "--top", "100", "--json"))[0]
	score := map[string]float64{}
	for _, a := range all.Answers {
		score[a.Answer] = a.Score
	}
	l := objects[vqaLine](t, well(t, "vqa", tealCircle, "is it red?", "--candidates", "teal, gray,rectangle", "--json"))[0]
	if len(l.Answers) != 3 {
		t.Fatalf("%+v", l)
	}
	sum := score["teal"] + score["gray"] + score["rectangle"]
	for i, a := range l.Answers {
		if !near(a.Score, score[a.Answer]/sum) || i > 0 && a.Score > l.Answers[i-1].Score {
			t.Errorf("%+v, wanted %g", a, score[a.Answer]/sum)
		}
	}
}

func TestVQAPictures(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	out := well(t, "vqa", tealCircle, "what color is the circle?", "is it red?", "-o", file("bars.png"), "--attention", file("where.png"))
	for _, name := range []string{"bars-1.png", "bars-2.png", "where-1.png", "where-2.png"} {
		if b := decode(t, file(name)).Bounds(); b.Dx() < 300 || b.Dy() < 100 {
			t.Errorf("%s is %v", name, b)
		}
		if !strings.Contains(out, file(name)) {
			t.Errorf("%s is not named in %s", name, out)
		}
	}
	draw := func(args ...string) string {
		t.Helper()
		name := file("one.svg")
		well(t, append([]string{"vqa", tealCircle, "what shape is it?", "--attention", name}, args...)...)
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		d := xml.NewDecoder(bytes.NewReader(data))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("the SVG is not XML: %v", err)
			}
		}
		return string(data)
	}
	last := draw()
	for _, word := range []string{"what shape is it?", "[CLS]", ">shape<"} {
		if !strings.Contains(last, word) {
			t.Errorf("%q is not in the picture", word)
		}
	}
	if draw("--layer", "1") != last {
		t.Error("the last layer is not what is drawn without --layer")
	}
	if first, head := draw("--layer", "0"), draw("--head", "2"); first == last || head == last || first == head {
		t.Error("--layer and --head change nothing")
	}
	well(t, "vqa", tealCircle, "is it red?", "-o", file("BARS.SVG"), "--candidates", "yes,no")
	if data, err := os.ReadFile(file("BARS.SVG")); err != nil || !strings.Contains(string(data), ">yes<") || strings.Contains(string(data), ">teal<") {
		t.Errorf("the bars are not of the candidates: %v", err)
	}
}

func TestVQAUsage(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"vqa x.png", 2, "a picture and a text are needed"},
		{"vqa x.png q -o x.gif", 2, ".png or .svg"},
		{"vqa x.png q --attention x", 2, ".png or .svg"},
		{"vqa x.png q --attention x.png -o x.png", 2, "two files"},
		{"vqa x.png q --layer 1", 2, "--attention"},
		{"vqa x.png q --head 1", 2, "--attention"},
		{"vqa x.png q --attention x.png --layer 2", 2, "0 to 1"},
		{"vqa x.png q --attention x.png --head -2", 2, "0 to 3"},
		{"vqa x.png q --candidates yes --top 3", 2, "leave --top out"},
		{"vqa x.png q --candidates=", 2, "names no answer"},
		{"vqa x.png q --candidates yes,maybe", 2, `"maybe" is not among the model's 13 answers`},
		{"vqa " + tealCircle + " q -o /no/such/x.png", 1, "/no/such/x.png"},
		{"vqa " + tealCircle + " " + strings.Repeat("red", 200) + " --attention " + filepath.Join(t.TempDir(), "x.png"), 1, "shorten it"},
	} {
		status, stdout, stderr := govle(t, strings.Fields(c.args)...)
		if status != c.status || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%.60s: status %d, wanted %d; %q is not in\n%s%s", c.args, status, c.status, c.want, stdout, stderr)
		}
	}
	status, _, stderr := govle(t, "vqa", tealCircle, "q", "--model", modelFolder(t, "tiny", "itm"))
	if status != 1 || !strings.Contains(stderr, "another head") {
		t.Errorf("another head: status %d, %s", status, stderr)
	}
	if status, _, stderr = govle(t, "vqa", tealCircle, " "); status != 1 || !strings.Contains(stderr, fmt.Sprintf("%s: vle: question", tealCircle)) {
		t.Errorf("an empty question: status %d, %s", status, stderr)
	}
}
