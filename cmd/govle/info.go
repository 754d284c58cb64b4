package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/klauspost/cpuid/v2"
	"github.com/spf13/cobra"

	"govle/kernel/kernelspec"
)

func infoCommand() *cobra.Command {
	var model string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "info",
		Short: "Say what this machine has, or what a model folder holds",
		Long: `Say what govle found on this machine, for bug reports; or, with --model, what a model's
folder holds and whether its files fit together: the head, the published model that it
has the layout of, sizes, files, and the parameters that are missing, unexpected or of
another shape than config.json says. Weights are mapped, not read. --model also takes
one weight file (.safetensors, .bin, a Lightning .ckpt), which is described alone, and
embedded for the model inside this program.

--model --json prints one object: model, head, size (base, large or custom), published
(a name on the hub, left out for another layout), parameters, dtypes (elements of each
type in the files), format, weight_bytes, files (each name and bytes, and whether weights
come from it), text, image and fusion (layers, hidden, and by config.json heads; of text
also vocabulary, of image size and patch), labels (the answers that the model knows),
tokens (those of the tokenizer), missing, unexpected and mismatched (each name, model
and file: the shapes by config.json and in the weights), and problems, why the folder
could not be opened as it is. The exit status is 1 when there are problems.`,
		Example: `  govle info
  govle info --model vle-base-for-vqa
  govle info --model vle-base-for-vqa --json | jq -r '.labels[]'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("model") {
				return showModel(cmd.OutOrStdout(), model, asJSON)
			}
			facts := gather()
			if asJSON {
				m := map[string]string{}
				for _, f := range facts {
					m[f.name] = f.value
				}
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(m)
			}
			printFacts(cmd.OutOrStdout(), facts)
			return nil
		},
	}
	cmd.Flags().StringVar(&model, "model", "", "`folder` or weight file of a model, or embedded")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

type fact struct{ name, value string }

func printFacts(w io.Writer, facts []fact) {
	width := 0
	for _, f := range facts {
		width = max(width, len(f.name))
	}
	for _, f := range facts {
		fmt.Fprintf(w, "%-*s  %s\n", width, f.name, f.value)
	}
}

// gather looks at the machine. Cells need the Go toolchain and a C compiler;
// what is missing is said with what to install.
func gather() []fact {
	facts := []fact{
		{"govle", version()},
		{"system", runtime.GOOS + "/" + runtime.GOARCH},
		{"processor", fmt.Sprintf("%s, %d threads for Go, %s", cpuid.CPU.BrandName, runtime.GOMAXPROCS(0), vectorUnits())},
	}
	goVersion := commandOutput("go", "version")
	if goVersion == "" {
		goVersion = "not found; cells need the Go toolchain, see https://go.dev/doc/install"
	}
	facts = append(facts, fact{"go", strings.TrimPrefix(goVersion, "go version ")})
	facts = append(facts, fact{"C compiler", cCompiler()})
	if source := os.Getenv("GOVLE_SOURCE"); source != "" {
		facts = append(facts, fact{"GOVLE_SOURCE", source})
	}
	if dir, err := os.UserCacheDir(); err == nil {
		dir = filepath.Join(dir, "govle")
		facts = append(facts, fact{"cache", fmt.Sprintf("%s (%.0f MB)", dir, float64(folderSize(dir))/1e6)})
	}
	var names []string
	for _, s := range kernelspec.List() {
		names = append(names, fmt.Sprintf("%s (%s)", s.Name, s.Language))
	}
	if names == nil {
		names = []string{"none; install this one with install-kernel"}
	}
	facts = append(facts, fact{"kernelspecs", strings.Join(names, ", ")})
	return facts
}

// vectorUnits names the instruction sets that vle/blas has kernels for.
func vectorUnits() string {
	var have []string
	for _, f := range []cpuid.FeatureID{cpuid.AVX2, cpuid.FMA3, cpuid.AVX512F} {
		if cpuid.CPU.Supports(f) {
			have = append(have, f.String())
		}
	}
	if have == nil {
		return "no vector units that govle uses"
	}
	return strings.Join(have, " ")
}

// cCompiler is the compiler that Go would link a cell with.
func cCompiler() string {
	cc := commandOutput("go", "env", "CC")
	if cc == "" {
		cc = "gcc"
	}
	line, _, _ := strings.Cut(commandOutput(strings.Fields(cc)[0], "--version"), "\n")
	if line == "" {
		return cc + " not found; cells need one, such as gcc (apt install gcc)"
	}
	return line
}

// commandOutput is what a command prints, or "" when it cannot be run.
func commandOutput(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// folderSize is the size of the files below dir in bytes.
func folderSize(dir string) int64 {
	var total int64
	filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}
