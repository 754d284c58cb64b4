package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// snippetHead is what a cell has in scope, and the packages that models.md uses.
const snippetHead = `package main

import (
	"context"
	"fmt"
	"image"
	"time"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/hub"
	"govle/vle/imageproc"
	"govle/vle/llm"
)

var (
	ctx       = context.Background()
	img, img2 image.Image
	_         = fmt.Print
	_         time.Duration
	_         hub.Options
	_         checkpoint.Options
	_         imageproc.Box
	_         llm.Config
	_         vle.Fill
)

func must[T any](v T, err error) T { return v }

func main() {}
`

var (
	declared = regexp.MustCompile(`(?m)^([a-z]\w*(?:, \w+)*) :?=`)
	// bare is a name or a field on a line of its own, which a cell shows.
	bare = regexp.MustCompile(`(?m)^([a-z]\w*(?:\.\w+)?)( +//.*)?$`)
)

// TestModelsGuideCompiles type-checks every piece of Go in models.md.
func TestModelsGuideCompiles(t *testing.T) { vetGuide(t, "models.md", snippetHead, 15) }

// vetGuide type-checks the pieces of Go in a guide, at least as many as given,
// below head.
func vetGuide(t *testing.T, guide, head string, least int) {
	doc, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	src := head
	n := 0
	for rest := string(doc); ; n++ {
		_, after, ok := strings.Cut(rest, "\n```go\n")
		if !ok {
			break
		}
		code, after, ok := strings.Cut(after, "\n```\n")
		if !ok {
			t.Fatal("a piece of code without an end")
		}
		rest = "\n" + after
		used := ""
		for _, m := range declared.FindAllStringSubmatch(code, -1) {
			for name := range strings.SplitSeq(m[1], ", ") {
				used += "\t_ = " + name + "\n"
			}
		}
		src += fmt.Sprintf("\nfunc piece%d() {\n%s\n%s}\n", n, bare.ReplaceAllString(code, "_ = $1"), used)
	}
	if n < least {
		t.Errorf("only %d pieces of Go", n)
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(src), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "vet", file)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s does not compile: %v\n%s\n%s", guide, err, out, src)
	}
}
