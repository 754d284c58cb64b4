package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"govle/kernel/client"
	"govle/kernel/kernelspec"
)

// cellBench times cells through the whole protocol, with ipykernel beside them
// where the Python has it.
func cellBench() []benchCase {
	cell := func(name, about string, own, python func(i int) string) benchCase {
		return benchCase{name: "cell/" + name, about: about, prepare: func(b *bench) ([]benchSide, error) {
			return b.kernelSides(func(i int) (string, string) { return own(i), python(i) })
		}}
	}
	return []benchCase{
		cell("simple", "round trip of a cell that needs no compiler (x + 1)",
			func(i int) string { return fmt.Sprintf("x + %d", i) },
			func(i int) string { return fmt.Sprintf("x + %d", i) }),
		cell("compiled", "round trip of a cell that is compiled (a loop to ten million)",
			func(i int) string {
				return fmt.Sprintf("s := 0\nfor i := 0; i < 10_000_000; i++ {\n\ts += i %% %d\n}\ns", i+2)
			},
			func(i int) string {
				return fmt.Sprintf("s = 0\nfor i in range(10_000_000):\n    s += i %% %d\ns", i+2)
			}),
		{name: "cell/start", about: "starting a kernel until its first answer to a cell", prepare: func(b *bench) ([]benchSide, error) {
			specs, err := b.kernels()
			if err != nil {
				return nil, err
			}
			var sides []benchSide
			for _, spec := range specs {
				sides = append(sides, timed(spec.DisplayName, func() error {
					c, err := b.startKernel(spec)
					if err == nil {
						c.Kill()
					}
					return err
				}))
			}
			return sides, nil
		}},
	}
}

// kernels are this program's, and ipykernel where the Python side has it.
func (b *bench) kernels() ([]*kernelspec.Spec, error) {
	own, err := ownKernel()
	if err != nil {
		return nil, err
	}
	specs := []*kernelspec.Spec{own}
	if commandOutput(b.opts.python, "-c", "import ipykernel; print(1)") != "" {
		python, err := filepath.Abs(b.opts.python)
		if err != nil {
			return nil, err
		}
		specs = append(specs, &kernelspec.Spec{
			Name: "python3", DisplayName: "ipykernel", Language: "python",
			Argv: []string{python, "-m", "ipykernel_launcher", "-f", "{connection_file}"},
		})
	}
	own.DisplayName = "govle"
	return specs, nil
}

// startKernel starts a kernel and runs a first cell, which declares x.
func (b *bench) startKernel(spec *kernelspec.Spec) (*client.Client, error) {
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Minute)
	defer cancel()
	c, err := client.Start(ctx, spec, client.Options{StartTimeout: 3 * time.Minute})
	if err != nil {
		return nil, err
	}
	first := "x := 41"
	if spec.Language == "python" {
		first = "x = 41"
	}
	if err := runCell(b.ctx, c, first); err != nil {
		c.Kill()
		return nil, err
	}
	return c, nil
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

// kernelSides starts the kernels and times cells; no two cells are alike, so
// that none comes from a cache.
func (b *bench) kernelSides(code func(i int) (own, python string)) ([]benchSide, error) {
	specs, err := b.kernels()
	if err != nil {
		return nil, err
	}
	var sides []benchSide
	for _, spec := range specs {
		c, err := b.startKernel(spec)
		if err != nil {
			return sides, fmt.Errorf("%s: %w", spec.DisplayName, err)
		}
		i := int(time.Now().UnixNano() % 1e9) // not what an earlier run compiled
		s := timed(spec.DisplayName, func() error {
			i++
			own, python := code(i)
			if spec.Language == "python" {
				own = python
			}
			return runCell(b.ctx, c, own)
		})
		s.close = c.Kill
		sides = append(sides, s)
	}
	return sides, nil
}
