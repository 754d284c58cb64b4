package blas

import "testing"

// TestKernel: the names are those of the preferred kernels, and the portable
// one is always there to fall back to.
func TestKernel(t *testing.T) {
	f, q := Kernel()
	if f != kernels[0].name || q != int8Kernels[0].name {
		t.Errorf("Kernel() = %q, %q", f, q)
	}
	if kernels[len(kernels)-1] != &portable || int8Kernels[len(int8Kernels)-1] != &portableInt8 {
		t.Error("the portable kernel is not the last resort")
	}
	t.Logf("%s, %s", f, q)
}

// TestFit: narrow panels are used where wide ones would be mostly padding.
func TestFit(t *testing.T) {
	narrow := kernel{nr: 16}
	wide := kernel{nr: 32, narrow: &narrow}
	for n, want := range map[int]int{1: 16, 2: 16, 16: 16, 17: 32, 32: 32, 40: 16, 64: 32, 768: 32, 1297: 32, 3129: 32} {
		if got := wide.fit(n).nr; got != want {
			t.Errorf("%d columns: panels of %d, want %d", n, got, want)
		}
	}
	if narrow.fit(1) != &narrow {
		t.Error("a kernel without a neighbour must fit itself")
	}
}
