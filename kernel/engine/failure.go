package engine

import (
	"fmt"
	"slices"
	"strings"

	"govle/kernel/engine/internal/link"
)

// The colours of tracebacks.
const (
	red   = "\x1b[1;31m"
	green = "\x1b[32m"
	bold  = "\x1b[1m"
	faint = "\x1b[2m"
	plain = "\x1b[0m"
)

// maxShownErrors bounds how many mistakes of a cell are listed.
const maxShownErrors = 10

// compileError words the mistakes of a cell.
func compileError(errs []*sourceError) *CellError {
	e := &CellError{Name: "CompileError", Value: errs[0].Error()}
	seen := map[string]bool{}
	shown := 0
	for _, err := range errs {
		text := err.Error()
		if seen[text] {
			continue
		}
		seen[text] = true
		if shown++; shown > maxShownErrors {
			e.Traceback = append(e.Traceback, fmt.Sprintf("%s… and %d more%s", faint, len(errs)-maxShownErrors, plain))
			break
		}
		e.Traceback = append(e.Traceback, red+err.unit.position(err.off)+plain+": "+bold+err.msg+plain)
		line, col := lineCol(err.unit.src, err.off)
		if src, ok := sourceLine(err.unit.src, line); ok {
			head := fmt.Sprintf("%5d │ ", line)
			before := src[:min(max(col-1, 0), len(src))]
			e.Traceback = append(e.Traceback, faint+head+plain+src, strings.Repeat(" ", 6)+faint+"│ "+plain+indentLike(before)+red+"^"+plain)
		}
	}
	return e
}

// indentLike is white space as wide as s.
func indentLike(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, s)
}

// sourceLine is line n, from 1, of a text.
func sourceLine(src string, n int) (string, bool) {
	lines := strings.Split(src, "\n")
	if n < 1 || n > len(lines) || strings.TrimSpace(lines[n-1]) == "" {
		return "", false
	}
	return strings.TrimRight(lines[n-1], "\r"), true
}

// runtimeError words the failure of a running cell.
func (s *session) runtimeError(f *link.Failure) *CellError {
	e := &CellError{Value: unmangle(f.Message)}
	switch f.Kind {
	case "panic":
		e.Name = "Panic"
	case "exit":
		e.Name = "Exit"
		e.Value += ": the cell was ended, the session lives on"
	case "interrupted":
		e.Name = "Interrupted"
		e.Value = strings.TrimSpace("the cell was interrupted; " + e.Value)
		e.Value = strings.TrimSuffix(e.Value, ";")
	default:
		e.Name = "InternalError"
	}
	e.Traceback = append([]string{red + e.Name + plain + ": " + bold + e.Value + plain}, s.frames(f.Frames)...)
	return e
}

// maxShownFrames bounds a traceback, for a runaway recursion.
const maxShownFrames = 12

// frames words those frames that are in cells, innermost first.
func (s *session) frames(frames []link.Where) (lines []string) {
	var mine []link.Where
	for _, f := range frames {
		if s.units[f.File] != nil {
			mine = append(mine, f)
		}
	}
	for i, f := range mine {
		if len(mine) > maxShownFrames && i >= maxShownFrames/2 && i < len(mine)-maxShownFrames/2 {
			if i == maxShownFrames/2 {
				lines = append(lines, fmt.Sprintf("%s  … %d more frames …%s", faint, len(mine)-maxShownFrames, plain))
			}
			continue
		}
		where := fmt.Sprintf("  %s%s%s, line %d", green, f.File, plain, f.Line)
		if name := functionName(f.Func); name != "" {
			where += ", in " + name
		}
		lines = append(lines, where)
		if src, ok := sourceLine(s.units[f.File].src, f.Line); ok {
			lines = append(lines, fmt.Sprintf("%s%5d │ %s%s", faint, f.Line, plain, src))
		}
	}
	return lines
}

// functionName is a symbol's name as the cell wrote it; "" for the cell's own
// statements.
func functionName(symbol string) string {
	name := symbol
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	if i := strings.IndexByte(name, '.'); i >= 0 {
		name = name[i+1:]
	}
	name = unmangle(name)
	parts := strings.Split(name, ".")
	parts = slices.DeleteFunc(parts, func(p string) bool {
		return p == "main" || strings.HasPrefix(p, "func") && strings.Trim(p[4:], "0123456789") == "" || strings.Trim(p, "0123456789") == "" ||
			strings.HasPrefix(p, "gowrap") || strings.HasPrefix(p, "deferwrap")
	})
	return strings.Join(parts, ".")
}
