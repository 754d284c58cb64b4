package spm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// charsmap is a precompiled normalisation map: a darts-clone double array over
// source strings whose values point into a table of NUL-terminated
// replacements (sentencepiece's normalizer.cc, "<trie size><trie><strings>").
type charsmap struct {
	units        []uint32
	replacements string
}

// Bounds on what a map may hold. In nmt_nfkc the longest source has 12 bytes,
// the longest replacement 39, counting 3 for a space, which becomes ▁. So a
// text of MaxTextBytes is normalised to less than 2 GiB, which positions of
// 32 bits can count.
const (
	maxRuleSource      = 1024
	maxRuleReplacement = 120
)

// The fields of a darts-clone unit.
func unitLabel(u uint32) uint32  { return u & (1<<31 | 0xFF) }
func unitHasLeaf(u uint32) bool  { return u>>8&1 == 1 }
func unitOffset(u uint32) uint32 { return u >> 10 << (u & (1 << 9) >> 6) }
func leafValue(u uint32) uint32  { return u & (1<<31 - 1) }

// parseCharsmap reads and checks a precompiled map: every node and replacement
// that a text could lead to is inside, and no path runs in a circle.
func parseCharsmap(blob string) (*charsmap, error) {
	if len(blob) <= 4 {
		return nil, fmt.Errorf("precompiled_charsmap has %d bytes, too few for its header", len(blob))
	}
	size := uint64(binary.LittleEndian.Uint32([]byte(blob[:4])))
	rest := blob[4:]
	if size%4 != 0 || size == 0 || size >= uint64(len(rest)) {
		return nil, fmt.Errorf("precompiled_charsmap says that its trie has %d bytes, but %d bytes follow", size, len(rest))
	}
	m := &charsmap{units: make([]uint32, size/4), replacements: rest[size:]}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32([]byte(rest[4*i : 4*i+4]))
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("precompiled_charsmap: %w", err)
	}
	return m, nil
}

// check walks all paths from the root. Nodes may be shared (darts-clone builds
// from a word graph), so each is entered once and remembered.
func (m *charsmap) check() error {
	const unseen, open = 0, -1
	height := make([]int32, len(m.units)) // open, or 1 + longest path below
	type frame struct {
		node uint32
		base uint32
		next int32 // label to try next
		high int32 // longest path below so far
	}
	enter := func(node uint32) (frame, error) {
		base := node ^ unitOffset(m.units[node])
		if int64(base) >= int64(len(m.units)) {
			return frame{}, fmt.Errorf("unit %d leads to unit %d of %d", node, base, len(m.units))
		}
		if unitHasLeaf(m.units[node]) {
			if err := m.checkReplacement(leafValue(m.units[base])); err != nil {
				return frame{}, fmt.Errorf("unit %d: %w", node, err)
			}
		}
		height[node] = open
		return frame{node: node, base: base}, nil
	}
	f, err := enter(0)
	if err != nil {
		return err
	}
	stack := []frame{f}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.next == 256 {
			height[top.node] = top.high + 1
			stack = stack[:len(stack)-1]
			if len(stack) > 0 {
				p := &stack[len(stack)-1]
				p.high = max(p.high, top.high+1)
			}
			continue
		}
		c := uint32(top.next)
		top.next++
		child := top.base ^ c
		if int64(child) >= int64(len(m.units)) {
			// find treats units outside as absent
			continue
		}
		if unitLabel(m.units[child]) != c {
			continue
		}
		switch h := height[child]; {
		case h == open:
			return fmt.Errorf("unit %d is below itself", child)
		case h != unseen:
			top.high = max(top.high, h)
		default:
			f, err := enter(child)
			if err != nil {
				return err
			}
			stack = append(stack, f)
		}
	}
	if h := height[0] - 1; h > maxRuleSource {
		return fmt.Errorf("a rule has %d bytes, more than the limit of %d", h, maxRuleSource)
	}
	return nil
}

func (m *charsmap) checkReplacement(at uint32) error {
	if uint64(at) >= uint64(len(m.replacements)) {
		return fmt.Errorf("a replacement starts at byte %d of %d", at, len(m.replacements))
	}
	tail := m.replacements[at:]
	// Without a NUL byte the last replacement ends with the table.
	end := strings.IndexByte(tail[:min(len(tail), maxRuleReplacement+1)], 0)
	if end < 0 {
		end = len(tail)
	}
	if end > maxRuleReplacement || end+2*strings.Count(tail[:end], " ") > maxRuleReplacement {
		return fmt.Errorf("the replacement at byte %d has more than %d bytes", at, maxRuleReplacement)
	}
	if !utf8.ValidString(m.replacement(at)) {
		return errors.New("a replacement is not UTF-8")
	}
	return nil
}

// replacement is the string at a checked position.
func (m *charsmap) replacement(at uint32) string {
	tail := m.replacements[at:]
	if n := strings.IndexByte(tail, 0); n >= 0 {
		return tail[:n]
	}
	return tail
}

// find returns the replacement of the longest rule that text starts with, and
// that rule's length, 0 without one.
func (m *charsmap) find(text string) (replacement string, n int) {
	units := m.units
	at := uint32(0)
	node := unitOffset(units[0])
	for i := 0; i < len(text); i++ {
		node ^= uint32(text[i])
		if int(node) >= len(units) {
			break
		}
		u := units[node]
		if unitLabel(u) != uint32(text[i]) {
			break
		}
		node ^= unitOffset(u)
		if unitHasLeaf(u) {
			at, n = leafValue(units[node]), i+1
		}
	}
	if n == 0 {
		return "", 0
	}
	return m.replacement(at), n
}

// findShortest is the replacement of the shortest rule that text starts with.
func (m *charsmap) findShortest(text string) (replacement string, ok bool) {
	for n := range len(text) {
		if replacement, k := m.find(text[:n+1]); k > 0 {
			return replacement, true
		}
	}
	return "", false
}

// extends says whether some rule starts with the byte a, or with a followed by
// an ASCII byte.
func (m *charsmap) extends(a byte) bool {
	node := unitOffset(m.units[0]) ^ uint32(a)
	if int(node) >= len(m.units) || unitLabel(m.units[node]) != uint32(a) {
		return false
	}
	u := m.units[node]
	if unitHasLeaf(u) {
		return true
	}
	node ^= unitOffset(u)
	for c := range uint32(utf8.RuneSelf) {
		if next := node ^ c; int(next) < len(m.units) && unitLabel(m.units[next]) == c {
			return true
		}
	}
	return false
}
