// Package docs holds the tests that keep docs/architecture.md true.
package docs

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// room says what the packages under one folder may import directly, besides
// the standard library. An entry ending in "/..." covers a whole tree.
type room struct {
	path string   // folder, relative to the module; covers its sub-folders too unless they have a line
	own  []string // packages of this module
	mods []string // other modules, by import path prefix; "*" is any
}

// rooms are the arrows of docs/architecture.md. The longest matching path wins.
var rooms = []room{
	{"cmd/govle", []string{"cmd/...", "kernel/...", "vle/...", "viz", "datasets/..."}, []string{"*"}},
	{"cmd/install-kernel", []string{"kernel/kernelspec"}, []string{"github.com/spf13/cobra"}},
	{"kernel", []string{"kernel", "kernel/wire", "kernel/engine", "kernel/display", "kernel/internal/..."}, []string{"github.com/go-zeromq/zmq4", "golang.org/x/"}},
	{"kernel/wire", nil, nil},
	{"kernel/kernelspec", nil, nil},
	{"kernel/client", []string{"kernel/wire", "kernel/kernelspec", "kernel/internal/..."}, []string{"github.com/go-zeromq/zmq4", "golang.org/x/"}},
	{"kernel/engine", []string{"kernel/engine/...", "kernel/display"}, []string{"golang.org/x/"}},
	{"kernel/display", nil, nil},
	{"kernel/widget", []string{"kernel/display"}, nil},
	{"kernel/notebook", []string{"kernel/client", "kernel/kernelspec", "kernel/wire", "kernel/notebook/..."}, []string{"github.com/yuin/goldmark", "github.com/alecthomas/chroma", "golang.org/x/"}},
	{"vle", []string{"vle/blas/...", "vle/checkpoint", "vle/hub", "vle/imageproc", "vle/nn/...", "vle/tokenizer", "vle/vec", "vle/internal/..."}, []string{"github.com/nlpodyssey/spago", "gonum.org/v1/gonum"}},
	{"vle/nn", []string{"vle/blas/...", "vle/nn/...", "vle/vec"}, []string{"github.com/nlpodyssey/spago", "gonum.org/v1/gonum"}},
	{"vle/blas", []string{"vle/blas/...", "vle/vec"}, []string{"gonum.org/v1/", "github.com/klauspost/cpuid", "golang.org/x/sys", "github.com/mmcloughlin/avo"}},
	{"vle/tokenizer", []string{"vle/tokenizer/..."}, []string{"google.golang.org/protobuf/encoding/protowire"}},
	{"vle/imageproc", []string{"vle/imageproc/..."}, []string{"golang.org/x/image", "golang.org/x/sys"}},
	{"vle/checkpoint", []string{"vle/checkpoint/..."}, []string{"golang.org/x/sys"}},
	{"vle/hub", nil, []string{"github.com/gofrs/flock"}},
	{"vle/llm", []string{"vle"}, []string{"github.com/openai/openai-go"}},
	{"vle/train", []string{"vle", "vle/blas/...", "vle/checkpoint", "vle/nn/...", "vle/tokenizer", "vle/train/..."}, []string{"github.com/nlpodyssey/spago", "gonum.org/v1/gonum", "github.com/BurntSushi/toml", "google.golang.org/protobuf/encoding/protowire"}},
	{"vle/parity", []string{"vle/..."}, []string{"github.com/sbinet/npyio", "github.com/nlpodyssey/spago"}},
	{"viz", []string{"viz/..."}, []string{"gonum.org/v1/", "golang.org/x/image"}},
	{"datasets", []string{"datasets/..."}, nil},
	{"docs", nil, nil},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

const module = "govle"

func TestImportsRunOneWay(t *testing.T) {
	pkgs := list(t)
	if len(pkgs) < 8 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	for _, p := range pkgs {
		path := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		r, ok := roomOf(path)
		if !ok {
			t.Errorf("%s belongs to no room; give it a line in docs/architecture.md and here", p.ImportPath)
			continue
		}
		for _, imp := range p.Imports {
			if !r.allows(imp) {
				t.Errorf("%s imports %s, which its room %s does not allow", p.ImportPath, imp, r.path)
			}
		}
	}
}

func TestEveryRoomIsDescribed(t *testing.T) {
	doc, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rooms {
		if !strings.Contains(string(doc), "`"+r.path+"`") {
			t.Errorf("docs/architecture.md does not name the room `%s`", r.path)
		}
	}
}

// list returns the packages of this module with their direct imports, those of
// tests left out.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = ".."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func roomOf(path string) (room, bool) {
	var best room
	for _, r := range rooms {
		if (path == r.path || strings.HasPrefix(path, r.path+"/")) && len(r.path) > len(best.path) {
			best = r
		}
	}
	return best, best.path != ""
}

func (r room) allows(imp string) bool {
	if inner, ok := strings.CutPrefix(imp, module+"/"); ok {
		for _, own := range r.own {
			tree, isTree := strings.CutSuffix(own, "/...")
			if inner == own || isTree && (inner == tree || strings.HasPrefix(inner, tree+"/")) {
				return true
			}
		}
		return false
	}
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return true // standard library
	}
	for _, mod := range r.mods {
		if mod == "*" || strings.HasPrefix(imp, mod) {
			return true
		}
	}
	return false
}
