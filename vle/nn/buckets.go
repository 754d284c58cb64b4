package nn

import "math"

// RelativeBucket maps the distance r between two positions to its bucket, as
// DeBERTa-v2 does: distances up to buckets/2 are kept, longer ones fall into
// buckets of logarithmically growing width up to maxDistance. With buckets or
// maxDistance ≤ 0 the distance itself is returned. The arithmetic is float32,
// as in the reference, for a rounding decides the bucket.
func RelativeBucket(r, buckets, maxDistance int) int {
	if buckets <= 0 || maxDistance <= 0 {
		return r
	}
	mid := buckets / 2
	a := r
	if a < 0 {
		a = -a
	}
	if r < mid && r > -mid {
		a = mid - 1
	}
	if a <= mid {
		return r
	}
	num := float32(math.Log(float64(float32(a) / float32(mid))))
	den := float32(math.Log(float64(float32(float64(maxDistance-1) / float64(mid)))))
	b := int(math.Ceil(float64(num/den*float32(mid-1)))) + mid
	if r < 0 {
		return -b
	}
	return b
}

// Span is the part of the relative position embeddings that sequences of up to
// a given length use.
type Span struct {
	// First is the first row used and Count the number of rows.
	First, Count int
	// index[r+length-1] is the row, counted from First, of the distance r.
	index  []int32
	length int
}

// NewSpan returns the rows of relative position embeddings that sequences of
// up to length tokens use, where the embeddings have 2·half rows: distance r
// uses row clamp(bucket(r)+half, 0, 2·half−1).
func NewSpan(length, half, buckets, maxDistance int) *Span {
	s := &Span{length: length, index: make([]int32, 2*length-1)}
	row := func(r int) int {
		return min(max(RelativeBucket(r, buckets, maxDistance)+half, 0), 2*half-1)
	}
	s.First = row(-(length - 1))
	s.Count = row(length-1) - s.First + 1
	for r := -(length - 1); r < length; r++ {
		s.index[r+length-1] = int32(row(r) - s.First)
	}
	return s
}

// Rows returns the numbers of the rows used.
func (s *Span) Rows() []int {
	rows := make([]int, s.Count)
	for i := range rows {
		rows[i] = s.First + i
	}
	return rows
}
