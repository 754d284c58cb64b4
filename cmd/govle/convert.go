package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"govle/kernel/notebook"
)

func convertCommand() *cobra.Command {
	var to, out string
	var scripts bool
	cmd := &cobra.Command{
		Use:   "convert IN.ipynb",
		Short: "Turn a notebook into an HTML page or a Markdown document",
		Long: `Turn a notebook, with the outputs that it holds, into one HTML page that needs no
other file, or into a Markdown document with its pictures in a folder beside it.
Nothing is run.`,
		Example: `  govle convert tutorial.ipynb --to html
  govle convert tutorial.ipynb --to md -o docs/tutorial.md`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to == "" {
				to = strings.TrimPrefix(filepath.Ext(out), ".")
			}
			var suffix string
			switch to {
			case "html", "htm":
				suffix = ".html"
			case "md", "markdown":
				suffix = ".md"
			case "":
				return usagef("say what to make with --to html or --to md")
			default:
				return usagef("--to %q is not known; use html or md", to)
			}
			if out == "" {
				out = strings.TrimSuffix(args[0], filepath.Ext(args[0])) + suffix
			}
			nb, err := notebook.ReadFile(args[0])
			if err != nil {
				return err
			}
			if suffix == ".html" {
				err = writeHTML(nb, args[0], out, scripts)
			} else {
				err = writeMarkdown(nb, args[0], out)
			}
			if err == nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s\n", out)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "what to make: html or md (default by the name given with -o)")
	f.StringVarP(&out, "output", "o", "", "write to `FILE` (default the input's name with another ending)")
	f.BoolVar(&scripts, "scripts", false, "let scripts in HTML outputs run in the page")
	return cmd
}

// writeHTML writes a notebook read from the path in as a page.
func writeHTML(nb *notebook.Notebook, in, out string, scripts bool) error {
	title := strings.TrimSuffix(filepath.Base(in), filepath.Ext(in))
	page, err := notebook.ToHTML(nb, notebook.HTMLOptions{
		Title: nb.Title(title), Dir: filepath.Dir(in), Scripts: scripts,
	})
	if err != nil {
		return fmt.Errorf("making a page of %s: %w", in, err)
	}
	return os.WriteFile(out, page, 0o644)
}

// writeMarkdown writes a notebook as Markdown, with its pictures in a folder
// named after the document.
func writeMarkdown(nb *notebook.Notebook, in, out string) error {
	stem := strings.TrimSuffix(filepath.Base(out), filepath.Ext(out))
	document, files, err := notebook.ToMarkdown(nb, stem+"_files")
	if err != nil {
		return fmt.Errorf("making Markdown of %s: %w", in, err)
	}
	dir := filepath.Dir(out)
	for name, b := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(out, document, 0o644)
}
