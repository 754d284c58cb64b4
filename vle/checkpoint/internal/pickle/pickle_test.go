package pickle

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
)

// open answers every global with a placeholder.
type open struct{}

func (open) Global(module, name string) (any, error) {
	return &Inert{Module: module, Name: name}, nil
}

func (open) Persistent(id any) (any, error) { return id, nil }

func decode(s string) (any, error) { return NewDecoder([]byte(s), open{}).Decode() }

// What Python 3.11 wrote for these values, by protocol.
func TestDecode(t *testing.T) {
	huge, _ := new(big.Int).SetString("1950a86a20f9469cfc6c", 16)
	for _, c := range []struct {
		name, in string
		want     any
	}{
		{"none", "\x80\x02N.", nil},
		{"true, protocol 0", "I01\n.", true},
		{"false, protocol 2", "\x80\x02\x89.", false},
		{"int, protocol 0", "I-7\n.", int64(-7)},
		{"int, 4 bytes", "\x80\x02J\xfe\xff\xff\xff.", int64(-2)},
		{"int, 2 bytes", "\x80\x02M\xe9\x03.", int64(1001)},
		{"long, protocol 0", "L123456789012L\n.", int64(123456789012)},
		{"long, 5 bytes", "\x80\x02\x8a\x05\x00\x00\x00\x00\xff.", int64(-1 << 32)},
		{"long, empty", "\x80\x02\x8a\x00.", int64(0)},
		{"long, 10 bytes", "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", huge},
		{"long, negative, 9 bytes", "\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\xff.", new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 64))},
		{"float", "\x80\x02G\x3f\xf8\x00\x00\x00\x00\x00\x00.", 1.5},
		{"float, protocol 0", "F1.5\n.", 1.5},
		{"text", "\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00\x8c\x02\xc3\xa9\x94.", "é"},
		{"text, protocol 0", "V\\u20ac\xe9\n.", "€é"},
		{"text, Python 2", "S'it\\'s \\x41\\n'\np0\n.", "it's A\n"},
		{"bytes", "\x80\x03C\x02\x00\xff.", []byte{0, 0xff}},
		{"tuple", "\x80\x02K\x01K\x02\x86.", Tuple{int64(1), int64(2)}},
		{"list", "\x80\x02]q\x00(K\x01K\x02e.", &List{Items: []any{int64(1), int64(2)}}},
		{"set", "\x80\x04\x8f\x94(K\x01\x90.", &Set{Items: []any{int64(1)}}},
		{"dup and pop", "\x80\x02K\x01K\x0220\x86.", Tuple{int64(1), int64(2)}},
		{"pop to mark", "\x80\x02K\x01(K\x02K\x031.", int64(1)},
		{"memo", "\x80\x02K\x01q\x05h\x05\x86.", Tuple{int64(1), int64(1)}},
	} {
		got, err := decode(c.in)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, want %#v", c.name, got, c.want)
		}
	}
}

func TestDict(t *testing.T) {
	got, err := decode("\x80\x02}(X\x01\x00\x00\x00aK\x01K\x07K\x02X\x01\x00\x00\x00aK\x03u.")
	if err != nil {
		t.Fatal(err)
	}
	d := got.(*Dict)
	if v, ok := d.Get("a"); !ok || v != int64(3) || len(d.Keys) != 2 || d.Keys[1] != int64(7) {
		t.Errorf("%v, %v", d.Keys, d.Values)
	}
	if _, ok := d.Get("b"); ok {
		t.Error("found a key that is not there")
	}
}

// A class of no interest may be made, filled and given a state; what remains
// is a placeholder.
func TestInert(t *testing.T) {
	for _, in := range []string{
		"\x80\x02cm\nC\n)\x81.",
		"\x80\x02cm\nC\n)\x81}X\x01\x00\x00\x00aK\x01sb.",
		"\x80\x02cm\nC\nK\x01\x85R(K\x01K\x02u.",
		"\x80\x02cm\nC\n)R(K\x01K\x02e.",
		"\x80\x04\x8c\x01m\x8c\x01C\x93)}\x92.",
	} {
		got, err := decode(in)
		if i, ok := got.(*Inert); err != nil || !ok || i.Module != "m" || i.Name != "C" {
			t.Errorf("%q gives %v, %v", in, got, err)
		}
	}
}

// Values may contain themselves; nothing here walks into them.
func TestCycle(t *testing.T) {
	got, err := decode("\x80\x02]q\x00h\x00a.")
	if l, ok := got.(*List); err != nil || !ok || l.Items[0] != any(l) {
		t.Errorf("%v", err)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"opcodes", strings.Repeat("N0", MaxOpcodes/2+1), "more than 4194304 opcodes"},
		{"stack", strings.Repeat("N", MaxStack+1), "wait on the stack or in the memo"},
		{"bytes", "B" + "\xff\xff\xff\x7f" + strings.Repeat("x", MaxBytes), "more than 33554432 bytes in one pickle"},
		{"digits", "L" + strings.Repeat("9", MaxDigits+1) + "\n.", "an integer of 1025 digits"},
	} {
		if _, err := decode(c.in); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	var memo strings.Builder
	memo.WriteString("N")
	for i := range MaxMemo + 1 {
		fmt.Fprintf(&memo, "r%c%c%c\x00", byte(i&0x7f), byte(i>>7&0x7f), byte(i>>14&0x7f))
	}
	if _, err := decode(memo.String()); err == nil || !strings.Contains(err.Error(), "in the memo") {
		t.Errorf("memo: %v", err)
	}
}

type refusing struct{ open }

func (refusing) Global(string, string) (any, error) { return nil, errors.New("refused") }

func TestGlobalRefused(t *testing.T) {
	for _, in := range []string{"cos\nsystem\n.", "\x8c\x02os\x8c\x06system\x93."} {
		if _, err := NewDecoder([]byte(in), refusing{}).Decode(); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x01u.", "(lp0\nI1\na.", "\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e.",
		"\x80\x02cm\nC\n)\x81}b.", "\x80\x02]q\x00h\x00a.", "S'a\\x41'\n.", "V\\u20ac\n.", "\x80\x02(K\x01K\x02tQ.",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d := NewDecoder(data, open{})
		for range 4 {
			v, err := d.Decode()
			if err != nil {
				return
			}
			if Kind(v) == "" {
				t.Error("a value without a kind")
			}
		}
		if d.Offset() > len(data) {
			t.Error("read beyond the end")
		}
	})
}
