package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"govle/kernel/kernelspec"
)

// writeList tells which kernelspecs of govle are in folders of kernelspecs, what
// each starts, and what is wrong with it.
func writeList(out io.Writer, dirs []string) error {
	specs := kernelspec.Installed(dirs)
	if len(specs) == 0 {
		_, err := fmt.Fprintf(out, "No kernelspec of govle is installed in %s.\n", strings.Join(dirs, ", "))
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tMENU\tFOLDER\tSTARTS")
	seen := map[string]bool{}
	for _, s := range specs {
		starts := s.Argv[0]
		if _, err := os.Stat(starts); err != nil {
			starts += " (which is not there: install again)"
		}
		// Jupyter takes the first of a name in its own order, whoever wrote it.
		name := strings.ToLower(s.Name)
		if seen[name] {
			starts += " (hidden by the one above)"
		} else if first, err := kernelspec.Find(s.Name); err == nil && first.Dir != s.Dir && !first.Own() {
			starts += fmt.Sprintf(" (hidden by %s)", first.Dir)
		}
		seen[name] = true
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.Name, s.DisplayName, s.Dir, starts)
	}
	return table.Flush()
}

// remove uninstalls a kernelspec and tells what became of its folder.
func remove(out io.Writer, prefix, name string) error {
	dir, left, err := kernelspec.Uninstall(prefix, name)
	if errors.Is(err, kernelspec.ErrNotFound) {
		return fmt.Errorf("%w; --list tells which there are", err)
	}
	if err != nil {
		return err
	}
	if len(left) > 0 {
		_, err = fmt.Fprintf(out, "Removed the kernelspec in %s. The folder stays: %s in it is not govle's.\n", dir, strings.Join(left, ", "))
		return err
	}
	_, err = fmt.Fprintf(out, "Removed kernelspec %s\n", dir)
	return err
}
