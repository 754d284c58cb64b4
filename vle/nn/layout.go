package nn

// Layout says which rows of a matrix belong to which item of a batch: item
// i's are Layout[i] up to Layout[i+1].
type Layout []int

// NewLayout returns the layout of items with the given numbers of rows.
func NewLayout(lengths ...int) Layout {
	l := make(Layout, len(lengths)+1)
	for i, n := range lengths {
		l[i+1] = l[i] + n
	}
	return l
}

// EvenLayout returns the layout of items of one length.
func EvenLayout(items, length int) Layout {
	l := make(Layout, items+1)
	for i := range l {
		l[i] = i * length
	}
	return l
}

// Items returns the number of items.
func (l Layout) Items() int { return len(l) - 1 }

// Rows returns the number of rows of all items.
func (l Layout) Rows() int { return l[len(l)-1] }

// Len returns the number of rows of item i.
func (l Layout) Len(i int) int { return l[i+1] - l[i] }

// Max returns the number of rows of the longest item.
func (l Layout) Max() int {
	m := 0
	for i := range l.Items() {
		m = max(m, l.Len(i))
	}
	return m
}

// filled reports whether every item has rows.
func (l Layout) filled() bool {
	for i := range l.Items() {
		if l.Len(i) == 0 {
			return false
		}
	}
	return true
}

// Firsts returns the first row of each item.
func (l Layout) Firsts() []int { return l[:l.Items()] }
