package blas

import "govle/vle/blas/vec"

// fewRows is the number of rows up to which a product reads its weights as they
// lie: above, laying a panel out pays, because it is used for every tile of rows.
const fewRows = 8

// few reports whether a product of m rows with weights k wide runs on dot
// products. Widths that are no multiple of 16 are left to the panels, which pad.
func (kn *kernel) few(m, k int) bool { return kn.dots != nil && m <= fewRows && k%16 == 0 }

// mulFew is C[m×n] = alpha·x·wᵀ (+ C where acc) with w stored n×k.
func (kn *kernel) mulFew(m, n, k int, alpha float32, x []float32, ldx int, w []float32, ldw int, acc bool, c []float32, ldc int, par bool) {
	add := 0
	if acc {
		add = 1
	}
	// The weights of a task stay in a level-2 cache for its second pass of rows.
	groups := max(1, (1<<14)/k)
	part := func(g0, g1 int) {
		for i := 0; i < m; {
			rows := min(m-i, kn.dotRows)
			kn.dots(rows, g1-g0, k/16, &x[i*ldx], ldx, &w[4*g0*ldw], ldw, &c[i*ldc+4*g0], ldc, alpha, add)
			i += rows
		}
	}
	if all := n / 4; par && all > groups {
		Parallel((all+groups-1)/groups, func(t int) { part(t*groups, min(all, (t+1)*groups)) })
	} else {
		for g := 0; g < all; g += groups {
			part(g, min(all, g+groups))
		}
	}
	for j := n &^ 3; j < n; j++ {
		for i := range m {
			s := alpha * vec.Dot(x[i*ldx:i*ldx+k], w[j*ldw:j*ldw+k])
			if acc {
				s += c[i*ldc+j]
			}
			c[i*ldc+j] = s
		}
	}
}
