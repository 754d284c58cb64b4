package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// chat is a chat server that keeps what it was asked.
func chat(t *testing.T, answer string) (address string, asked *[]string) {
	asked = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/models" {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"object":"list","data":[{"id":"small-chat","object":"model"}]}`)
			return
		}
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.Header.Get("Authorization")+string(body))
		if !strings.Contains(string(body), `"stream":true`) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `{"model":"small-chat","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":%q}}]}`, answer)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range strings.SplitAfter(answer, " ") {
			fmt.Fprintf(w, "data: {\"model\":\"small-chat\",\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", word)
		}
		io.WriteString(w, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestAsk(t *testing.T) {
	const key = "sk-never-to-be-seen"
	t.Setenv("OPENAI_API_KEY", "")
	t.Setenv("OPENAI_BASE_URL", "")
	t.Setenv("OTHER_KEY", key)
	const question = "what color is the circle?"
	address, asked := chat(t, "It is teal.")
	args := []string{"ask", tealCircle, question, "--server", address, "--caption", "a round thing", "--key-env", "OTHER_KEY"}
	if out := well(t, args...); out != "It is teal.\n" {
		t.Errorf("printed %q", out)
	}
	sent := (*asked)[0]
	for _, want := range []string{"Bearer " + key, "small-chat", "a round thing", "teal (", question} {
		if !strings.Contains(sent, want) {
			t.Errorf("%q is not in what was sent: %s", want, sent)
		}
	}
	out := well(t, append(args, "--json", "--top", "2")...)
	l := objects[askLine](t, out)[0]
	if l.Answer != "It is teal." || l.Model != "small-chat" || len(l.Candidates) != 2 || l.Candidates[0].Answer != "teal" || len(l.Prompt) != 2 || strings.Contains(out, key) {
		t.Errorf("%+v", l)
	}

	n := len(*asked)
	template := filepath.Join(t.TempDir(), "t")
	if err := os.WriteFile(template, []byte("{{.Question}} {{(index .Candidates 0).Answer}}?"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := well(t, "ask", tealCircle, question, "--dry-run", "--system", "Be brief.", "--template", template); out != "system:\nBe brief.\n\nuser:\n"+question+" teal?\n" {
		t.Errorf("the prompt is %q", out)
	}
	stdin(t, `{"image": "`+tealCircle+`", "question": "what shape is it?"}`+"\n")
	if l := objects[askLine](t, well(t, "ask", "-", "--dry-run", "--json"))[0]; l.Question != "what shape is it?" || len(l.Prompt) != 2 {
		t.Errorf("%+v", l)
	}
	if len(*asked) != n {
		t.Error("--dry-run sent something")
	}

	status, stdout, stderr := govle(t, "ask", tealCircle, "what?", "--server", "http://127.0.0.1:1", "--key-env", "OTHER_KEY")
	if status != 1 || stdout != "" || !strings.Contains(stderr, "is the server running?") || strings.Contains(stderr, key) {
		t.Errorf("status %d\n%s%s", status, stdout, stderr)
	}
}

func TestAskCaptions(t *testing.T) {
	itm, mlm := modelFolder(t, "tiny", "itm"), modelFolder(t, "tiny", "mlm")
	out := well(t, "ask", tealCircle, "what?", "--dry-run", "--caption", "a dog", "--caption", "a circle", "--itm", itm)
	best := objects[itmLine](t, well(t, "itm", tealCircle, "a dog", "a circle", "--model", itm, "--json"))[0].Text
	if !strings.Contains(out, "Caption of the picture: "+best+"\n") {
		t.Errorf("%q is not the caption in %s", best, out)
	}
	out = well(t, "ask", tealCircle, "what?", "--dry-run", "--caption", "it is [MASK] here", "--mlm", mlm)
	if strings.Contains(out, "[MASK]") || !strings.Contains(out, "Caption of the picture: it is") || !strings.Contains(out, " here\n") {
		t.Errorf("the blank is not filled in %s", out)
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
		{"embedded cannot", "pbc x.png text --model embedded", 2, "only answers questions"},
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

func TestByteCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1 kB", 1234: "1.23 kB", 123456: "123 kB", 999999: "1 MB", 1513000000: "1.51 GB"} {
		if got := byteCount(n); got != want {
			t.Errorf("byteCount(%d) is %q, wanted %q", n, got, want)
		}
	}
}

// hubServer speaks enough of a hub's API for one model; before, if not nil, may
// send a file in its place.
func hubServer(t *testing.T, files map[string]string, before func(w http.ResponseWriter, r *http.Request) (done bool)) string {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, ok := strings.CutPrefix(r.URL.Path, "/owner/model/resolve/"+commit+"/"); ok && files[name] != "" {
			w.Header().Set("ETag", `"`+gitHash(files[name])+`"`)
			w.Header().Set("X-Repo-Commit", commit)
			if before != nil && before(w, r) {
				return
			}
			http.ServeContent(w, r, name, time.Time{}, strings.NewReader(files[name]))
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/api/models/owner/model/revision/") {
			http.Error(w, `{"error":"Repository not found"}`, http.StatusNotFound)
			return
		}
		var siblings []map[string]any
		for name, body := range files {
			siblings = append(siblings, map[string]any{"rfilename": name, "size": len(body), "blobId": gitHash(body)})
		}
		json.NewEncoder(w).Encode(map[string]any{"sha": commit, "siblings": siblings})
	}))
	t.Cleanup(s.Close)
	t.Setenv("HF_ENDPOINT", s.URL)
	t.Setenv("HF_HOME", t.TempDir())
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE"} {
		t.Setenv(name, "")
	}
	return commit
}

func TestPull(t *testing.T) {
	files := map[string]string{"config.json": `{"model_type":"vle"}`, "model.safetensors": strings.Repeat("weights ", 1<<18), "README.md": "not wanted"}
	commit := hubServer(t, files, nil)
	status, stdout, stderr := govle(t, "pull", "owner/model")
	dir := strings.TrimSuffix(stdout, "\n")
	if status != 0 || !strings.HasSuffix(dir, commit) || !strings.Contains(stderr, "model.safetensors  2.1 MB") {
		t.Fatalf("status %d, printed %q\n%s", status, stdout, stderr)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "model.safetensors")); err != nil || string(data) != files["model.safetensors"] {
		t.Errorf("the weights: %v", err)
	}
	own := filepath.Join(t.TempDir(), "m")
	status, stdout, stderr = govle(t, "pull", "owner/model", "--dir", own, "--files", "*.json", "--json")
	var got struct {
		Repo, Commit, Dir string
		Files             []string
	}
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || status != 0 || got.Dir != own || got.Commit != commit || len(got.Files) != 1 {
		t.Errorf("status %d, %v, %+v\n%s", status, err, got, stderr)
	}
	if status, stdout, stderr = govle(t, "pull", "owner/model", "-q"); status != 0 || stderr != "" || stdout != dir+"\n" {
		t.Errorf("a second time: status %d, %q\n%s", status, stdout, stderr)
	}
	if status, _, stderr = govle(t, "pull", "owner/other"); status != 1 || !strings.Contains(stderr, "owner/other") || !strings.Contains(stderr, "no such model") {
		t.Errorf("no such model: status %d, %s", status, stderr)
	}
}

// TestPullStops cancels a download half way, as Ctrl-C does, and goes on.
func TestPullStops(t *testing.T) {
	body := strings.Repeat("weights ", 1<<18)
	ctx, cancel := context.WithCancel(context.Background())
	resumed := ""
	hubServer(t, map[string]string{"model.safetensors": body}, func(w http.ResponseWriter, r *http.Request) bool {
		resumed = r.Header.Get("Range")
		broken := ctx.Err() == nil && r.Method == http.MethodGet
		if broken {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			io.WriteString(w, body[:len(body)/2])
			w.(http.Flusher).Flush()
			time.AfterFunc(300*time.Millisecond, cancel)
			<-r.Context().Done()
		}
		return broken
	})
	old := os.Stderr
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	os.Stderr = w
	status := execute(ctx, []string{"pull", "owner/model", "-q"})
	os.Stderr = old
	w.Close()
	stderr, _ := io.ReadAll(r)
	if status != 1 || !strings.Contains(string(stderr), "what has arrived is kept") {
		t.Fatalf("status %d, %s", status, stderr)
	}
	dir := strings.TrimSpace(well(t, "pull", "owner/model", "-q"))
	data, err := os.ReadFile(filepath.Join(dir, "model.safetensors"))
	if err != nil || string(data) != body {
		t.Errorf("after going on: %d bytes, %v", len(data), err)
	}
	if resumed != fmt.Sprintf("bytes=%d-", len(body)/2) {
		t.Errorf("it went on with range %q", resumed)
	}
}

func gitHash(s string) string {
	h := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(s), s))
	return hex.EncodeToString(h[:])
}
