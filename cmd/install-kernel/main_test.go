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
	for _, want := range []string{dir, program, "--uninstall", "jupyter kernelspec remove mine"} {
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
		{"--list --uninstall", "only one"},
		{"--uninstall --prefix " + t.TempDir(), "--list"},
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

// TestListAndUninstall lists, removes and lists again, in a data folder of its own.
func TestListAndUninstall(t *testing.T) {
	data := t.TempDir()
	t.Setenv("JUPYTER_DATA_DIR", data)
	t.Setenv("JUPYTER_PATH", "")
	t.Setenv("VIRTUAL_ENV", t.TempDir())
	program := filepath.Join(t.TempDir(), "govle")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	says := func(args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if err := run(args, &out, os.Stderr); err != nil {
			t.Fatalf("%v: %v", args, err)
		}
		return out.String()
	}
	check := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("it says\n%s\nwithout %q", text, want)
			}
		}
	}
	dir := filepath.Join(data, "kernels", "mine")
	check(says("--list", "--user"), "No kernelspec of govle", filepath.Dir(dir))
	says("--user", "--name", "mine", "--display-name", "Go here", "--govle", program)
	says("--sys-prefix", "--name", "mine", "--govle", program)
	check(says("--list"), dir, "Go here", program, "hidden by the one above", os.Getenv("VIRTUAL_ENV"))
	if text := says("--list", "--user"); strings.Contains(text, os.Getenv("VIRTUAL_ENV")) {
		t.Errorf("--list --user says\n%s", text)
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	check(says("--list", "--user"), "not there")
	if err := os.WriteFile(filepath.Join(dir, "mine.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	check(says("--uninstall", "--user", "--name", "mine"), "mine.txt", "stays")
	check(says("--uninstall", "--sys-prefix", "--name", "mine"), "Removed kernelspec")
	check(says("--list", "--user"), "No kernelspec of govle")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files stay in the folder (%v), want the one that is not ours", len(entries), err)
	}
}
