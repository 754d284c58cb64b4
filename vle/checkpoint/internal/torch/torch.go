// Package torch reads what torch.save wrote: the zip archives of PyTorch 1.6
// and later and the legacy stream before them, a state dict at the top or, as
// in a PyTorch-Lightning checkpoint, under "state_dict". Tensors' bytes stay
// where they are in the file.
//
// The pickle inside is read by package pickle under the allow-list of
// globals.go. Whatever it says about storages, offsets, sizes and strides is
// checked against the bytes that are really there.
package torch

import (
	"errors"
	"fmt"
	"math"
	"sort"
	"strings"

	"govle/vle/checkpoint/internal/dtype"
	"govle/vle/checkpoint/internal/pickle"
)

// Limits on what a tensor may say of itself.
const (
	maxRank = 64
	// An expanded tensor repeats its storage, so its size is not bounded by the
	// file's. No state dict needs that beyond small tables.
	maxExpanded = 1 << 22
)

// Tensor is a view of a storage: element (i, j, …) is the storage's element
// Offset + i·Stride[0] + j·Stride[1] + …; Load has checked that all of them
// are inside.
type Tensor struct {
	Name    string
	DType   dtype.DType
	Shape   []int
	Stride  []int // in elements
	Offset  int   // in elements
	Storage *Storage
}

// Storage is a run of bytes that tensors share.
type Storage struct {
	key   string
	bytes uint64 // what the pickle says it holds
	data  func() ([]byte, error)
}

// Data gives the storage's bytes: a part of the file, or the inflated copy of
// a compressed zip entry.
func (s *Storage) Data() ([]byte, error) {
	b, err := s.data()
	if err != nil {
		return nil, fmt.Errorf("storage %q: %w", s.key, err)
	}
	return b, nil
}

// Load reads a file that torch.save wrote. inert names further globals, as
// "module.name", whose objects are skipped like those of inertGlobals.
func Load(data []byte, inert []string) ([]Tensor, error) {
	switch {
	case isZip(data):
		return loadZip(data, inert)
	case isTar(data):
		return nil, errors.New("this is the tar format of PyTorch before 0.1.10: load it with torch and save it again")
	case IsPickle(data):
		return loadLegacy(data, inert)
	}
	return nil, errors.New("this is neither a zip archive nor a pickle, so torch.save did not write it")
}

// Is tells whether data begins as something that torch.save wrote.
func Is(data []byte) bool { return isZip(data) || isTar(data) || IsPickle(data) }

func isZip(data []byte) bool { return len(data) > 4 && string(data[:4]) == "PK\x03\x04" }

func isTar(data []byte) bool { return len(data) > 262 && string(data[257:262]) == "ustar" }

// IsPickle tells whether data begins as a pickle of protocol 2 or later does.
func IsPickle(data []byte) bool { return len(data) > 2 && data[0] == 0x80 && data[1] <= 5 }

// stateDict finds the tensors in what the pickle holds: the dict at the top or
// the one under "state_dict". Lightning's "model." before each name, the
// attribute that held the model in the training module, is dropped.
func stateDict(root any) ([]Tensor, error) {
	top, ok := root.(*pickle.Dict)
	if !ok {
		return nil, fmt.Errorf("the file holds a %s where a state dict (a dict of tensors) was expected", pickle.Kind(root))
	}
	dict, wrapped := top, false
	if v, ok := top.Get("state_dict"); ok {
		if inner, ok := v.(*pickle.Dict); ok {
			dict, wrapped = inner, true
		}
	}
	var tensors []Tensor
	names := map[string]bool{}
	for i, k := range dict.Keys {
		ref, ok := dict.Values[i].(*tensorValue)
		if !ok {
			continue
		}
		name, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("a tensor's name is a %s, not text", pickle.Kind(k))
		}
		names[name] = true
		t := Tensor(*ref)
		t.Name = name
		tensors = append(tensors, t)
	}
	if len(tensors) == 0 {
		return nil, fmt.Errorf("no tensors at the top of the file nor under \"state_dict\"; its keys are %s", keyList(top))
	}
	if !wrapped {
		return tensors, nil
	}
	for i := range tensors {
		if short, ok := strings.CutPrefix(tensors[i].Name, "model."); ok && !names[short] {
			tensors[i].Name = short
		}
	}
	return tensors, nil
}

func keyList(d *pickle.Dict) string {
	var names []string
	for _, k := range d.Keys {
		if len(names) == 10 {
			names = append(names, "…")
			break
		}
		if s, ok := k.(string); ok {
			names = append(names, fmt.Sprintf("%.40q", s))
		} else {
			names = append(names, "a "+pickle.Kind(k))
		}
	}
	sort.Strings(names)
	return "[" + strings.Join(names, " ") + "]"
}

// checkView verifies that a tensor stays inside its storage of n elements,
// without overflow on the way.
func checkView(offset int64, shape, stride []int, n uint64) error {
	if offset < 0 {
		return fmt.Errorf("storage offset %d is negative", offset)
	}
	if len(shape) > maxRank || len(shape) != len(stride) {
		return fmt.Errorf("%d sizes and %d strides", len(shape), len(stride))
	}
	count, last := uint64(1), uint64(offset)
	empty := false
	for i, dim := range shape {
		if dim < 0 || stride[i] < 0 {
			return fmt.Errorf("size %v with stride %v has a negative number", shape, stride)
		}
		if dim == 0 {
			empty = true
			continue
		}
		d, s := uint64(dim), uint64(stride[i])
		if s > 0 && d-1 > (math.MaxInt64-last)/s || count > math.MaxInt64/d {
			return fmt.Errorf("size %v with stride %v overflows", shape, stride)
		}
		last += (d - 1) * s
		count *= d
	}
	if empty {
		return nil
	}
	if last >= n {
		return fmt.Errorf("offset %d, size %v and stride %v reach element %d of a storage of %d", offset, shape, stride, last, n)
	}
	if count > n && count > maxExpanded {
		return fmt.Errorf("size %v with stride %v repeats a storage of %d elements to more than %d", shape, stride, n, maxExpanded)
	}
	return nil
}
