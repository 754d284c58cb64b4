package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govle/kernel/kernelspec"
)

// TestInstall installs with a given program and checks what it says and writes.
func TestInstall(t *testing.T) {
	prefix := t.TempDir()
	program := filepath.Join(t.TempDir(), "govle")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run([]string{"--prefix", prefix, "--name", "mine", "--govle", program, "--env", "A=b=c"}, &out, os.Stderr); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(prefix, "share", "jupyter", "kernels", "mine")
	for _, want := range []string{dir, program, "jupyter kernelspec remove mine"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it says\n%s\nwithout %q", &out, want)
		}
	}
	spec, err := kernelspec.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if spec.Argv[0] != program || spec.Env["A"] != "b=c" {
		t.Errorf("spec %+v", spec)
	}
	if source := sourceDir(); source != "" && spec.Env["GOVLE_SOURCE"] != source {
		t.Errorf("GOVLE_SOURCE is %q, want %q", spec.Env["GOVLE_SOURCE"], source)
	}
}

// TestRefusals checks what is asked for wrongly.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"--user --prefix /x", "only one"},
		{"--govle /nonexistent/govle", "no such program"},
		{"surprise", "unknown argument"},
		{"--env novalue", "NAME=value"},
		{"--name a/b --govle /bin/sh --prefix " + t.TempDir(), "kernel name"},
	} {
		var errOut bytes.Buffer
		err := run(strings.Fields(tt.args), &errOut, &errOut)
		if err == nil || !strings.Contains(err.Error()+errOut.String(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.args, err, tt.want)
		}
	}
}
