package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzSplit feeds the cell splitter. Chunks must lie in order inside the source,
// blanking must keep every line where it is, and complaints must point into the
// cell.
func FuzzSplit(f *testing.F) {
	for _, src := range []string{
		"", "x := 1", "import \"fmt\"\nfmt.Println(1)\nfunc f() {}\ntype T struct{}\nf()", "func }{", "}", "func (", "func (a) b(",
		"for i := 0; ; i++ {\n}", ";;", "x := `a\n", "/* a", "if true {\n} else {", "%time x\ny := 1\n!ls", "?x", "a\\\n%b", "\x00\xff", "const (\na = iota\n)",
		"func(x int) int { return x }(1)", "switch x := y.(type) {\ncase int:\n}", "'", "\"", "#", "x?", ":=", "name:", "goto", "\ufeffx",
	} {
		f.Add(src)
	}
	e := &Engine{}
	f.Fuzz(func(t *testing.T, src string) {
		watch := time.AfterFunc(10*time.Second, func() { panic("no end of it") })
		defer watch.Stop()
		chunks := split(src, func(int, string) {})
		at := 0
		for _, c := range chunks {
			if c.start < at || c.end < c.start || c.end > len(src) {
				t.Fatalf("chunk %+v after offset %d of %d", c, at, len(src))
			}
			at = c.end
		}
		blanked := blank(src, chunks, func(c chunk) bool { return c.kind != token.ILLEGAL })
		if len(blanked) != len(src) || strings.Count(blanked, "\n") != strings.Count(src, "\n") {
			t.Fatalf("blanking made %q of %q", blanked, src)
		}
		u, errs := parseUnit(token.NewFileSet(), "cell", src, nil)
		for _, err := range errs {
			if err.off < 0 || err.off > len(src) {
				t.Fatalf("%q at offset %d of %d", err.msg, err.off, len(src))
			}
		}
		if len(errs) == 0 {
			for _, s := range u.stmts {
				if off, ok := u.offset(s.Pos()); !ok || off < 0 || off > len(src) {
					t.Fatalf("a statement at offset %d of %d", off, len(src))
				}
			}
		}
		switch status, _ := e.IsComplete(src); status {
		case "complete", "incomplete", "invalid":
		default:
			t.Fatalf("status %q", status)
		}
		lines := strings.Count(src, "\n")
		for _, s := range segments(src, func(string) bool { return false }) {
			if strings.Count(s.source(), "\n") > lines+1 { // a command ends its line
				t.Fatalf("segment %+v has more lines than the cell", s)
			}
		}
	})
}

// archiveOf wraps an object file as the compiler does.
func archiveOf(body []byte) []byte {
	b := fmt.Appendf(nil, "!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10d`\n", "_go_.o", "0", "0", "0", "644", len(body))
	return append(b, body...)
}

// objectWith is an object file with the given data of symbols.
func objectWith(symbols ...[]byte) []byte {
	head := len(goobjMagic) + 8 + 4 + 4*blkCount
	var index, data []byte
	index = binary.LittleEndian.AppendUint32(index, 0)
	for _, s := range symbols {
		data = append(data, s...)
		index = binary.LittleEndian.AppendUint32(index, uint32(len(data)))
	}
	obj := append([]byte(goobjMagic), make([]byte, 8+4)...)
	for i := range blkCount {
		off := head
		switch {
		case i == blkDataIndex+1 || i > blkDataIndex && i <= blkData:
			off = head + len(index)
		case i > blkData:
			off = head + len(index) + len(data)
		}
		obj = binary.LittleEndian.AppendUint32(obj, uint32(off))
	}
	return append(append(obj, index...), data...)
}

func nameOf(flags byte, text, tag string) []byte {
	b := append([]byte{flags}, binary.AppendUvarint(nil, uint64(len(text)))...)
	b = append(b, text...)
	if tag != "" {
		b = append(append(b, binary.AppendUvarint(nil, uint64(len(tag)))...), tag...)
	}
	return b
}

// TestRestoreNames holds the seeds of FuzzRestoreNames to what they are for.
func TestRestoreNames(t *testing.T) {
	name := filepath.Join(t.TempDir(), "cell.a")
	if err := os.WriteFile(name, archiveOf(objectWith([]byte("other"), nameOf(nameExported, fieldMark+"size", ""))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := restoreNames(name); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(name)
	if err != nil || !bytes.Contains(b, nameOf(0, "size", "")) || bytes.Contains(b, []byte(fieldMark)) {
		t.Errorf("%q, %v", b, err)
	}
}

// FuzzRestoreNames feeds the reader of object files. Whatever they hold, it must
// come to an end and stay inside.
func FuzzRestoreNames(f *testing.F) {
	f.Add([]byte("!<arch>\n"))
	f.Add(archiveOf([]byte("go object linux amd64\n!\n")))
	f.Add(archiveOf(objectWith()))
	f.Add(archiveOf(objectWith(nameOf(nameExported, fieldMark+"size", ""), nameOf(nameExported|nameTagged, objectMark+"a", "json:\"-\""))))
	f.Add(archiveOf(objectWith(nameOf(0, "struct { "+fieldMark+"x int"+quotedHiddenTag+" }", ""), nameOf(nameEmbedded, typeMark+"int", ""))))
	f.Add(archiveOf(objectWith([]byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0xf0, 0x90, 0x90, 0x80})))
	f.Fuzz(func(t *testing.T, b []byte) {
		obj, err := objectIn(b)
		if err != nil || obj == nil {
			return
		}
		before := bytes.Clone(b)
		changed := restoreObject(obj)
		if !changed && !bytes.Equal(before, b) {
			t.Fatal("it says that nothing was changed")
		}
	})
}
