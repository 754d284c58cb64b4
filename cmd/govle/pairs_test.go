package main

import (
	"strings"
	"testing"
)

// FuzzReadList reads lists from standard input.
func FuzzReadList(f *testing.F) {
	for _, s := range []string{
		"", "a text\n\n b \n", `{"image": "x.png", "text": "t"}`, `{"question": "q"}`, "{", "null\n", "{}\n", "\xff\x00\n", `{"text": 3}`,
	} {
		f.Add(s, "y.png")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, in, picture string) {
		pairs, err := readList(strings.NewReader(in), picture)
		if err == nil && len(pairs) == 0 {
			t.Error("an empty list gives no error")
		}
		for _, p := range pairs {
			if err == nil && (p.Image == "" || p.Text == "") {
				t.Errorf("%+v is not whole", p)
			}
		}
	})
}
