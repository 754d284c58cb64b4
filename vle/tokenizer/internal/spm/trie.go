package spm

import (
	"errors"
	"math/bits"
	"slices"
	"strings"
)

// trie maps byte strings to ids. It is a double array in which a child sits at
// its parent's base XOR its label (Aoe 1989; the XOR form as in Yata's
// darts-clone), so that one step reads one 8-byte unit. Bases are unique, so
// comparing the label suffices to know that a unit belongs to the parent.
type trie struct {
	units []trieUnit
}

// trieUnit is a node: link holds its children's base (23 bits) above its own
// label (9 bits: a byte, or noLabel in a unit that is not in use). id is -1
// where no key ends.
type trieUnit struct {
	link uint32
	id   int32
}

const (
	labelBits = 9
	labelMask = 1<<labelBits - 1
	noLabel   = 1 << 8
	blockSize = 256
	maxUnits  = 1 << (32 - labelBits)
	// openBlocks is how many of the newest blocks are searched for room.
	openBlocks = 4
)

// step returns the child of the node with the given base along c: its base and
// id. ok is false where there is none.
func (t *trie) step(base uint32, c byte) (next uint32, id int32, ok bool) {
	u := t.units[base^uint32(c)]
	return u.link >> labelBits, u.id, u.link&labelMask == uint32(c)
}

// root is the base of the root's children.
func (t *trie) root() uint32 { return t.units[0].link >> labelBits }

// longestPrefix is the length of the longest key that text starts with, 0
// without one.
func (t *trie) longestPrefix(text string) int {
	base, n := t.root(), 0
	for i := 0; i < len(text); i++ {
		next, id, ok := t.step(base, text[i])
		if !ok {
			break
		}
		base = next
		if id >= 0 {
			n = i + 1
		}
	}
	return n
}

// trieKey is a string without NUL bytes to be found, and its id.
type trieKey struct {
	text string
	id   int32
}

// newTrie builds a trie of distinct, non-empty keys. It sorts keys.
func newTrie(keys []trieKey) (*trie, error) {
	slices.SortFunc(keys, func(a, b trieKey) int { return strings.Compare(a.text, b.text) })
	b := &trieBuilder{}
	if err := b.reserve(keys); err != nil {
		return nil, err
	}
	b.addBlock()
	// Nothing leads to the root, and no node has base 0: so a node without
	// children, whose base is 0, matches nothing, not even a NUL byte.
	b.take(0, noLabel)
	b.usedBase[0] = true

	// Level by level: the nodes near the root, which every lookup passes, lie
	// together.
	type node struct {
		lo, hi uint32 // the keys below it
		unit   uint32
	}
	level, below := []node{{0, uint32(len(keys)), 0}}, []node(nil)
	var labels []byte
	for depth := 0; len(level) > 0; depth++ {
		below = below[:0]
		for _, n := range level {
			if n.lo < n.hi && len(keys[n.lo].text) == depth {
				b.units[n.unit].id = keys[n.lo].id
				n.lo++
			}
			labels = labels[:0]
			children := len(below)
			for i := n.lo; i < n.hi; i++ {
				c := keys[i].text[depth]
				if len(labels) == 0 || labels[len(labels)-1] != c {
					labels = append(labels, c)
					below = append(below, node{lo: i})
				}
				below[len(below)-1].hi = i + 1
			}
			if len(labels) == 0 {
				continue
			}
			base, err := b.place(labels)
			if err != nil {
				return nil, err
			}
			b.units[n.unit].link |= base << labelBits
			for k, c := range labels {
				below[children+k].unit = base ^ uint32(c)
				b.take(base^uint32(c), uint32(c))
			}
		}
		level, below = below, level
	}
	return &trie{units: b.units}, nil
}

// trieBuilder is a double array that grows by blocks of 256 units.
type trieBuilder struct {
	units    []trieUnit
	free     [][blockSize / 64]uint64 // one bit a unit
	usedBase []bool
}

var errTooLarge = errors.New("the vocabulary is too large for the lookup table")

// reserve makes room for the nodes of sorted keys.
func (b *trieBuilder) reserve(keys []trieKey) error {
	nodes, last := blockSize, ""
	for _, k := range keys {
		shared := 0
		for shared < min(len(last), len(k.text)) && last[shared] == k.text[shared] {
			shared++
		}
		nodes += len(k.text) - shared
		last = k.text
	}
	nodes += nodes / 16 // units that stay free
	if nodes > maxUnits {
		return errTooLarge
	}
	b.units = make([]trieUnit, 0, nodes)
	b.usedBase = make([]bool, 0, nodes)
	b.free = make([][blockSize / 64]uint64, 0, nodes/blockSize)
	return nil
}

func (b *trieBuilder) addBlock() {
	for range blockSize {
		b.units = append(b.units, trieUnit{link: noLabel, id: -1})
		b.usedBase = append(b.usedBase, false)
	}
	b.free = append(b.free, [...]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)})
}

// take puts a node with a label into a free unit.
func (b *trieBuilder) take(unit, label uint32) {
	b.units[unit].link = label
	b.free[unit/blockSize][unit%blockSize/64] &^= 1 << (unit % 64)
}

func (b *trieBuilder) isFree(unit uint32) bool {
	return b.free[unit/blockSize][unit%blockSize/64]&(1<<(unit%64)) != 0
}

// place reserves a base with free units for all labels.
func (b *trieBuilder) place(labels []byte) (uint32, error) {
	for block := max(0, len(b.free)-openBlocks); ; block++ {
		if block == len(b.free) {
			if len(b.units)+blockSize > maxUnits {
				return 0, errTooLarge
			}
			b.addBlock()
		}
		for w, word := range b.free[block] {
			for ; word != 0; word &= word - 1 {
				unit := uint32(block*blockSize + w*64 + bits.TrailingZeros64(word))
				base := unit ^ uint32(labels[0])
				if !b.usedBase[base] && b.fits(base, labels[1:]) {
					b.usedBase[base] = true
					return base, nil
				}
			}
		}
	}
}

func (b *trieBuilder) fits(base uint32, labels []byte) bool {
	for _, c := range labels {
		if !b.isFree(base ^ uint32(c)) {
			return false
		}
	}
	return true
}
