package parity

import (
	"context"
	"path/filepath"
	"strings"

	"govle/vle"
)

// groupLines reads a pipeline's lines and makes one case for each group of them.
func groupLines[T any](f *folder, file string, group func(T) (kind, name string), run func(ctx context.Context, c *check, kind string, lines []T) error) []testCase {
	lines, err := readLines[T](f.path(file))
	if err != nil {
		return []testCase{failed(f.caseName(file), err)}
	}
	type key struct{ kind, name string }
	groups := map[key][]T{}
	for _, l := range lines {
		kind, name := group(l)
		groups[key{kind, name}] = append(groups[key{kind, name}], l)
	}
	var cases []testCase
	stem := strings.TrimSuffix(file, ".jsonl")
	for k, lines := range groups {
		cases = append(cases, testCase{name: f.caseName(stem + "/" + k.kind + "/" + k.name),
			run: func(ctx context.Context, c *check) error { return run(ctx, c, k.kind, lines) }})
	}
	sortCases(cases)
	return cases
}

// openPipeline loads the model ../model-KIND/ckpt-HEAD and the processor
// processor-KIND, which pipelines keep apart.
func openPipeline(f *folder, kind, name string) (loaded, *vle.Processor, error) {
	dir := filepath.Join(filepath.Dir(f.dir), "model-"+kind, "ckpt-"+name)
	m, err := load(heads[name], dir, "", vle.LoadOptions{})
	if err != nil {
		return loaded{}, nil, err
	}
	proc, err := vle.LoadProcessor(f.path("processor-" + kind))
	if err != nil {
		m.Close()
		return loaded{}, nil, err
	}
	return m, proc, nil
}
