// Package pickle is a restricted reader of Python pickles, made for checkpoints
// from strangers. It knows no class and no function by itself: whatever a pickle
// names is looked up through the caller's Globals, and a name that is not
// answered there is an error. It builds plain values, calls nothing but what the
// caller hands it, and bounds its work: the size of the input, the number of
// opcodes, the depth of nesting and of the stack, and the memo. No opcode can
// allocate more than the input bytes that it takes.
//
// It understands protocols 0 to 5 but for what no checkpoint needs: extension
// codes, out-of-band buffers, textual persistent ids and the old class opcodes.
//
// Format: https://docs.python.org/3/library/pickletools.html
package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits on one pickle. They are some hundred times what the largest published
// checkpoints need.
const (
	MaxBytes   = 32 << 20 // of pickle, tensors' data not included
	MaxOpcodes = 4 << 20
	MaxStack   = 1 << 20 // values waiting
	MaxDepth   = 1024    // open marks: collections begun and not ended
	MaxMemo    = 1 << 20
	MaxDigits  = 1024 // bytes of one integer
)

// Resolver is what a pickle may reach.
type Resolver interface {
	// Global answers a name with a Callable or a plain value, or an error.
	Global(module, name string) (any, error)
	// Persistent answers a persistent id.
	Persistent(id any) (any, error)
}

// Decoder reads pickles that stand one after the other.
type Decoder struct {
	data  []byte
	pos   int
	limit int // end of the current pickle's allowance
	r     Resolver

	stack []any
	depth int
	memo  map[uint64]any
}

// NewDecoder reads from data and keeps no copy of it; strings and bytes are copied.
func NewDecoder(data []byte, r Resolver) *Decoder {
	return &Decoder{data: data, r: r}
}

// Offset is the number of bytes read so far.
func (d *Decoder) Offset() int { return d.pos }

// Decode reads one pickle, up to and with its STOP.
func (d *Decoder) Decode() (any, error) {
	d.stack, d.depth, d.memo = d.stack[:0], 0, map[uint64]any{}
	d.limit = min(len(d.data), d.pos+MaxBytes)
	for n := 0; n < MaxOpcodes; n++ {
		at := d.pos
		op, err := d.byte()
		if err != nil {
			return nil, fmt.Errorf("pickle: %w", err)
		}
		if op == '.' {
			v, err := d.pop()
			if err != nil {
				return nil, fmt.Errorf("pickle: STOP at byte %d: %w", at, err)
			}
			return v, nil
		}
		if err := d.step(op); err != nil {
			return nil, fmt.Errorf("pickle: opcode %s at byte %d: %w", opName(op), at, err)
		}
		if len(d.stack) > MaxStack || len(d.memo) > MaxMemo {
			return nil, fmt.Errorf("pickle: more than %d values wait on the stack or in the memo at byte %d", min(MaxStack, MaxMemo), at)
		}
	}
	return nil, fmt.Errorf("pickle: more than %d opcodes", MaxOpcodes)
}

func opName(op byte) string {
	if op > ' ' && op < 0x7f {
		return strconv.QuoteRune(rune(op))
	}
	return fmt.Sprintf("%#02x", op)
}

// --- input

var errEnd = errors.New("it ends in the middle (truncated file?)")

func (d *Decoder) take(n uint64) ([]byte, error) {
	if n > uint64(d.limit-d.pos) {
		if d.limit < len(d.data) {
			return nil, fmt.Errorf("more than %d bytes in one pickle", MaxBytes)
		}
		return nil, errEnd
	}
	b := d.data[d.pos : d.pos+int(n)]
	d.pos += int(n)
	return b, nil
}

func (d *Decoder) byte() (byte, error) {
	b, err := d.take(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// uint reads a little-endian number of size bytes.
func (d *Decoder) uint(size int) (uint64, error) {
	b, err := d.take(uint64(size))
	if err != nil {
		return 0, err
	}
	var full [8]byte
	copy(full[:], b)
	return binary.LittleEndian.Uint64(full[:]), nil
}

// counted reads a length of size bytes and then that many bytes.
func (d *Decoder) counted(size int) ([]byte, error) {
	n, err := d.uint(size)
	if err != nil {
		return nil, err
	}
	return d.take(n)
}

func (d *Decoder) line() (string, error) {
	i := bytes.IndexByte(d.data[d.pos:d.limit], '\n')
	if i < 0 {
		return "", errEnd
	}
	s := string(d.data[d.pos : d.pos+i])
	d.pos += i + 1
	return s, nil
}

// --- stack

var errStack = errors.New("the stack is empty")

func (d *Decoder) push(v any) { d.stack = append(d.stack, v) }

func (d *Decoder) pop() (any, error) {
	v, err := d.top()
	if err == nil {
		d.stack = d.stack[:len(d.stack)-1]
	}
	return v, err
}

func (d *Decoder) top() (any, error) {
	if len(d.stack) == 0 {
		return nil, errStack
	}
	v := d.stack[len(d.stack)-1]
	if _, ok := v.(mark); ok {
		return nil, errStack
	}
	return v, nil
}

// popN takes the n values on top as a slice of its own.
func (d *Decoder) popN(n int) (Tuple, error) {
	if len(d.stack) < n {
		return nil, errStack
	}
	vs := d.stack[len(d.stack)-n:]
	for _, v := range vs {
		if _, ok := v.(mark); ok {
			return nil, errStack
		}
	}
	out := append(Tuple{}, vs...)
	d.stack = d.stack[:len(d.stack)-n]
	return out, nil
}

// popMark takes everything above the last mark, and the mark.
func (d *Decoder) popMark() (Tuple, error) {
	for i := len(d.stack) - 1; i >= 0; i-- {
		if _, ok := d.stack[i].(mark); ok {
			vs := append(Tuple{}, d.stack[i+1:]...)
			d.stack = d.stack[:i]
			d.depth--
			return vs, nil
		}
	}
	return nil, errors.New("no mark on the stack")
}

// --- numbers and text

// long reads a two's complement little-endian integer of any length.
func long(b []byte) (any, error) {
	if len(b) > MaxDigits {
		return nil, fmt.Errorf("an integer of %d bytes, more than %d", len(b), MaxDigits)
	}
	if len(b) <= 8 {
		var full [8]byte
		copy(full[:], b)
		if len(b) > 0 && b[len(b)-1]&0x80 != 0 {
			for i := len(b); i < 8; i++ {
				full[i] = 0xff
			}
		}
		return int64(binary.LittleEndian.Uint64(full[:])), nil
	}
	be := make([]byte, len(b))
	for i, v := range b {
		be[len(b)-1-i] = v
	}
	n := new(big.Int).SetBytes(be)
	if b[len(b)-1]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n, nil
}

// decimal reads the text form of INT and LONG; INT also spells booleans 00 and 01.
func decimal(s string, boolean bool) (any, error) {
	s = strings.TrimRight(s, "\r")
	if boolean && s == "00" {
		return false, nil
	}
	if boolean && s == "01" {
		return true, nil
	}
	s = strings.TrimSuffix(s, "L")
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, nil
	}
	if len(s) > MaxDigits {
		return nil, fmt.Errorf("an integer of %d digits, more than %d", len(s), MaxDigits)
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		return nil, errors.New("not a decimal integer")
	}
	return n, nil
}

func utf8Text(b []byte) (string, error) {
	if !utf8.Valid(b) {
		return "", errors.New("text is not valid UTF-8")
	}
	return string(b), nil
}

// quoted reads the repr of a Python 2 string: quotes and backslash escapes.
func quoted(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) < 2 || s[0] != s[len(s)-1] || s[0] != '\'' && s[0] != '"' {
		return "", errors.New("string without its quotes")
	}
	s = s[1 : len(s)-1]
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) {
			return "", errors.New("string ends in a backslash")
		}
		switch s[i] {
		case '\\', '\'', '"':
			b.WriteByte(s[i])
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'x':
			if i+3 > len(s) {
				return "", errors.New("cut-off escape in string")
			}
			v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", errors.New("bad escape in string")
			}
			b.WriteByte(byte(v))
			i += 2
		default:
			return "", fmt.Errorf("escape \\%c in string", s[i])
		}
	}
	return b.String(), nil
}

// rawUnicode reads protocol 0's text: Latin-1 with \uXXXX and \UXXXXXXXX.
func rawUnicode(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		digits := 0
		if s[i] == '\\' && i+1 < len(s) {
			switch s[i+1] {
			case 'u':
				digits = 4
			case 'U':
				digits = 8
			}
		}
		if digits == 0 {
			b.WriteRune(rune(s[i]))
			continue
		}
		if i+2+digits > len(s) {
			return "", errors.New("cut-off escape in text")
		}
		v, err := strconv.ParseUint(s[i+2:i+2+digits], 16, 32)
		if err != nil || v > utf8.MaxRune {
			return "", errors.New("bad escape in text")
		}
		b.WriteRune(rune(v))
		i += 1 + digits
	}
	return b.String(), nil
}

func float(b []byte) float64 { return math.Float64frombits(binary.BigEndian.Uint64(b)) }
