package vle

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"govle/vle/nn"
)

// TestExtendPositions follows the recorded chains: p16_224_336 is the
// extension to 336 px of what p16_224 holds at 224.
func TestExtendPositions(t *testing.T) {
	c := openRecording(t, golden(t, "model-tiny", "position", "extend.npz"))
	n := 0
	for _, k := range c.names("p") {
		parts := strings.Split(strings.TrimSuffix(k, ".npy"), "_")
		if len(parts) < 3 {
			continue
		}
		n++
		patch, _ := strconv.Atoi(parts[0][1:])
		before, _ := strconv.Atoi(parts[len(parts)-2])
		after, _ := strconv.Atoi(parts[len(parts)-1])
		src := strings.Join(parts[:len(parts)-1], "_") + ".npy"
		got := ExtendPositions(c.floats(src), before/patch, after/patch)
		check(t, k, got, c.floats(k))
	}
	if n == 0 {
		t.Fatal("no chains recorded")
	}
}

func TestRelativeBuckets(t *testing.T) {
	c := openRecording(t, golden(t, "model-tiny", "position", "relative_position.npz"))
	for _, k := range c.names("b") {
		var b, m, n int
		name := strings.TrimSuffix(k, ".npy")
		if _, err := fmt.Sscanf(name, "b%d_m%d_n%d", &b, &m, &n); err != nil {
			t.Fatal(err)
		}
		sign := 1
		if strings.HasSuffix(name, "_neg") {
			sign = -1
		}
		var want []int64
		if err := c.f.Read(k, &want); err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if got := nn.RelativeBucket(sign*i, b, m); got != int(w) {
				t.Errorf("%s: distance %d is in bucket %d, want %d", name, sign*i, got, w)
				break
			}
		}
	}
}

func TestExtendedModel(t *testing.T) {
	for _, kind := range []string{"model-tiny", "model-odd"} {
		dir := golden(t, kind)
		m := openVQAAt(t, filepath.Join(dir, "ckpt-vqa"), "model.safetensors")
		c := openRecording(t, filepath.Join(dir, "vqa", "case_extended.npz"))
		b := c.batch()
		size := int(math.Sqrt(float64(len(b.Pixels) / len(b.IDs) / 3)))
		r := nn.NewRun()
		defer r.Close()
		if _, err := m.Forward(r, b); err == nil {
			t.Errorf("%s: pictures of another size gave no error", kind)
		}
		if err := m.Body.ResizeImages(size); err != nil {
			t.Fatal(err)
		}
		check(t, "position_embedding", nn.Floats(m.Body.Vision.Positions), c.floats("mid.position_embedding.npy"))
		logits, err := m.Forward(r, b)
		if err != nil {
			t.Fatal(err)
		}
		check(t, kind+" logits", nn.Floats(logits), c.floats("out.logits.npy"))
	}
}
