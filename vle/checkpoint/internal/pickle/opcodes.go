package pickle

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// step does what one opcode says.
func (d *Decoder) step(op byte) error {
	switch op {
	case 0x80: // PROTO
		v, err := d.byte()
		if err == nil && v > 5 {
			err = fmt.Errorf("protocol %d is newer than 5", v)
		}
		return err
	case 0x95: // FRAME: its length is only a hint
		_, err := d.take(8)
		return err
	case '(': // MARK
		if d.depth++; d.depth > MaxDepth {
			return fmt.Errorf("more than %d collections inside each other", MaxDepth)
		}
		d.push(mark{})
		return nil
	case '0': // POP
		if n := len(d.stack); n > 0 {
			if _, ok := d.stack[n-1].(mark); ok {
				_, err := d.popMark()
				return err
			}
		}
		_, err := d.pop()
		return err
	case '1': // POP_MARK
		_, err := d.popMark()
		return err
	case '2': // DUP
		v, err := d.top()
		if err == nil {
			d.push(v)
		}
		return err
	}
	if v, known, err := d.constant(op); known {
		if err == nil {
			d.push(v)
		}
		return err
	}
	if known, err := d.memoize(op); known {
		return err
	}
	if known, err := d.collect(op); known {
		return err
	}
	return d.object(op)
}

// constant reads the opcodes that push a value of their own.
func (d *Decoder) constant(op byte) (v any, known bool, err error) {
	var b []byte
	var n uint64
	var s string
	switch op {
	case 'N':
		return nil, true, nil
	case 0x88:
		return true, true, nil
	case 0x89:
		return false, true, nil
	case 'J': // BININT
		n, err = d.uint(4)
		return int64(int32(n)), true, err
	case 'K', 'M': // BININT1, BININT2
		n, err = d.uint(lengthSize(op))
		return int64(n), true, err
	case 0x8a, 0x8b: // LONG1, LONG4
		if b, err = d.counted(lengthSize(op)); err == nil {
			v, err = long(b)
		}
		return v, true, err
	case 'I', 'L': // INT, LONG
		if s, err = d.line(); err == nil {
			v, err = decimal(s, op == 'I')
		}
		return v, true, err
	case 'F': // FLOAT
		if s, err = d.line(); err == nil {
			if v, err = strconv.ParseFloat(s, 64); err != nil {
				err = errors.New("not a number")
			}
		}
		return v, true, err
	case 'G': // BINFLOAT
		if b, err = d.take(8); err == nil {
			v = float(b)
		}
		return v, true, err
	case 0x8c, 'X', 0x8d: // SHORT_BINUNICODE, BINUNICODE, BINUNICODE8
		if b, err = d.counted(lengthSize(op)); err == nil {
			v, err = utf8Text(b)
		}
		return v, true, err
	case 'V': // UNICODE
		if s, err = d.line(); err == nil {
			v, err = rawUnicode(s)
		}
		return v, true, err
	case 'S': // STRING
		if s, err = d.line(); err == nil {
			v, err = quoted(s)
		}
		return v, true, err
	case 'U', 'T': // SHORT_BINSTRING, BINSTRING: Python 2's str, names here
		if b, err = d.counted(lengthSize(op)); err == nil {
			v = string(b)
		}
		return v, true, err
	case 'C', 'B', 0x8e, 0x96: // SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8
		if b, err = d.counted(lengthSize(op)); err == nil {
			v = append([]byte{}, b...)
		}
		return v, true, err
	case ']':
		return &List{}, true, nil
	case '}':
		return &Dict{}, true, nil
	case ')':
		return Tuple{}, true, nil
	case 0x8f:
		return &Set{}, true, nil
	}
	return nil, false, nil
}

// lengthSize is the number of bytes of the number or length that follows op.
func lengthSize(op byte) int {
	switch op {
	case 'K', 'U', 'C', 0x8a, 0x8c:
		return 1
	case 'M':
		return 2
	case 0x8d, 0x8e, 0x96:
		return 8
	}
	return 4
}

// memoize handles the opcodes that keep a value under a number and get it back.
func (d *Decoder) memoize(op byte) (known bool, err error) {
	var n uint64
	switch op {
	case 'q', 'h':
		n, err = d.uint(1)
	case 'r', 'j':
		n, err = d.uint(4)
	case 'p', 'g':
		var s string
		if s, err = d.line(); err == nil {
			if n, err = strconv.ParseUint(strings.TrimRight(s, "\r"), 10, 32); err != nil {
				err = errors.New("not a memo number")
			}
		}
	case 0x94: // MEMOIZE
		n = uint64(len(d.memo))
	default:
		return false, nil
	}
	if err != nil {
		return true, err
	}
	if op == 'h' || op == 'j' || op == 'g' {
		v, ok := d.memo[n]
		if !ok {
			return true, fmt.Errorf("memo %d was never set", n)
		}
		d.push(v)
		return true, nil
	}
	v, err := d.top()
	if err == nil {
		d.memo[n] = v
	}
	return true, err
}

// collect handles the opcodes that build and fill collections.
func (d *Decoder) collect(op byte) (known bool, err error) {
	var vs Tuple
	switch op {
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		if vs, err = d.popN(int(op) - 0x84); err == nil {
			d.push(vs)
		}
	case 't': // TUPLE
		if vs, err = d.popMark(); err == nil {
			d.push(vs)
		}
	case 'l': // LIST
		if vs, err = d.popMark(); err == nil {
			d.push(&List{Items: vs})
		}
	case 0x91: // FROZENSET
		if vs, err = d.popMark(); err == nil {
			d.push(&Set{Items: vs})
		}
	case 'd': // DICT
		if vs, err = d.popMark(); err == nil {
			dict := &Dict{}
			d.push(dict)
			err = fill(dict, vs)
		}
	case 'a': // APPEND
		if vs, err = d.popN(1); err == nil {
			err = d.extend(vs)
		}
	case 'e', 0x90: // APPENDS, ADDITEMS
		if vs, err = d.popMark(); err == nil {
			err = d.extend(vs)
		}
	case 's': // SETITEM
		if vs, err = d.popN(2); err == nil {
			err = d.setItems(vs)
		}
	case 'u': // SETITEMS
		if vs, err = d.popMark(); err == nil {
			err = d.setItems(vs)
		}
	default:
		return false, nil
	}
	return true, err
}

func (d *Decoder) extend(vs Tuple) error {
	top, err := d.top()
	if err != nil {
		return err
	}
	switch c := top.(type) {
	case *List:
		c.Items = append(c.Items, vs...)
	case *Set:
		c.Items = append(c.Items, vs...)
	case *Inert:
	default:
		return fmt.Errorf("items are added to a %s", Kind(top))
	}
	return nil
}

func (d *Decoder) setItems(vs Tuple) error {
	top, err := d.top()
	if err != nil {
		return err
	}
	switch c := top.(type) {
	case *Dict:
		return fill(c, vs)
	case *Inert:
		return nil
	}
	return fmt.Errorf("items are set in a %s", Kind(top))
}

func fill(d *Dict, vs Tuple) error {
	if len(vs)%2 != 0 {
		return errors.New("a key without its value")
	}
	for i := 0; i < len(vs); i += 2 {
		d.Set(vs[i], vs[i+1])
	}
	return nil
}

// object handles the opcodes by which a pickle reaches beyond plain values.
func (d *Decoder) object(op byte) error {
	switch op {
	case 'c': // GLOBAL
		module, err := d.line()
		if err != nil {
			return err
		}
		name, err := d.line()
		if err != nil {
			return err
		}
		return d.global(module, name)
	case 0x93: // STACK_GLOBAL
		vs, err := d.popN(2)
		if err != nil {
			return err
		}
		module, ok1 := vs[0].(string)
		name, ok2 := vs[1].(string)
		if !ok1 || !ok2 {
			return errors.New("the name of a global is not text")
		}
		return d.global(module, name)
	case 'R', 0x81: // REDUCE, NEWOBJ
		vs, err := d.popN(2)
		if err != nil {
			return err
		}
		return d.call(vs[0], vs[1])
	case 0x92: // NEWOBJ_EX: keyword arguments are for classes that are inert here
		vs, err := d.popN(3)
		if err != nil {
			return err
		}
		if _, ok := vs[0].(*Inert); !ok {
			return fmt.Errorf("keyword arguments for a %s", Kind(vs[0]))
		}
		return d.call(vs[0], vs[1])
	case 'b': // BUILD: attributes, such as a state dict's _metadata, are dropped
		if _, err := d.pop(); err != nil {
			return err
		}
		_, err := d.top()
		return err
	case 'Q': // BINPERSID
		id, err := d.pop()
		if err != nil {
			return err
		}
		v, err := d.r.Persistent(id)
		if err == nil {
			d.push(v)
		}
		return err
	case 'P', 'i', 'o', 0x82, 0x83, 0x84, 0x97, 0x98:
		return errors.New("no checkpoint uses it: refused")
	}
	return errors.New("there is no such opcode: damaged, or not a pickle")
}

func (d *Decoder) global(module, name string) error {
	v, err := d.r.Global(module, name)
	if err == nil {
		d.push(v)
	}
	return err
}

func (d *Decoder) call(fn, args any) error {
	f, ok := fn.(Callable)
	if !ok {
		return fmt.Errorf("a %s is called", Kind(fn))
	}
	t, ok := args.(Tuple)
	if !ok {
		return fmt.Errorf("called with a %s for its arguments", Kind(args))
	}
	v, err := f.Call(t)
	if err == nil {
		d.push(v)
	}
	return err
}
