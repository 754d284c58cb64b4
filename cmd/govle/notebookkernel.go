package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"govle/kernel/kernelspec"
	"govle/kernel/notebook"
)

// goKernels are the kernelspec names of Go kernels whose notebooks this one
// runs.
var goKernels = []string{"govle", "gophernotes", "gonb"}

// chooseKernel finds the kernel to run a notebook with. name is what the user
// asked for; without one it is the kernel in this very program, for notebooks
// written in Go.
func chooseKernel(nb *notebook.Notebook, name string) (*kernelspec.Spec, error) {
	if name != "" {
		spec, err := kernelspec.Find(name)
		if errors.Is(err, kernelspec.ErrNotFound) && slices.Contains(goKernels, strings.ToLower(name)) {
			return ownKernel()
		}
		return spec, err
	}
	asked, language := nb.Kernel()
	if language != "" && !strings.EqualFold(language, "go") && !slices.Contains(goKernels, strings.ToLower(asked)) {
		return nil, fmt.Errorf("the notebook is written in %s for the kernel %q; to run it with that kernel add --kernel %s", language, asked, asked)
	}
	return ownKernel()
}

// ownKernel is a spec that starts this program as a kernel, so that no Jupyter
// installation is needed. What it runs does not go into the user's history.
func ownKernel() (*kernelspec.Spec, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program to start its kernel: %w", err)
	}
	return &kernelspec.Spec{
		Name:          "govle",
		DisplayName:   "Go (govle)",
		Language:      "go",
		InterruptMode: "message",
		Argv:          []string{exe, "kernel", "--history", "off", "--connection-file", "{connection_file}"},
	}, nil
}
