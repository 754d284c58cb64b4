package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"go/ast"
	"go/types"
	"os"
	"strconv"
	"strings"
)

// Generated code spells lower-case names with marks (see session.go). Whoever
// looks at a value by reflection — fmt, encoding/json, a panic's message — must
// see what the cell's author wrote. So the names in the type descriptors of a
// compiled cell are put right in its object file, before it is linked: every
// module that holds a copy of a type must hold the same names, or the runtime
// would take the copies for different types.

// goobj's layout, from cmd/internal/goobj: a magic string, a fingerprint, flags,
// then the offsets of blocks. These are the indexes of the ones needed.
const (
	goobjMagic   = "\x00go120ld"
	blkDataIndex = 13
	blkData      = 16
	blkCount     = 19
)

// restoreNames rewrites the name data in a compiled package.
func restoreNames(archive string) error {
	b, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	obj, err := objectIn(b)
	if err != nil {
		return fmt.Errorf("%s: %w", archive, err)
	}
	if obj == nil || !restoreObject(obj) {
		return nil
	}
	return os.WriteFile(archive, b, 0o600)
}

// objectIn finds the object file in an archive; nil when it is of a kind that
// this code does not know. The result shares the archive's memory.
func objectIn(b []byte) ([]byte, error) {
	const global, head = "!<arch>\n", 60
	if !bytes.HasPrefix(b, []byte(global)) {
		return nil, fmt.Errorf("not an archive")
	}
	for at := len(global); at+head <= len(b); {
		name := string(bytes.TrimRight(b[at:at+16], " "))
		size, err := strconv.Atoi(string(bytes.TrimSpace(b[at+48 : at+58])))
		if err != nil || size < 0 || at+head+size > len(b) {
			return nil, fmt.Errorf("damaged archive")
		}
		body := b[at+head : at+head+size]
		if name == "_go_.o" {
			if i := bytes.Index(body, []byte(goobjMagic)); i >= 0 {
				return body[i:], nil
			}
			return nil, nil
		}
		at += head + size + size%2
	}
	return nil, nil
}

// restoreObject goes through the data of all symbols and tells whether it has
// changed any.
func restoreObject(obj []byte) (changed bool) {
	const offsets = len(goobjMagic) + 8 + 4
	if len(obj) < offsets+4*blkCount {
		return false
	}
	block := func(i int) int { return int(binary.LittleEndian.Uint32(obj[offsets+4*i:])) }
	index, indexEnd := block(blkDataIndex), block(blkDataIndex+1)
	data, dataEnd := block(blkData), block(blkData+1)
	if index < 0 || indexEnd < index || indexEnd > len(obj) || data < 0 || dataEnd < data || dataEnd > len(obj) {
		return false
	}
	idx := obj[index:indexEnd]
	all := obj[data:dataEnd]
	for i := 0; i+8 <= len(idx); i += 4 {
		from, to := int(binary.LittleEndian.Uint32(idx[i:])), int(binary.LittleEndian.Uint32(idx[i+4:]))
		if from < 0 || to < from || to > len(all) {
			return changed
		}
		if sym := all[from:to]; bytes.Contains(sym, []byte("\xf0\x90\x90")) && restoreName(sym) {
			changed = true
		}
	}
	return changed
}

// Flags of a name in a type descriptor, from internal/abi.
const (
	nameExported = 1 << iota
	nameTagged
	namePackage
	nameEmbedded
)

// restoreName rewrites a name in place when b is one: a byte of flags, the
// length as a varint, the text, and the same for a tag.
func restoreName(b []byte) bool {
	if len(b) < 2 || b[0] > 0x0f {
		return false
	}
	n, k := binary.Uvarint(b[1:])
	if k <= 0 || n > uint64(len(b)-1-k) {
		return false
	}
	text, rest := string(b[1+k:1+k+int(n)]), bytes.Clone(b[1+k+int(n):])
	switch {
	case b[0]&nameTagged == 0 && b[0]&namePackage == 0 && len(rest) > 0:
		return false // something else that happens to look like a name
	case bytes.HasPrefix([]byte(text), []byte(fieldMark)):
		b[0] &^= nameExported
	case b[0]&nameEmbedded != 0 && unmangle(text) != text:
		b[0] &^= nameExported
	}
	plain := hideTags(unmangle(text))
	if plain == text {
		return false
	}
	// The length keeps its number of bytes, so that nothing needs more room.
	length := len(plain)
	for i := range k {
		b[1+i] = byte(length & 0x7f)
		if length >>= 7; i < k-1 {
			b[1+i] |= 0x80
		}
	}
	at := 1 + k + copy(b[1+k:], plain)
	at += copy(b[at:], rest)
	clear(b[at:])
	return true
}

// hiddenTag is put on fields whose names start with a lower-case letter. Their
// generated names are exported ones, and encoders must pass them over all the
// same.
const hiddenTag = `json:"-" xml:"-" yaml:"-" toml:"-" bson:"-"`

var quotedHiddenTag = " " + strconv.Quote(hiddenTag)

// hideTags takes hiddenTag out of a type's text.
func hideTags(s string) string { return strings.ReplaceAll(s, quotedHiddenTag, "") }

// isHidden tells whether a field gets hiddenTag. Embedded structs do not: the
// exported fields that they bring are for encoders.
func isHidden(f *types.Var) bool {
	if f.Exported() || f.Name() == "_" || !ofCell(f) {
		return false
	}
	if !f.Embedded() {
		return true
	}
	t := f.Type()
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	_, isStruct := t.Underlying().(*types.Struct)
	return !isStruct
}

// hideFields puts hiddenTag on the fields of a struct that need it.
func (g *generator) hideFields(n *ast.StructType) {
	for _, f := range n.Fields.List {
		if f.Tag != nil {
			continue
		}
		if len(f.Names) == 0 {
			if v := g.embeddedField(f.Type); v != nil && isHidden(v) {
				g.insert(f.End(), " `"+hiddenTag+"`")
			}
			continue
		}
		hidden := 0
		for _, id := range f.Names {
			if v, ok := g.c.info.Defs[id].(*types.Var); ok && isHidden(v) {
				hidden++
			}
		}
		if hidden == len(f.Names) {
			g.insert(f.End(), " `"+hiddenTag+"`")
		} else if hidden > 0 {
			// Some names of the list are exported and some are not: give each
			// its own line of the struct.
			var b strings.Builder
			for _, id := range f.Names {
				b.WriteString(g.nodeText(id) + " " + g.nodeText(f.Type))
				if v, ok := g.c.info.Defs[id].(*types.Var); ok && isHidden(v) {
					b.WriteString(" `" + hiddenTag + "`")
				}
				b.WriteString("; ")
			}
			g.replace(f.Pos(), f.End(), strings.TrimSuffix(b.String(), "; "))
		}
	}
}

// embeddedField finds the variable of an embedded field.
func (g *generator) embeddedField(t ast.Expr) *types.Var {
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.SelectorExpr:
			t = x.Sel
		case *ast.Ident:
			v, _ := g.c.info.Defs[x].(*types.Var)
			return v
		default:
			return nil
		}
	}
}
