package spm

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestTrie looks random strings up and compares with a map.
func TestTrie(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(letters string, n int) string {
		b := make([]byte, 1+rng.IntN(n))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	var all strings.Builder
	for c := 1; c < 256; c++ {
		all.WriteByte(byte(c))
	}
	for _, letters := range []string{"ab", "abcdefgh\xe2\x96\x81", all.String()} {
		want := map[string]int32{}
		var keys []trieKey
		for range 3000 {
			k := random(letters, 8)
			if _, dup := want[k]; !dup {
				want[k] = int32(len(keys))
				keys = append(keys, trieKey{k, want[k]})
			}
		}
		tr, err := newTrie(keys)
		if err != nil {
			t.Fatal(err)
		}
		for k := range want {
			if n := tr.longestPrefix(k + "\x00"); n != len(k) {
				t.Fatalf("%q with a NUL byte behind: the longest prefix has %d bytes", k, n)
			}
		}
		for range 3000 {
			text := random(letters+"\x00", 12)
			longest := 0
			for n := range len(text) + 1 {
				if _, ok := want[text[:n]]; ok {
					longest = n
				}
			}
			if n := tr.longestPrefix(text); n != longest {
				t.Fatalf("%q: the longest prefix has %d bytes, want %d", text, n, longest)
			}
		}
	}
}
