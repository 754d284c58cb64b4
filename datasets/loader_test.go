package datasets_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"slices"
	"strings"
	"testing"

	"govle/datasets"
)

func numbers(n int) datasets.List[int] {
	l := make(datasets.List[int], n)
	for i := range l {
		l[i] = i
	}
	return l
}

func loader(t *testing.T, src datasets.Source[int], batch int, seed uint64) *datasets.Loader[int] {
	t.Helper()
	l, err := datasets.NewLoader(src, batch, seed)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEveryEpochHasEveryItemOnce(t *testing.T) {
	for n := 1; n <= 70; n++ {
		l := loader(t, numbers(n), 8, uint64(n))
		var orders [][]int
		for range 3 {
			var order []int
			batches := 0
			for b, err := range l.Epoch() {
				if err != nil {
					t.Fatal(err)
				}
				batches++
				order = append(order, b...)
			}
			if batches != l.BatchesPerEpoch() {
				t.Fatalf("%d batches of %d items, announced %d", batches, n, l.BatchesPerEpoch())
			}
			orders = append(orders, order)
			sorted := slices.Sorted(slices.Values(order))
			if !slices.Equal(sorted, numbers(n)) {
				t.Fatalf("an epoch of %d items gave %v", n, order)
			}
		}
		if n > 10 && (slices.Equal(orders[0], orders[1]) || slices.IsSorted(orders[0])) {
			t.Errorf("orders of %d items: %v, %v", n, orders[0], orders[1])
		}
	}
}

// TestOrderIsRandom checks that over many seeds each item comes to each place
// about as often.
func TestOrderIsRandom(t *testing.T) {
	const n, runs = 11, 6600
	var count [n][n]int
	for seed := range uint64(runs) {
		l := loader(t, numbers(n), n, seed)
		b, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		for place, item := range b {
			count[place][item]++
		}
	}
	mean := float64(runs) / n
	chi := 0.0
	for _, row := range count {
		for _, c := range row {
			chi += (float64(c) - mean) * (float64(c) - mean) / mean
		}
	}
	// 100 degrees of freedom: beyond 180 by chance once in 10⁶ times.
	if chi > 180 || chi < 50 {
		t.Errorf("χ² = %.1f", chi)
	}
}

// TestResume stops a run after each number of batches, puts its state through
// JSON, and wants the rest to come the same.
func TestResume(t *testing.T) {
	for _, set := range []struct{ drop, inOrder bool }{{false, false}, {true, false}, {false, true}} {
		whole := loader(t, numbers(23), 5, 7)
		whole.DropLast, whole.InOrder = set.drop, set.inOrder
		var want [][]int
		var states []string
		for range 17 {
			s, err := json.Marshal(whole.State())
			if err != nil {
				t.Fatal(err)
			}
			b, err := whole.Next()
			if err != nil {
				t.Fatal(err)
			}
			want, states = append(want, b), append(states, string(s))
		}
		for from, s := range states {
			l := loader(t, numbers(23), 1, 99)
			l.DropLast, l.InOrder = set.drop, set.inOrder
			var state datasets.LoaderState
			if err := json.Unmarshal([]byte(s), &state); err != nil {
				t.Fatal(err)
			}
			if err := l.Restore(state); err != nil {
				t.Fatal(err)
			}
			for k := from; k < len(want); k++ {
				b, err := l.Next()
				if err != nil || !slices.Equal(b, want[k]) {
					t.Fatalf("resumed at batch %d, batch %d is %v (error %v), want %v", from, k, b, err, want[k])
				}
			}
		}
		if set.drop {
			for _, b := range want {
				if len(b) != 5 {
					t.Errorf("a batch of %d with DropLast", len(b))
				}
			}
		}
	}
}

type failing struct{ datasets.List[int] }

func (f failing) At(i int) (int, error) {
	if i == 3 {
		return 0, errors.New("picture 3 is broken")
	}
	return f.List.At(i)
}

func TestLoaderErrors(t *testing.T) {
	l := loader(t, failing{numbers(6)}, 2, 1)
	l.InOrder = true
	if _, err := l.Next(); err != nil {
		t.Fatal(err)
	}
	before := l.State()
	if _, err := l.Next(); err == nil || l.State() != before {
		t.Errorf("error %v, moved from %+v to %+v", err, before, l.State())
	}
	for want, err := range map[string]error{
		"empty":               second(datasets.NewLoader(numbers(0), 2, 1)),
		"batches of 0":        second(datasets.NewLoader(numbers(3), 0, 1)),
		"of 7 items":          l.Restore(datasets.LoaderState{Items: 7, Batch: 1}),
		"makes no sense":      l.Restore(datasets.LoaderState{Items: 6, Batch: 1, Next: 9}),
		"do not fill a batch": func() error { l := loader(t, numbers(3), 5, 1); l.DropLast = true; return second(l.Next()) }(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not say %q", err, want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestParts(t *testing.T) {
	train, val := datasets.Split[int](numbers(10), 7)
	if x, _ := val.At(0); train.Len() != 7 || val.Len() != 3 || x != 7 {
		t.Errorf("%d and %d items, the second from %d", train.Len(), val.Len(), x)
	}
	if h := datasets.Head[int](numbers(10), 99); h.Len() != 10 {
		t.Errorf("head has %d items", h.Len())
	}
	defer func() {
		if recover() == nil {
			t.Error("an item outside a part is given")
		}
	}()
	train.At(7)
}

func BenchmarkLoader(b *testing.B) {
	l, err := datasets.NewLoader(numbers(450_000), 64, 1)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := l.Next(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/item")
}

func ExampleLoader() {
	l, err := datasets.NewLoader(datasets.List[string]{"a", "b", "c", "d", "e"}, 2, 42)
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		if _, err := l.Next(); err != nil {
			log.Fatal(err)
		}
	}
	saved := l.State() // goes into the checkpoint
	here, _ := l.Next()

	again, _ := datasets.NewLoader(datasets.List[string]{"a", "b", "c", "d", "e"}, 2, 42)
	if err := again.Restore(saved); err != nil {
		log.Fatal(err)
	}
	there, _ := again.Next()
	fmt.Println(saved.Epoch, saved.Next, slices.Equal(here, there), len(here))
	// Output: 0 4 true 1
}
