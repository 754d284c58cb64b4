package bmp

import (
	"bytes"
	"testing"
)

// TestRuns covers what Pillow reads wrongly, by the format's description: skipping,
// an odd number of 4-bit pixels, and an early end.
func TestRuns(t *testing.T) {
	tests := []struct {
		name        string
		compression uint32
		data        []byte
		want        []byte // 5×2 indices
	}{
		{"skip", runs8, []byte{0, 2, 2, 1, 3, 9, 0, 1}, []byte{0, 0, 0, 0, 0, 0, 0, 9, 9, 9}},
		{"odd", runs4, []byte{0, 3, 0x12, 0x30, 2, 0x45, 0, 0, 5, 0x67, 0, 1}, []byte{1, 2, 3, 4, 5, 6, 7, 6, 7, 6}},
		{"early end", runs8, []byte{2, 7, 0, 1}, []byte{7, 7, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"run over the row's end", runs8, []byte{9, 7, 0, 0, 5, 8, 0, 1}, []byte{7, 7, 7, 7, 7, 8, 8, 8, 8, 8}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := &decoder{width: 5, height: 2, bits: 8, compression: tt.compression, data: tt.data}
			got, err := d.runs()
			if err != nil || !bytes.Equal(got, tt.want) {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}
