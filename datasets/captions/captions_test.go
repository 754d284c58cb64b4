package captions_test

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"govle/datasets"
	"govle/datasets/captions"
)

var _ datasets.Source[datasets.Caption] = (*captions.Dataset)(nil)

func TestBothForms(t *testing.T) {
	for _, name := range []string{"list.jsonl", "list.tsv"} {
		d, err := captions.Open(filepath.Join("testdata", name), "testdata")
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Check(); err != nil || d.Len() != 2 {
			t.Fatalf("%s: %d captions, %v", name, d.Len(), err)
		}
		c, err := d.At(0)
		if err != nil || c.Text != "a blue circle" || len(c.Regions) != 1 ||
			!reflect.DeepEqual(c.Regions[0].Boxes, []datasets.Box{{X0: 16, Y0: 16, X1: 48, Y1: 48}}) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if c, _ = d.At(1); c.ID != "1" || c.Text != "a picture of one shape" {
			t.Errorf("%s: %+v", name, c)
		}
		if img, err := c.Picture.Image(); err != nil || img.Bounds().Dx() != 64 {
			t.Errorf("%s: picture: %v", name, err)
		}
	}
}

func TestWriteAndRead(t *testing.T) {
	want := datasets.Caption{ID: "x", Text: "a <blue> circle", Negatives: []string{"a star"},
		Regions: []datasets.Region{{Phrase: "a circle", Boxes: []datasets.Box{{X0: 1, Y0: 2.5, X1: 3, Y1: 4}}}}}
	var out bytes.Buffer
	if err := captions.Write(&out, want, "circle.png"); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "l.jsonl")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := captions.Open(file, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got, err := d.At(0)
	if err != nil {
		t.Fatal(err)
	}
	want.Picture = datasets.FilePicture(filepath.Join("testdata", "circle.png"))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestBadLines(t *testing.T) {
	text := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(text, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ file, text, want string }{
		{"l.jsonl", `{"image": "circle.png"`, "l.jsonl:1: unexpected end of JSON"},
		{"l.jsonl", "\n" + `{"caption": "x"}`, "l.jsonl:2: no image"},
		{"l.jsonl", `{"image": "circle.png", "caption": " "}`, "l.jsonl:1: no caption"},
		{"l.jsonl", `{"image": "square.png", "caption": "x"}`, "l.jsonl:1: picture: open testdata/square.png"},
		{"l.jsonl", `{"image": "list.tsv", "caption": "x"}`, "unknown format"},
		{"l.jsonl", `{"image": "/etc/x.png", "caption": "x"}`, "leads out of the picture folder"},
		{"l.jsonl", `{"image": "circle.png", "caption": "x", "regions": [{"phrase": "y", "boxes": [[0, 0, 65, 9]]}]}`, `phrase "y": box {0 0 65 9} ends outside the 64×64 picture`},
		{"l.jsonl", `{"image": "circle.png", "caption": "x", "regions": [{"phrase": "y", "boxes": [[9, 0, 6, 9]]}]}`, "is empty"},
		{"l.jsonl", `{"image": "circle.png", "caption": "x", "regions": [{"boxes": []}]}`, "a region without a phrase"},
		{"l.jsonl", strings.Repeat(`{"id": "q", "image": "circle.png", "caption": "x"}`+"\n", 2), `l.jsonl:2: id "q" comes twice`},
		{"l.tsv", "circle.png", "l.tsv:1: 1 columns between tabs"},
		{"l.tsv", "image\tcaption\ncircle.png\tx\t[{]", "l.tsv:2: regions: invalid character"},
	} {
		file := filepath.Join(t.TempDir(), c.file)
		if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := captions.Open(file, "testdata")
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v does not say %q", c.text, err, c.want)
		}
		d.Close()
	}
}

func FuzzAt(f *testing.F) {
	for tsv, name := range map[bool]string{false: "list.jsonl", true: "list.tsv"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, tsv)
	}
	f.Add([]byte("\t\t\n\x00"), true)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte, tsv bool) {
		file := filepath.Join(dir, map[bool]string{false: "l.jsonl", true: "l.tsv"}[tsv])
		if os.WriteFile(file, text, 0o644) != nil {
			t.Skip()
		}
		d, err := captions.Open(file, "testdata")
		if err != nil {
			return
		}
		defer d.Close()
		for i := range d.Len() {
			c, err := d.At(i)
			if err != nil {
				if !strings.HasPrefix(err.Error(), "reading captions: "+file+":") {
					t.Errorf("error %v names no line", err)
				}
				continue
			}
			if c.Text == "" || c.Picture.File == "" {
				t.Errorf("%+v was let through", c)
			}
		}
	})
}

func ExampleOpen() {
	d, err := captions.Open("testdata/list.tsv", "testdata")
	if err != nil {
		log.Fatal(err)
	}
	defer d.Close()
	for c, err := range datasets.All[datasets.Caption](d) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(c.Text, len(c.Regions))
	}
	// Output:
	// a blue circle 1
	// a picture of one shape 0
}
