package engine

import (
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func TestSegments(t *testing.T) {
	for _, c := range []struct {
		name, src string
		want      []segment
	}{
		{"no command", "x := 1\nx", []segment{{text: "x := 1\nx"}}},
		{"nothing", "", []segment{{}}},
		{"between Go", "x := 1\n!ls\n\nx", []segment{{text: "x := 1\n"}, {line: "!ls"}, {text: "\nx", above: 2}}},
		{"one after another", "%pwd\n%who", []segment{{line: "%pwd"}, {line: "%who"}}},
		{"continued", "!echo a \\\n b\\\n\nx", []segment{{line: "!echo a  b"}, {text: "x", above: 3}}},
		{"continued at the end", "!echo \\", []segment{{line: "!echo \\"}}},
		{"the whole cell", "y := 1\n%%time\n!x\nx", []segment{{text: "y := 1\n"}, {line: "%%time", text: "!x\nx", above: 2}}},
		{"GoNB's main", "%main a b\nx", []segment{{line: "%%main a b", text: "x", above: 1}}},
		{"GoNB's main, alone", "%main a b\n", []segment{{line: "%main a b"}}},
		{"a negation", "ok := true\n!ok", []segment{{text: "ok := true\n!ok"}}},
		{"in brackets", "f(\n%x,\n)\n%who", []segment{{text: "f(\n%x,\n)\n"}, {line: "%who"}}},
		{"in a raw string", "s := `\n!ls \"(\n`\n!ls", []segment{{text: "s := `\n!ls \"(\n`\n"}, {line: "!ls"}}},
		{"in a comment", "/* `(\n!ls\n*/\n!ls", []segment{{text: "/* `(\n!ls\n*/\n"}, {line: "!ls"}}},
		{"quotes", "a, b, c := \"`(\\\"[\", '`', '\\'' // ` (\n!ls", []segment{{text: "a, b, c := \"`(\\\"[\", '`', '\\'' // ` (\n"}, {line: "!ls"}}},
		{"a bracket too many", "f())\n!ls", []segment{{text: "f())\n"}, {line: "!ls"}}},
		{"a division", "a / b /* ` */ / c\n!ls", []segment{{text: "a / b /* ` */ / c\n"}, {line: "!ls"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := segments(c.src, func(name string) bool { return name == "ok" })
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			for _, s := range got {
				if n := strings.Count(s.source(), "\n"); n > strings.Count(c.src, "\n") {
					t.Errorf("%+v has %d line ends, more than the cell", s, n)
				}
			}
		})
	}
}

// TestSegmentsAreLinear holds what cutting a cell of 10,000 lines costs against one
// of 1,000, in bytes that it allocates.
func TestSegmentsAreLinear(t *testing.T) {
	for _, c := range []struct{ name, head, line, tail string }{
		{"Go", "", "x++\n", "%who"},
		{"commands", "", "!ls\n", ""},
		{"commands and Go", "", "!ls\nx++\n", ""},
		{"brackets", "f(\n", "%x,\n", ")\n%who"},
		{"a raw string", "s := `\n", "!ls '\n", "`\n%who"},
		{"a command in so many pieces", "", "!ls \\\n", "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cost := func(lines int) uint64 {
				src := c.head + strings.Repeat(c.line, lines) + c.tail
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				segments(src, func(string) bool { return false })
				runtime.ReadMemStats(&after)
				return after.TotalAlloc - before.TotalAlloc
			}
			if short, long := cost(1000), cost(10000); long > 15*short {
				t.Errorf("10,000 lines allocate %d bytes, 1,000 lines %d", long, short)
			}
		})
	}
}
