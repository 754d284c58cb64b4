package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"govle/kernel/client"
	"govle/kernel/kernelspec"
)

// benchKernel is a kernel whose cells are timed.
type benchKernel struct {
	spec *kernelspec.Spec
	// write puts a piece of Go that ends in a value into the kernel's language.
	// Of Go, it gets what declares x, or what computes.
	write func(cellWork) string
}

// cellWork is what a cell does, in Go and in Python.
type cellWork struct {
	declare    bool // x, which later cells use
	statements string
	value      string
	python     string
}

// Kernels beside govle's own: plain Go with a trailing value, which gophernotes
// shares with govle; Python; and GoNB, whose statements stand below %% and whose
// variables must be declared at top level to be seen again.
func plainGo(w cellWork) string { return w.statements + w.value }

func pythonCell(w cellWork) string { return w.python }

func gonbCell(w cellWork) string {
	if w.declare {
		return "import \"fmt\"\n\nvar x = 41"
	}
	return "%%\n" + w.statements + "fmt.Println(" + w.value + ")"
}

// cellBench times cells through the whole protocol, with other kernels beside
// them where they are installed.
func cellBench() []benchCase {
	cell := func(name, about string, work func(i int) cellWork) benchCase {
		return benchCase{name: "cell/" + name, about: about, prepare: func(b *bench) ([]benchSide, error) { return b.cellSides(work) }}
	}
	return []benchCase{
		cell("simple", "round trip of a cell that needs no compiler (x + 1)", func(i int) cellWork {
			x := fmt.Sprintf("x + %d", i)
			return cellWork{value: x, python: x}
		}),
		cell("compiled", "round trip of a cell that is compiled (a loop to ten million)", func(i int) cellWork {
			return cellWork{
				statements: fmt.Sprintf("s := 0\nfor i := 0; i < 10_000_000; i++ {\n\ts += i %% %d\n}\n", i+2), value: "s",
				python: fmt.Sprintf("s = 0\nfor i in range(10_000_000):\n    s += i %% %d\ns", i+2),
			}
		}),
		cell("small", "round trip of a cell that is compiled and does little (a closure's sum)", func(i int) cellWork {
			return cellWork{
				statements: "add := func(n int) int {\n\treturn x + n\n}\n", value: fmt.Sprintf("add(%d)", i),
				python: fmt.Sprintf("add = lambda n: x + n\nadd(%d)", i),
			}
		}),
		{name: "cell/start", about: "starting a kernel until its first answer to a cell", prepare: func(b *bench) ([]benchSide, error) {
			kernels, err := b.kernels()
			if err != nil {
				return nil, err
			}
			return b.sidesOf(kernels, func(k benchKernel, c *client.Client) (benchSide, error) {
				endKernel(c) // it was started to see whether it does
				return timed(k.spec.DisplayName, func() error {
					c, err := b.startKernel(k)
					if err == nil {
						c.Kill()
					}
					return err
				}), nil
			})
		}},
	}
}

// kernels are this program's, and of ipykernel, gophernotes and GoNB those that
// are installed: ipykernel in the other side's Python, the two as a kernelspec or
// as a program on PATH.
func (b *bench) kernels() ([]benchKernel, error) {
	own, err := ownKernel()
	if err != nil {
		return nil, err
	}
	own.DisplayName = "govle"
	kernels := []benchKernel{{own, plainGo}}
	if commandOutput(b.opts.python, "-c", "import ipykernel; print(1)") != "" {
		python, err := filepath.Abs(b.opts.python)
		if err != nil {
			return nil, err
		}
		kernels = append(kernels, benchKernel{&kernelspec.Spec{
			Name: "python3", DisplayName: "ipykernel", Language: "python",
			Argv: []string{python, "-m", "ipykernel_launcher", "-f", "{connection_file}"},
		}, pythonCell})
	}
	for _, other := range []struct {
		name, title string
		args        []string
		write       func(cellWork) string
	}{
		{"gophernotes", "gophernotes", []string{"{connection_file}"}, plainGo},
		{"gonb", "GoNB", []string{"--kernel", "{connection_file}"}, gonbCell},
	} {
		spec, err := kernelspec.Find(other.name)
		if errors.Is(err, kernelspec.ErrNotFound) {
			var program string
			if program, err = exec.LookPath(other.name); err != nil {
				fmt.Fprintf(b.log, "without %s: there is neither a kernelspec nor a program %s on PATH\n", other.title, other.name)
				continue
			}
			spec = &kernelspec.Spec{Name: other.name, Language: "go", Argv: append([]string{program}, other.args...)}
		} else if err != nil {
			return nil, err
		}
		spec.DisplayName = other.title
		kernels = append(kernels, benchKernel{spec, other.write})
	}
	return kernels, nil
}

// startKernel starts a kernel and runs a first cell, which declares x.
func (b *bench) startKernel(k benchKernel) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Minute)
	defer cancel()
	c, err := client.Start(ctx, k.spec, client.Options{StartTimeout: 3 * time.Minute})
	if err != nil {
		return nil, err
	}
	if err := runCell(ctx, c, k.write(cellWork{declare: true, statements: "x := 41", python: "x = 41"})); err != nil {
		c.Kill()
		return nil, err
	}
	return c, nil
}

// endKernel lets a kernel clean up, and kills it when it takes its time.
func endKernel(c *client.Client) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	c.Shutdown(ctx) // its error says that it was killed
}

func runCell(ctx context.Context, c *client.Client, code string) error {
	r, err := c.Execute(ctx, code, client.ExecuteOptions{}, nil)
	if err != nil {
		return err
	}
	if r.Status != "ok" {
		return fmt.Errorf("cell %q: %s: %s", code, r.EName, r.EValue)
	}
	return nil
}

// sidesOf starts the kernels and makes each a side. Of govle's own a failure is
// one of the case; another kernel that does not work is told of and left out.
func (b *bench) sidesOf(kernels []benchKernel, side func(benchKernel, *client.Client) (benchSide, error)) ([]benchSide, error) {
	var sides []benchSide
	for i, k := range kernels {
		c, err := b.startKernel(k)
		if err == nil {
			var s benchSide
			if s, err = side(k, c); err == nil {
				sides = append(sides, s)
				continue
			}
			endKernel(c)
		}
		if i == 0 {
			return sides, fmt.Errorf("%s: %w", k.spec.DisplayName, err)
		}
		fmt.Fprintf(b.log, "without %s: %v\n", k.spec.DisplayName, err)
	}
	return sides, nil
}

// cellSides starts the kernels and times cells; no two cells are alike, so that
// none comes from a cache. The 99th percentile over all rounds is noted.
func (b *bench) cellSides(work func(i int) cellWork) ([]benchSide, error) {
	kernels, err := b.kernels()
	if err != nil {
		return nil, err
	}
	notes := make([]func() string, 0, len(kernels))
	sides, err := b.sidesOf(kernels, func(k benchKernel, c *client.Client) (benchSide, error) {
		i := int(time.Now().UnixNano() % 1e9) // not what an earlier run compiled
		var all []float64
		s := timed(k.spec.DisplayName, func() error {
			i++
			start := time.Now()
			err := runCell(b.ctx, c, k.write(work(i)))
			all = append(all, time.Since(start).Seconds())
			return err
		})
		if _, err := s.time(1); err != nil { // one that cannot do it is no side
			return s, err
		}
		all = nil
		s.close = func() { endKernel(c) }
		notes = append(notes, func() string {
			return fmt.Sprintf("p99 %.3g ms of %d", percentile(all, 0.99)*1e3, len(all))
		})
		return s, nil
	})
	for i := range sides {
		run := sides[i].time
		sides[i].time = func(n int) ([]float64, error) {
			seconds, err := run(n)
			sides[i].note = notes[i]()
			return seconds, err
		}
	}
	return sides, err
}

// percentile is the value that the share p of x does not exceed; 0 for none.
func percentile(x []float64, p float64) float64 {
	if len(x) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(x))
	return s[min(len(s)-1, int(p*float64(len(s))))]
}
