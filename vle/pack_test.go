package vle

import (
	"testing"

	"govle/vle/nn"
)

// TestPack compares a model's logits with its weights packed and as they are,
// and checks that packed weights are laid out anew after a change.
func TestPack(t *testing.T) {
	dir := golden(t, "model-odd", "ckpt-vqa")
	m := openVQAAt(t, dir, "model.safetensors")
	c := openRecording(t, golden(t, "model-odd", "vqa", "case_pad3.npz"))
	logits := func() []float32 {
		r := nn.NewRun()
		defer r.Close()
		y, err := m.Forward(r, c.batch())
		if err != nil {
			t.Fatal(err)
		}
		return append([]float32(nil), nn.Floats(y)...)
	}
	Pack(m)
	check(t, "logits with packed weights", logits(), c.floats("out.logits.npy"))

	out := m.Head.Out
	half := append([]float32(nil), nn.Floats(out.W)...)
	for i := range half {
		half[i] /= 2
	}
	*out.W = *newParam([]int{len(half) / out.W.Shape()[1], out.W.Shape()[1]}, half, false)
	Pack(m)
	want := c.floats("out.logits.npy")
	b := nn.Floats(out.B)
	for i := range want {
		want[i] = (want[i]-b[i%len(b)])/2 + b[i%len(b)]
	}
	check(t, "logits after a change", logits(), want)
}
