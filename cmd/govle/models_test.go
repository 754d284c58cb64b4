package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio"
	"gonum.org/v1/gonum/mat"
)

const tealCircle = "../../testdata/shapes/teal-circle.png"

// golden returns a path in the recorded outputs of the reference, or skips the
// test where they are not.
func golden(t *testing.T, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{"..", "..", "..", "shared", "golden"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the reference's recorded outputs are not here (%s)", path)
	}
	return path
}

// modelFolder puts a recorded checkpoint and its processor into one folder.
func modelFolder(t *testing.T, kind, head string) string {
	t.Helper()
	dir := t.TempDir()
	for _, from := range []string{golden(t, "model-"+kind, "ckpt-"+head), golden(t, "pipelines", "processor-"+kind)} {
		files, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			abs, err := filepath.Abs(filepath.Join(from, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(abs, filepath.Join(dir, f.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// input is a picture of the recordings.
func input(t *testing.T, name string) string { return golden(t, "pipelines", "inputs", name) }

// recorded reads the lines of a recording.
func recorded[T any](t *testing.T, name string) []T {
	t.Helper()
	f, err := os.Open(golden(t, "pipelines", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []T
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<26)
	for s.Scan() {
		var v T
		if err := json.Unmarshal(s.Bytes(), &v); err == nil { // lines of another form are other cases
			all = append(all, v)
		}
	}
	if s.Err() != nil || len(all) == 0 {
		t.Fatalf("%s: %d lines, %v", name, len(all), s.Err())
	}
	return all
}

// well runs a command that must go well.
func well(t *testing.T, args ...string) string {
	t.Helper()
	status, stdout, stderr := govle(t, args...)
	if status != 0 {
		t.Fatalf("govle %s: status %d\n%s", strings.Join(args, " "), status, stderr)
	}
	return stdout
}

// objects parses JSON, an object a line.
func objects[T any](t *testing.T, stdout string) []T {
	t.Helper()
	var all []T
	for line := range strings.Lines(stdout) {
		var v T
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, v)
	}
	return all
}

// stdin lets the next command read a text.
func stdin(t *testing.T, text string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	old := os.Stdin
	os.Stdin = r
	t.Cleanup(func() { os.Stdin = old; r.Close() })
	go func() { io.WriteString(w, text); w.Close() }()
}

func near(got, want float64) bool { return math.Abs(got-want) <= 2e-5+1e-4*math.Abs(want) }

func TestITM(t *testing.T) {
	dir := modelFolder(t, "tiny", "itm")
	type recording struct {
		Kind, Image, Text string
		Result            struct {
			Score []float64
			Match string
		}
		Logits []float64
	}
	var texts []string
	want := map[string]recording{}
	for _, r := range recorded[recording](t, "itm.jsonl") {
		if r.Kind == "tiny" && r.Image == "dogs.png" && len(r.Logits) == 2 && strings.TrimSpace(r.Text) == r.Text && r.Text != "" && !strings.Contains(r.Text, "\n") {
			texts = append(texts, r.Text)
			want[r.Text] = r
		}
	}
	if len(texts) < 2 {
		t.Fatalf("%d recorded texts", len(texts))
	}
	check := func(stdout string) {
		t.Helper()
		lines := objects[itmLine](t, stdout)
		if len(lines) != len(texts) {
			t.Fatalf("%d lines for %d texts", len(lines), len(texts))
		}
		for i, l := range lines {
			w := want[l.Text]
			if !near(l.Logits[0], w.Logits[0]) || !near(l.Logits[1], w.Logits[1]) || !near(l.Score, w.Result.Score[1]) || fmt.Sprint(l.Match) != strings.ToLower(w.Result.Match) {
				t.Errorf("%+v, wanted %+v", l, w)
			}
			if texts[l.Index] != l.Text || i > 0 && l.Score > lines[i-1].Score {
				t.Errorf("line %d is out of order: %+v", i, l)
			}
		}
	}
	dogs := input(t, "dogs.png")
	check(well(t, append([]string{"itm", dogs, "--model", dir, "--json"}, texts...)...))
	stdin(t, strings.Join(texts, "\n")+"\n\n")
	check(well(t, "itm", dogs, "-", "--model", dir, "--json"))

	var list strings.Builder
	e := json.NewEncoder(&list)
	for _, text := range texts {
		e.Encode(map[string]string{"image": dogs, "text": text})
	}
	stdin(t, list.String())
	check(well(t, "itm", "-", "--model", dir, "--json"))

	if out := well(t, "itm", dogs, texts[0], texts[1], "--model", dir); !strings.HasPrefix(out, dogs+"\n") || strings.Count(out, "%") != 2 {
		t.Errorf("printed %s", out)
	}
	door := input(t, "door.png")
	pictures := objects[itmLine](t, well(t, "itm", door, dogs, "--text", texts[0], "--model", dir, "--json"))
	if len(pictures) != 2 || pictures[0].Score < pictures[1].Score {
		t.Fatalf("pictures %+v", pictures)
	}
	for _, p := range pictures {
		if p.Image != []string{door, dogs}[p.Index] || p.Image == dogs && !near(p.Logits[1], want[texts[0]].Logits[1]) {
			t.Errorf("%+v", p)
		}
	}
	// More pictures than are held at once.
	many := append([]string{"itm", "--text", texts[0], "--model", dir, "--json"}, slices.Repeat([]string{door, dogs}, picturesAtOnce)...)
	ranked := objects[itmLine](t, well(t, many...))
	if len(ranked) != 2*picturesAtOnce {
		t.Fatalf("%d of %d pictures", len(ranked), 2*picturesAtOnce)
	}
	for i, p := range ranked {
		if p.Image != pictures[i/picturesAtOnce].Image || p.Image != many[6+p.Index] {
			t.Errorf("rank %d is %+v", i, p)
		}
	}
	if out := well(t, "itm", door, dogs, "--text", texts[0], "--model", dir); !strings.Contains(out, dogs) || !strings.Contains(out, door) {
		t.Errorf("the pictures are not named in %s", out)
	}
}

func TestPBC(t *testing.T) {
	dir := modelFolder(t, "odd", "pbc")
	type recording struct {
		Kind, Image, Text string
		Logits            [][]float64
		Focus             []float64 `json:"patch_softmax_class1"`
	}
	n := 0
	for _, r := range recorded[recording](t, "pbc.jsonl") {
		if r.Kind != "odd" || r.Image != "dogs.png" {
			continue
		}
		n++
		lines := objects[pbcLine](t, well(t, "pbc", input(t, r.Image), r.Text, "--model", dir, "--json"))
		l := lines[0]
		if len(l.Logits) != len(r.Logits) || l.Grid*l.Grid != len(r.Logits) {
			t.Fatalf("%d patches, wanted %d", len(l.Logits), len(r.Logits))
		}
		best := 0
		for i, w := range r.Logits {
			if !near(l.Logits[i][0], w[0]) || !near(l.Logits[i][1], w[1]) || !near(l.Focus[i], r.Focus[i]) {
				t.Errorf("patch %d: %v %g, wanted %v %g", i, l.Logits[i], l.Focus[i], w, r.Focus[i])
			}
			if r.Focus[i] > r.Focus[best] {
				best = i
			}
		}
		if l.Best != [2]int{best / l.Grid, best % l.Grid} {
			t.Errorf("best %v, wanted patch %d", l.Best, best)
		}
	}
	if n == 0 {
		t.Fatal("no recording was compared")
	}

	out := filepath.Join(t.TempDir(), "painted.png")
	stdout := well(t, "pbc", input(t, "synth_tall.png"), "a dog", "a wall", "--model", dir, "-o", out)
	var painted [2]image.Image
	for i := range painted {
		name := strings.TrimSuffix(out, ".png") + fmt.Sprintf("-%d.png", i+1)
		if !strings.Contains(stdout, name) {
			t.Errorf("%s is not named in %s", name, stdout)
		}
		painted[i] = decode(t, name)
	}
	original := decode(t, input(t, "synth_tall.png"))
	if painted[0].Bounds() != original.Bounds() {
		t.Errorf("painted %v, the picture is %v", painted[0].Bounds(), original.Bounds())
	}
	well(t, "pbc", input(t, "synth_tall.png"), "a dog", "--model", dir, "-o", out, "--stretched")
	b := original.Bounds()
	// The processor crops the top away, which is dark unless it is stretched.
	dark, light := 0.0, 0.0
	for x := range b.Dx() {
		r, _, _, _ := painted[0].At(x, 0).RGBA()
		dark += float64(r)
		r, _, _, _ = original.At(x, 0).RGBA()
		light += float64(r)
	}
	if dark > 0.5*light {
		t.Errorf("what was cropped away is not dark: %g of %g", dark, light)
	}
	if jpg := strings.TrimSuffix(out, "png") + "jpg"; true {
		well(t, "pbc", tealCircle, "a dog", "--model", dir, "-o", jpg)
		if data, err := os.ReadFile(jpg); err != nil || http.DetectContentType(data) != "image/jpeg" {
			t.Errorf("the JPEG is %s, %v", http.DetectContentType(data), err)
		}
	}
}

func decode(t *testing.T, name string) image.Image {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return img
}

func TestMLM(t *testing.T) {
	dir := modelFolder(t, "tiny", "mlm")
	lines := objects[mlmLine](t, well(t, "mlm", tealCircle, "a [MASK] of a [MASK].", "--model", dir, "--json", "--top", "3"))
	if len(lines) != 1 || len(lines[0].Blanks) != 2 {
		t.Fatalf("%+v", lines)
	}
	for _, b := range lines[0].Blanks {
		if len(b) != 3 || b[0].Score < b[1].Score || b[0].Score <= 0 || b[0].Token == "" || strings.Contains(b[0].Word, "▁") {
			t.Errorf("blank %+v", b)
		}
	}
	if out := well(t, "mlm", tealCircle, "a [MASK].", "--model", dir, "--top", "2"); !strings.Contains(out, "blank 1\n") || strings.Count(out, "%") != 2 {
		t.Errorf("printed %s", out)
	}
}

func TestVCR(t *testing.T) {
	q2a, qa2r := modelFolder(t, "tiny", "vcr_q2a"), modelFolder(t, "tiny", "vcr_qa2r")
	type recording struct {
		Kind, Head, Sample string
		Meta               json.RawMessage
		Call0              struct {
			Scores [][]float64
			Pred   [][]int
		}
	}
	images := golden(t, "pipelines", "inputs")
	n := 0
	for _, r := range recorded[recording](t, "vcr.jsonl") {
		if r.Kind != "tiny" {
			continue
		}
		n++
		stdin(t, string(r.Meta)+"\n")
		model := q2a
		if r.Head == "vcr_qa2r" {
			model = qa2r
		}
		l := objects[vcrLine](t, well(t, "vcr", "-", "--images", images, "--model", model, "--reference", "--json"))[0]
		got := l.Answer
		if r.Head == "vcr_qa2r" {
			got = l.Rationale
		}
		if got == nil || got.Best != r.Call0.Pred[0][0] || len(got.Texts) != 4 {
			t.Fatalf("%s %s: %+v, wanted %d", r.Head, r.Sample, got, r.Call0.Pred[0][0])
		}
		for i, w := range r.Call0.Scores[0] {
			if !near(got.Logits[i], w) {
				t.Errorf("%s %s, choice %d: %g, wanted %g", r.Head, r.Sample, i, got.Logits[i], w)
			}
		}
		if n == 1 {
			file := filepath.Join(t.TempDir(), "one.json")
			if err := os.WriteFile(file, r.Meta, 0o644); err != nil {
				t.Fatal(err)
			}
			out := well(t, "vcr", file, "--images", images, "--model", qa2r, "--model", q2a)
			if strings.Count(out, "→") != 2 || !strings.Contains(out, "Q2A\n") || !strings.Contains(out, "QA2R\n") {
				t.Errorf("printed %s", out)
			}
		}
	}
	if n != 4 {
		t.Errorf("%d recordings, wanted 4", n)
	}
	for _, c := range []struct{ in, want string }{
		{"{}", `question 1: "img_fn" is missing`},
		{"", "no questions"},
		{`{"img_fn": "no.png"}`, "no.png"},
		{`{"img_fn": "synth.png", "metadata_fn": "no.json"}`, "no.json"},
		{`{"img_fn": "synth.png", "question": [3]}`, "question 1: a VCR word"},
		{`{"img_fn": "synth.png", "objects": ["dog"], "question": ["Why"]}`, "1 objects with 0 boxes"},
		{`{"img_fn": "synth.png"} {`, "question 1: "},
	} {
		stdin(t, c.in)
		status, stdout, stderr := govle(t, "vcr", "-", "--images", images, "--model", q2a)
		if status != 1 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: status %d, %q is not in %s", c.in, status, c.want, stderr)
		}
	}
}

func TestFeatures(t *testing.T) {
	l := objects[featureLine](t, well(t, "features", tealCircle, "a circle", "--json"))[0]
	if l.Kind != "pooled" || l.Shape[0] != 1 || len(l.Values) != 1 || len(l.Values[0]) != l.Shape[1] || len(l.Tokens) < 3 || l.Tokens[0] != "[CLS]" {
		t.Fatalf("%+v", l)
	}
	for _, v := range l.Values[0] { // the poolers end in tanh
		if math.Abs(v) > 1 || v == 0 {
			t.Errorf("pooled %g", v)
		}
	}
	out := filepath.Join(t.TempDir(), "f.npy")
	for _, kind := range featureKinds {
		l := objects[featureLine](t, well(t, "features", tealCircle, "a circle", "--kind", kind, "-o", out, "--json"))[0]
		f, err := os.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		var m mat.Dense
		err = npyio.Read(f, &m)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		if r, c := m.Dims(); [2]int{r, c} != l.Shape || l.File != out || l.Values != nil {
			t.Errorf("%s: %d×%d in the file, %+v", kind, r, c, l)
		}
		if strings.HasSuffix(kind, "text") && l.Shape[0] != len(l.Tokens) {
			t.Errorf("%s: %d rows for %d tokens", kind, l.Shape[0], len(l.Tokens))
		}
	}
	if out := well(t, "features", tealCircle, "a circle"); !strings.Contains(out, "pooled, 1×") {
		t.Errorf("printed %s", out)
	}
	// A head's folder gives the same body as the body's own.
	if head, body := modelFolder(t, "tiny", "itm"), modelFolder(t, "tiny", "base"); true {
		a := objects[featureLine](t, well(t, "features", tealCircle, "x", "--model", head, "--json"))[0]
		b := objects[featureLine](t, well(t, "features", tealCircle, "x", "--model", body, "--json"))[0]
		if fmt.Sprint(a.Values) != fmt.Sprint(b.Values) {
			t.Error("a head's folder gives other features than the body's")
		}
	}
}

// TestModelUsage tries mistakes on the command line and with files.
func TestModelUsage(t *testing.T) {
	t.Setenv("OPENAI_BASE_URL", "")
	for _, c := range []struct {
		name, args string
		status     int
		want       string
	}{
		{"no model", "itm x.png text", 2, "--model is missing"},
		{"no text", "mlm x.png --model m", 2, "a picture and a text are needed"},
		{"no such model", "itm x.png text --model /no/such", 1, "/no/such"},
		{"no such picture", "features /no/such.png text", 1, "/no/such.png"},
		{"not a picture", "features main.go text", 1, "main.go"},
		{"no words wanted", "mlm x.png text --model m --top 0", 2, "--top 0"},
		{"bad picture name", "pbc x.png text --model m -o x.gif", 2, ".png or .jpg"},
		{"bad kind", "features x.png text --kind all", 2, "fused-image"},
		{"bad array name", "features x.png text -o x.txt", 2, ".npy"},
		{"no VCR model", "vcr x.json", 2, "Q2A"},
		{"no VCR file", "vcr", 2, "accepts 1 arg"},
		{"no server", "ask " + tealCircle + " what?", 2, "OPENAI_BASE_URL"},
		{"two captions", "ask x.png what? --dry-run --caption a --caption b", 2, "--itm"},
		{"nothing to rank", "ask x.png what? --dry-run --itm m", 2, "--caption"},
		{"bad name on the hub", "pull a/b/c", 1, "owner/name"},
		{"nothing to pull", "pull", 2, "accepts 1 arg"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, stdout, stderr := govle(t, strings.Fields(c.args)...)
			if status != c.status || stdout != "" || !strings.Contains(stderr, c.want) {
				t.Errorf("status %d, wanted %d; %q is not in\n%s%s", status, c.status, c.want, stdout, stderr)
			}
		})
	}
	for _, c := range []struct{ in, want string }{
		{"\n \n", "the list is empty"}, {"text\n", "item 1 names no picture"}, {`{"image": "x.png"}`, `no "text"`}, {`{"image`, "item 1 is not JSON"},
	} {
		stdin(t, c.in)
		status, _, stderr := govle(t, "features", "-")
		if status != 1 || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: status %d, %q is not in %s", c.in, status, c.want, stderr)
		}
	}
	status, _, stderr := govle(t, "mlm", tealCircle, "no blank", "--model", modelFolder(t, "tiny", "mlm"))
	if status != 1 || !strings.Contains(stderr, "[MASK]") || !strings.Contains(stderr, tealCircle) {
		t.Errorf("a text without a blank: status %d, %s", status, stderr)
	}
	status, _, stderr = govle(t, "pbc", tealCircle, "x", "--model", modelFolder(t, "tiny", "itm"))
	if status != 1 || !strings.Contains(stderr, "another head") {
		t.Errorf("another head: status %d, %s", status, stderr)
	}
}

// TestJSONFields holds the names that programs rely on, which each command's help
// must explain.
func TestJSONFields(t *testing.T) {
	itm, pbc, mlm, q2a := modelFolder(t, "tiny", "itm"), modelFolder(t, "tiny", "pbc"), modelFolder(t, "tiny", "mlm"), modelFolder(t, "tiny", "vcr_q2a")
	images := golden(t, "pipelines", "inputs")
	meta := recorded[struct{ Meta json.RawMessage }](t, "vcr.jsonl")[0].Meta
	for _, c := range []struct{ args, want string }{
		{"itm " + tealCircle + " x --json --model " + itm, "image index logits match score text"},
		{"pbc " + tealCircle + " x --json --model " + pbc + " -o " + filepath.Join(t.TempDir(), "p.png"), "best focus grid image inside logits painted text"},
		{"mlm " + tealCircle + " [MASK] --json --model " + mlm, "blanks image text"},
		{"vcr - --json --images " + images + " --model " + q2a, "answer image"},
		{"vqa " + tealCircle + " x --json -o " + filepath.Join(t.TempDir(), "b.svg") + " --attention " + filepath.Join(t.TempDir(), "a.svg"), "answers attention chart image question"},
		{"features " + tealCircle + " x --json", "image kind shape text tokens values"},
		{"ask " + tealCircle + " x --json --dry-run", "image prompt question"},
	} {
		args := strings.Fields(c.args)
		stdin(t, string(meta))
		var o map[string]any
		if err := json.Unmarshal([]byte(well(t, args...)), &o); err != nil {
			t.Fatal(err)
		}
		fields := slices.Sorted(maps.Keys(o))
		if got := strings.Join(fields, " "); got != c.want {
			t.Errorf("govle %s prints %s, wanted %s", args[0], got, c.want)
		}
		help := well(t, args[0], "--help")
		_, told, _ := strings.Cut(help, "--json prints")
		for _, f := range fields {
			if !strings.Contains(told, f) {
				t.Errorf("the help of govle %s does not tell of the field %s", args[0], f)
			}
		}
	}
}
