package blas

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// TestLevels12 compares the vector and matrix-vector routines with gonum's on
// random lengths, increments and scalars, guards included: the whole of y and A
// is compared.
func TestLevels12(t *testing.T) {
	r := newRand(t)
	ours, theirs := Implementation{}, gonum.Implementation{}
	close := func(got, want []float32, size float64) error {
		for i, v := range got {
			if !(math.Abs(float64(v-want[i])) <= 1e-6*(size+math.Abs(float64(want[i])))) {
				return fmt.Errorf("[%d] = %v, want %v", i, v, want[i])
			}
		}
		return nil
	}
	two := func(x []float32) ([]float32, []float32) { return x, append([]float32(nil), x...) }
	incs := []int{1, 1, 1, 2, 3, -1, -2}
	scalars := []float32{0, 1, -0.5, 2}
	length := func(n, inc int) int { return (n-1)*max(inc, -inc) + 1 }
	for range 600 {
		m, n := someSize(r), someSize(r)
		if r.IntN(40) == 0 {
			m, n = 600, 1500 // strips and helpers
		}
		incX, incY := incs[r.IntN(len(incs))], incs[r.IntN(len(incs))]
		lda := n + r.IntN(4)
		alpha, beta := scalars[r.IntN(4)], scalars[r.IntN(4)]
		a, a2 := two(normal(r, (m-1)*lda+n+5))
		where := fmt.Sprintf("m=%d n=%d incX=%d incY=%d lda=%d alpha=%v beta=%v", m, n, incX, incY, lda, alpha, beta)

		trans, lenX, lenY := blas.NoTrans, n, m
		if r.IntN(2) == 0 {
			trans, lenX, lenY = blas.Trans, m, n
		}
		x := normal(r, length(lenX, incX))
		y, y2 := two(normal(r, length(lenY, incY)+5))
		after := append([]float32(nil), y[length(lenY, incY):]...)
		ours.Sgemv(trans, m, n, alpha, a, lda, x, incX, beta, y, incY)
		theirs.Sgemv(trans, m, n, alpha, a, lda, x, incX, beta, y2, incY)
		end := length(lenY, incY) // gonum clears all of a longer y for beta 0
		if err := close(y[:end], y2[:end], float64(lenX)*3); err != nil {
			t.Fatalf("Sgemv %c %s: %v", trans, where, err)
		}
		if err := close(y[end:], after, 0); err != nil && incX > 0 && incY > 0 {
			t.Fatalf("Sgemv %c %s: wrote beyond y: %v", trans, where, err)
		}

		// gonum's own Sger reads outside x for negative increments; ours hands
		// those on to it.
		incX, incY = max(incX, -incX), max(incY, -incY)
		x, y = normal(r, length(m, incX)), normal(r, length(n, incY))
		ours.Sger(m, n, alpha, x, incX, y, incY, a, lda)
		theirs.Sger(m, n, alpha, x, incX, y, incY, a2, lda)
		if err := close(a, a2, 10); err != nil {
			t.Fatalf("Sger %s: %v", where, err)
		}

		x = normal(r, length(n, incX))
		y, y2 = two(normal(r, length(n, incY)+5))
		ours.Saxpy(n, alpha, x, incX, y, incY)
		theirs.Saxpy(n, alpha, x, incX, y2, incY)
		if err := close(y, y2, 10); err != nil {
			t.Fatalf("Saxpy %s: %v", where, err)
		}
		if got, want := ours.Sdot(n, x, incX, y, incY), theirs.Sdot(n, x, incX, y, incY); math.Abs(float64(got-want)) > 1e-5*float64(n) {
			t.Fatalf("Sdot %s: %v, want %v", where, got, want)
		}
		y, y2 = two(normal(r, length(n, incX)+5))
		ours.Sscal(n, alpha, y, incX)
		theirs.Sscal(n, alpha, y2, incX)
		if err := close(y, y2, 0); err != nil {
			t.Fatalf("Sscal %s: %v", where, err)
		}
	}
}

// TestLevels12Special: beta 0 overwrites NaN, nothing is written for n = 0,
// mistakes panic as gonum's do.
func TestLevels12Special(t *testing.T) {
	nan := float32(math.NaN())
	y := []float32{nan, nan}
	Implementation{}.Sgemv(blas.NoTrans, 2, 2, 1, []float32{1, 2, 3, 4}, 2, []float32{1, 1}, 1, 0, y, 1)
	if y[0] != 3 || y[1] != 7 {
		t.Errorf("Sgemv with beta 0 over NaN: %v", y)
	}
	Implementation{}.Sgemv(blas.Trans, 2, 2, 1, []float32{1, 2, 3, 4}, 2, []float32{1, 1}, 1, 0, y, 1)
	if y[0] != 4 || y[1] != 6 {
		t.Errorf("Sgemv transposed: %v", y)
	}
	Implementation{}.Saxpy(0, 1, nil, 1, nil, 1)
	if d := (Implementation{}).Sdot(0, nil, 1, nil, 1); d != 0 {
		t.Errorf("Sdot of nothing: %v", d)
	}
	f := make([]float32, 4)
	for name, call := range map[string]func(b blas.Float32){
		"Sgemv lda":  func(b blas.Float32) { b.Sgemv(blas.NoTrans, 2, 2, 1, f, 1, f, 1, 0, f, 1) },
		"Sgemv A":    func(b blas.Float32) { b.Sgemv(blas.NoTrans, 3, 2, 1, f, 2, f, 1, 0, f, 1) },
		"Sgemv x":    func(b blas.Float32) { b.Sgemv(blas.Trans, 2, 2, 1, f, 2, f[:1], 1, 0, f, 1) },
		"Sgemv incY": func(b blas.Float32) { b.Sgemv(blas.NoTrans, 2, 2, 1, f, 2, f, 1, 0, f, 0) },
		"Sger y":     func(b blas.Float32) { b.Sger(2, 2, 1, f, 1, f[:1], 1, f, 2) },
		"Saxpy y":    func(b blas.Float32) { b.Saxpy(4, 1, f, 1, f[:3], 1) },
		"Sdot x":     func(b blas.Float32) { b.Sdot(4, f[:3], 1, f, 1) },
		"Sscal":      func(b blas.Float32) { b.Sscal(4, 2, f[:3], 1) },
		"Sscal n":    func(b blas.Float32) { b.Sscal(-1, 2, f, 1) },
	} {
		caught := func(b blas.Float32) (v any) {
			defer func() { v = recover() }()
			call(b)
			return nil
		}
		if got, want := caught(Implementation{}), caught(gonum.Implementation{}); got != want || want == nil {
			t.Errorf("%s: panic %v, gonum's is %v", name, got, want)
		}
	}
}
