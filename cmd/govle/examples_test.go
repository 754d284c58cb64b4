package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// shellWord is a word of an example, up to white space that is not quoted.
var shellWord = regexp.MustCompile(`(?:"(?:\$\([^)]*\)|[^"])*"|[^\s"])+`)

// TestExamplesParse checks that the command lines in every command's help and in
// the guide to models name commands, flags and as many arguments as there are.
func TestExamplesParse(t *testing.T) {
	var lines []string
	for _, c := range newRoot().Commands() {
		lines = append(lines, strings.Split(strings.ReplaceAll(c.Example, "\\\n", " "), "\n")...)
	}
	doc, err := os.ReadFile("../../docs/models.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(doc)) {
		if strings.HasPrefix(line, "    govle ") {
			lines = append(lines, line)
		}
	}
	n := 0
	for _, line := range lines {
		var args []string
		for _, w := range shellWord.FindAllString(line, -1) {
			if w == "|" || w == "<" || w == ">" || strings.HasPrefix(w, "#") {
				break
			}
			args = append(args, strings.ReplaceAll(w, `"`, ""))
		}
		if len(args) == 0 || args[0] != "govle" {
			continue // another program's
		}
		n++
		cmd, rest, err := newRoot().Find(args[1:])
		if err == nil {
			err = cmd.ParseFlags(rest)
		}
		if err == nil {
			err = cmd.ValidateArgs(cmd.Flags().Args())
		}
		if err != nil || cmd.Name() == "govle" {
			t.Errorf("%s: %v", strings.TrimSpace(line), err)
		}
	}
	if n < 25 {
		t.Errorf("only %d command lines", n)
	}
}
