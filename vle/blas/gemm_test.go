package blas

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// guard is written around everything a routine may write, and must survive.
const guard = float32(-12345.678)

// newRand returns a generator whose seed is in the test's log.
func newRand(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func normal(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// gemmCase is one product with its operands in memory of their own.
type gemmCase struct {
	transA, transB bool
	m, n, k        int
	lda, ldb, ldc  int
	alpha, beta    float32
	a, b, c        []float32
}

func (g gemmCase) String() string {
	return fmt.Sprintf("m=%d n=%d k=%d transA=%v transB=%v lda=%d ldb=%d ldc=%d alpha=%v beta=%v",
		g.m, g.n, g.k, g.transA, g.transB, g.lda, g.ldb, g.ldc, g.alpha, g.beta)
}

// randomCase fills a case of the given sizes; C lies in a larger slice of
// guards, its padding between rows too.
func randomCase(r *rand.Rand, m, n, k int) gemmCase {
	g := gemmCase{transA: r.IntN(2) == 0, transB: r.IntN(2) == 0, m: m, n: n, k: k}
	g.alpha = []float32{1, 1, 0.5, -2}[r.IntN(4)]
	g.beta = []float32{0, 0, 1, 0.5}[r.IntN(4)]
	pad := func() int { return []int{0, 0, 1, 7, 64}[r.IntN(5)] }
	rowsA, colsA, rowsB, colsB := m, k, k, n
	if g.transA {
		rowsA, colsA = k, m
	}
	if g.transB {
		rowsB, colsB = n, k
	}
	g.lda, g.ldb, g.ldc = colsA+pad(), colsB+pad(), n+pad()
	if r.IntN(8) == 0 {
		g.lda = (colsA + 1023) / 1024 * 1024 // rows 4096 bytes apart
	}
	g.a, g.b = normal(r, (rowsA-1)*g.lda+colsA), normal(r, (rowsB-1)*g.ldb+colsB)
	g.c = make([]float32, m*g.ldc+64)
	for i := range g.c {
		g.c[i] = guard
	}
	for i := range m {
		copy(g.c[32+i*g.ldc:][:n], normal(r, n))
		if g.beta == 0 && r.IntN(3) == 0 {
			g.c[32+i*g.ldc] = float32(math.NaN()) // beta 0 must not read it
		}
	}
	return g
}

// reference is row i of op(A)·op(B) in float64, and of Σ|a||b|.
func (g gemmCase) reference(i int, sum, size []float64) {
	clear(sum)
	clear(size)
	for p := range g.k {
		ia := i*g.lda + p
		if g.transA {
			ia = p*g.lda + i
		}
		x, at, step := float64(g.a[ia]), p*g.ldb, 1
		if g.transB {
			at, step = p, g.ldb
		}
		for j := range sum {
			v := x * float64(g.b[at+j*step])
			sum[j] += v
			size[j] += math.Abs(v)
		}
	}
}

// check runs f on the case and compares with the reference. The bound is that
// of a sum in any order, (k+2)·2⁻²⁴·Σ|a||b|, in practice far less.
func (g gemmCase) check(f func(g gemmCase, c []float32)) error {
	before := append([]float32(nil), g.c...)
	a, b := append([]float32(nil), g.a...), append([]float32(nil), g.b...)
	f(g, g.c[32:32+(g.m-1)*g.ldc+g.n])
	for i, v := range a {
		if g.a[i] != v {
			return fmt.Errorf("A[%d] was modified", i)
		}
	}
	for i, v := range b {
		if g.b[i] != v {
			return fmt.Errorf("B[%d] was modified", i)
		}
	}
	sums, sizes := make([]float64, g.n), make([]float64, g.n)
	for at, v := range g.c {
		i, j := (at-32)/g.ldc, (at-32)%g.ldc
		if at < 32 || i >= g.m || j >= g.n {
			if v != guard {
				return fmt.Errorf("wrote outside C: %v at %d (row %d, column %d)", v, at-32, i, j)
			}
			continue
		}
		if j == 0 {
			g.reference(i, sums, sizes)
		}
		want := float64(g.alpha) * sums[j]
		bound := math.Abs(float64(g.alpha)) * sizes[j]
		if g.beta != 0 {
			want += float64(g.beta) * float64(before[at])
			bound += math.Abs(float64(g.beta) * float64(before[at]))
		}
		if d := math.Abs(float64(v) - want); !(d <= bound*math.Sqrt(float64(g.k)+16)*0x1p-22+1e-30) {
			return fmt.Errorf("C[%d,%d] = %v, want %v (off by %.3g)", i, j, v, want, d)
		}
	}
	return nil
}

func sgemmOn(kn *kernel) func(g gemmCase, c []float32) {
	return func(g gemmCase, c []float32) {
		gemm(kn, g.transA, g.transB, g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb, g.beta, c, g.ldc)
	}
}

// sizes that matter: around the tiles' edges, skinny, and the blocks' edges.
func someSize(r *rand.Rand) int {
	switch r.IntN(6) {
	case 0:
		return 1 + r.IntN(4)
	case 1:
		return []int{5, 6, 7, 11, 12, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65}[r.IntN(15)]
	case 2:
		return []int{119, 120, 121, 128, 160, 161, 240}[r.IntN(7)]
	default:
		return 1 + r.IntN(70)
	}
}

func TestSgemmRandom(t *testing.T) {
	r := newRand(t)
	n := 400
	if testing.Short() {
		n = 100
	}
	for _, kn := range kernels {
		t.Run(kn.name, func(t *testing.T) {
			for range n {
				g := randomCase(r, someSize(r), someSize(r), someSize(r))
				if err := g.check(sgemmOn(kn)); err != nil {
					t.Fatalf("%v: %v", g, err)
				}
			}
		})
	}
}

// TestSgemmLarge crosses every block boundary: more than one block of k, of
// rows, of columns, and enough work for helpers.
func TestSgemmLarge(t *testing.T) {
	r := newRand(t)
	shapes := [][3]int{{259, 50, 801}, {13, 801, 400}, {130, 1601, 70}, {1, 900, 800}, {700, 1, 800}, {300, 300, 1}}
	for _, kn := range kernels {
		t.Run(kn.name, func(t *testing.T) {
			for _, s := range shapes {
				for range 2 {
					g := randomCase(r, s[0], s[1], s[2])
					if err := g.check(sgemmOn(kn)); err != nil {
						t.Fatalf("%v: %v", g, err)
					}
					if testing.Short() {
						break
					}
				}
			}
		})
	}
}

// TestSgemmAllTransposes walks the four transposes with both kinds of beta on a
// shape with every kind of edge.
func TestSgemmAllTransposes(t *testing.T) {
	r := newRand(t)
	for _, kn := range kernels {
		for i := range 16 {
			g := randomCase(r, 59, 77, 45)
			for (i&1 == 0) != g.transA || (i&2 == 0) != g.transB || (i&4 == 0) != (g.beta == 0) {
				g = randomCase(r, 59, 77, 45)
			}
			if err := g.check(sgemmOn(kn)); err != nil {
				t.Errorf("%s: %v: %v", kn.name, g, err)
			}
		}
	}
}

// TestSgemmSpecial holds the rules that a product of finite numbers does not
// show.
func TestSgemmSpecial(t *testing.T) {
	nan := float32(math.NaN())
	impl := Implementation{}
	mk := func(n int, v float32) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = v
		}
		return x
	}
	// alpha 0: A and B are not read, C is scaled.
	c := mk(40*40, 3)
	impl.Sgemm(blas.NoTrans, blas.NoTrans, 40, 40, 40, 0, mk(1600, nan), 40, mk(1600, nan), 40, 2, c, 40)
	for i, v := range c {
		if v != 6 {
			t.Fatalf("alpha 0, beta 2: C[%d] = %v, want 6", i, v)
		}
	}
	// alpha 0 and beta 0: NaN in C is overwritten.
	c = mk(40*40, nan)
	impl.Sgemm(blas.NoTrans, blas.NoTrans, 40, 40, 40, 0, mk(1600, nan), 40, mk(1600, nan), 40, 0, c, 40)
	for i, v := range c {
		if v != 0 {
			t.Fatalf("alpha 0, beta 0: C[%d] = %v, want 0", i, v)
		}
	}
	// A NaN in A reaches exactly its row, past zeros in B too.
	for _, size := range []int{5, 40} {
		a := mk(size*size, 1)
		a[2*size+3] = nan
		c = mk(size*size, 0)
		impl.Sgemm(blas.NoTrans, blas.NoTrans, size, size, size, 1, a, size, mk(size*size, 0), size, 0, c, size)
		for i, v := range c {
			if (i/size == 2) != (v != v) {
				t.Fatalf("NaN in row 2 of A: C[%d,%d] = %v", i/size, i%size, v)
			}
		}
	}
	// k = 0 scales C; m = 0 and n = 0 do nothing.
	c = mk(4, 3)
	impl.Sgemm(blas.NoTrans, blas.NoTrans, 2, 2, 0, 1, mk(1, nan), 1, mk(2, nan), 2, 0.5, c, 2)
	if c[0] != 1.5 || c[3] != 1.5 {
		t.Errorf("k = 0: C = %v, want 1.5", c)
	}
	impl.Sgemm(blas.NoTrans, blas.NoTrans, 0, 2, 2, 1, nil, 2, mk(4, 1), 2, 0, c, 2)
	impl.Sgemm(blas.NoTrans, blas.NoTrans, 2, 0, 2, 1, mk(4, 1), 2, nil, 1, 0, c, 2)
	if c[0] != 1.5 || c[3] != 1.5 {
		t.Errorf("empty product wrote C = %v", c)
	}
}

// TestSgemmPanics compares every mistake's panic with gonum's.
func TestSgemmPanics(t *testing.T) {
	call := func(f func(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int), args [6]int, la, lb, lc int, tA, tB blas.Transpose) (v any) {
		defer func() { v = recover() }()
		f(tA, tB, args[0], args[1], args[2], 1, make([]float32, la), args[3], make([]float32, lb), args[4], 0, make([]float32, lc), args[5])
		return nil
	}
	const good = 20 * 20
	for _, tc := range []struct {
		name       string
		args       [6]int
		la, lb, lc int
		tA, tB     blas.Transpose
	}{
		{"good", [6]int{20, 20, 20, 20, 20, 20}, good, good, good, blas.NoTrans, blas.NoTrans},
		{"transpose A", [6]int{20, 20, 20, 20, 20, 20}, good, good, good, 'x', blas.NoTrans},
		{"transpose B", [6]int{20, 20, 20, 20, 20, 20}, good, good, good, blas.NoTrans, 0},
		{"m", [6]int{-1, 20, 20, 20, 20, 20}, good, good, good, blas.NoTrans, blas.NoTrans},
		{"n", [6]int{20, -1, 20, 20, 20, 20}, good, good, good, blas.NoTrans, blas.NoTrans},
		{"k", [6]int{20, 20, -1, 20, 20, 20}, good, good, good, blas.NoTrans, blas.NoTrans},
		{"lda", [6]int{20, 20, 20, 19, 20, 20}, good, good, good, blas.NoTrans, blas.NoTrans},
		{"ldb", [6]int{20, 20, 20, 20, 19, 20}, good, good, good, blas.NoTrans, blas.NoTrans},
		{"ldc", [6]int{20, 20, 20, 20, 20, 19}, good, good, good, blas.NoTrans, blas.NoTrans},
		{"short A", [6]int{20, 20, 20, 20, 20, 20}, good - 1, good, good, blas.Trans, blas.NoTrans},
		{"short B", [6]int{20, 20, 20, 20, 20, 20}, good, good - 1, good, blas.NoTrans, blas.Trans},
		{"short C", [6]int{20, 20, 20, 20, 20, 20}, good, good, good - 1, blas.NoTrans, blas.NoTrans},
	} {
		got := call(Implementation{}.Sgemm, tc.args, tc.la, tc.lb, tc.lc, tc.tA, tc.tB)
		want := call(gonum.Implementation{}.Sgemm, tc.args, tc.la, tc.lb, tc.lc, tc.tA, tc.tB)
		if got != want || (want == nil) != (tc.name == "good") {
			t.Errorf("%s: panic %v, gonum's is %v", tc.name, got, want)
		}
	}
}
