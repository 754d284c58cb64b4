package datasets

import "math/bits"

// permutation is a random order of n items that takes no memory: a Feistel
// network over the smallest even number of bits that holds n, walked until it falls below n
// (J. Black and P. Rogaway, "Ciphers with arbitrary finite domains", 2002,
// cycle walking). It depends on nothing but n, the seed and the epoch.
type permutation struct {
	n    uint64
	half uint // bits in each half
	keys [feistelRounds]uint64
}

const feistelRounds = 6

func newPermutation(n int, seed uint64, epoch int) permutation {
	p := permutation{n: uint64(n)}
	p.half = uint(bits.Len64(p.n-1)+1) / 2
	p.half = max(p.half, 1)
	key := scramble(seed) ^ scramble(uint64(epoch)+0x632be59bd9b4e019)
	for i := range p.keys {
		key = scramble(key)
		p.keys[i] = key
	}
	return p
}

// at returns the item in place i.
func (p permutation) at(i int) int {
	mask := uint64(1)<<p.half - 1
	x := uint64(i)
	for {
		l, r := x>>p.half, x&mask
		for _, k := range p.keys {
			l, r = r, l^(scramble(r^k)&mask)
		}
		if x = l<<p.half | r; x < p.n {
			return int(x)
		}
	}
}

// scramble is SplitMix64's step and output (G. Steele and others, "Fast
// splittable pseudorandom number generators", 2014).
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
