// Command gen writes the assembly of vle/blas and the packages below it: with avo
// for amd64, by itself for arm64. It is run by "go generate ./vle/blas/..."; the output is committed, and
// a test of this package holds that running it again gives the same bytes.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
)

// unit is one generated pair of files: name_amd64.s and name_amd64.go by avo, or
// what text returns.
type unit struct {
	dir, pkg, name string // dir is relative to vle/blas
	emit           func(*asm)
	text           func() map[string][]byte
}

var units = []unit{
	{dir: ".", pkg: "blas", name: "gemm", emit: emitGemm},
	{dir: ".", pkg: "blas", name: "int8", emit: emitInt8},
	{dir: ".", pkg: "blas", name: "dots", emit: emitDots},
	{dir: "vec", pkg: "vec", name: "vec", emit: emitVec},
	{dir: "peak", pkg: "peak", name: "peak", emit: emitPeak},
	{name: "NEON", text: emitNEON},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen PATH-OF-vle/blas")
		os.Exit(2)
	}
	for _, u := range units {
		files, err := u.generate()
		if err == nil {
			for name, text := range files {
				if err = os.WriteFile(filepath.Join(os.Args[1], name), text, 0o644); err != nil {
					break
				}
			}
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "gen: writing %s: %v\n", u.name, err)
			os.Exit(1)
		}
	}
}

// generate returns the unit's files by their path relative to vle/blas.
func (u unit) generate() (map[string][]byte, error) {
	if u.text != nil {
		return u.text(), nil
	}
	a := &asm{Context: build.NewContext()}
	a.ConstraintExpr("amd64,!noasm")
	u.emit(a)
	f, err := a.Result()
	if err != nil {
		return nil, err
	}
	if err := pass.Compile.Execute(f); err != nil {
		return nil, err
	}
	cfg := printer.Config{Name: "vle/blas/internal/gen", Pkg: u.pkg}
	text, err := printer.NewGoAsm(cfg).Print(f)
	if err != nil {
		return nil, err
	}
	stubs, err := printer.NewStubs(cfg).Print(f)
	if err != nil {
		return nil, err
	}
	base := filepath.Join(u.dir, u.name+"_amd64")
	return map[string][]byte{base + ".s": text, base + ".go": stubs}, nil
}

// asm is an avo context with the few shorthands the kernels share.
type asm struct{ *build.Context }

// fn starts a function whose pointer arguments do not escape.
func (a *asm) fn(name, signature, doc string) {
	a.Function(name)
	a.Attributes(attr.NOSPLIT)
	a.SignatureExpr(signature)
	a.Doc(doc)
	a.Pragma("noescape")
}

// arg loads an integer or pointer parameter into a fresh general register.
func (a *asm) arg(name string) reg.GPVirtual {
	return a.Load(a.Param(name), a.GP64()).(reg.GPVirtual)
}

// argMem is the stack slot of a parameter.
func (a *asm) argMem(name string) operand.Mem {
	p, err := a.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return p.Addr
}
