// Package checkpoint reads and writes the weights of a model: safetensors, what
// torch.save wrote (zip or legacy), PyTorch-Lightning checkpoints, each in one
// file or in shards with an index, as Hugging Face folders hold them.
//
// For most uses, call [Open] with the model's folder and [Store.Float32] with a
// parameter's name; [Save] writes a folder that Hugging Face tools read back.
//
// Files are mapped into memory, not read: opening one of 1.5 GB takes
// milliseconds, and an fp32 tensor is a view of the file. Half precision and the
// other types are converted at each call.
//
// A checkpoint may come from anybody. Nothing in it is executed or believed:
// headers, sizes, offsets and strides are checked before they are used, pickles
// are read by a restricted unpickler that knows only what a state dict needs, and
// every error names the file, the tensor and the reason.
package checkpoint

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"unsafe"

	"govle/vle/checkpoint/internal/dtype"
)

// DType is the type of a tensor's elements, by its safetensors name.
type DType = dtype.DType

// The element types that can be read; F32, F16 and BF16 can be written.
const (
	F64  = dtype.F64
	F32  = dtype.F32
	F16  = dtype.F16
	BF16 = dtype.BF16
	I64  = dtype.I64
	U64  = dtype.U64
	I32  = dtype.I32
	U32  = dtype.U32
	I16  = dtype.I16
	U16  = dtype.U16
	I8   = dtype.I8
	U8   = dtype.U8
	Bool = dtype.Bool
)

// Format is the container that a Store was read from.
type Format string

// The containers.
const (
	Safetensors Format = "safetensors"
	Torch       Format = "torch"
)

// ErrNoTensor is what asking for a name that a Store lacks gives.
var ErrNoTensor = errors.New("no such tensor")

// Tensor describes one tensor of a Store.
type Tensor struct {
	Name  string
	DType DType
	Shape []int // row-major; empty for a scalar
	File  string
}

// Elements is the number of elements.
func (t Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Store is an opened checkpoint. It may be used by many goroutines at once.
type Store struct {
	path     string
	format   Format
	files    []string
	names    []string
	tensors  map[string]*entry
	metadata map[string]string
	closers  []func() error
}

// entry is a tensor with the way to its elements.
type entry struct {
	Tensor
	stride []int // in elements; nil for row-major without gaps
	offset int   // in elements
	data   func() ([]byte, error)
	mapped []byte // the file, where it is mapped
}

// Path is what the Store was opened from.
func (s *Store) Path() string { return s.path }

// Format is the container that the tensors came in.
func (s *Store) Format() Format { return s.format }

// Files are the weight files that were opened, more than one for shards.
func (s *Store) Files() []string { return slices.Clone(s.files) }

// Metadata is the free text of a safetensors header; nil if there is none.
func (s *Store) Metadata() map[string]string { return s.metadata }

// Names lists the tensors in alphabetical order.
func (s *Store) Names() []string { return slices.Clone(s.names) }

// Has tells whether there is a tensor of that name.
func (s *Store) Has(name string) bool { return s.tensors[name] != nil }

// Info describes a tensor, or gives ErrNoTensor.
func (s *Store) Info(name string) (Tensor, error) {
	e := s.tensors[name]
	if e == nil {
		return Tensor{}, s.missing(name)
	}
	t := e.Tensor
	t.Shape = slices.Clone(t.Shape)
	return t, nil
}

// Shape is a tensor's shape; nil if there is no such tensor, empty for a scalar.
func (s *Store) Shape(name string) []int {
	if e := s.tensors[name]; e != nil {
		return append([]int{}, e.Shape...)
	}
	return nil
}

// Float32 gives a tensor's elements in row-major order.
//
// For an fp32 tensor that lies aligned and without gaps in its file, as in
// safetensors and torch's zip archives, the slice is a view of the file: it
// costs nothing, is shared by all callers, and must not be used after Close.
// Writing to it changes what other callers see, never the file. Every other
// tensor is converted into a new slice: exactly from fp16, bf16 and small
// integers, rounded to nearest from fp64 and large ones.
func (s *Store) Float32(name string) ([]float32, error) {
	e := s.tensors[name]
	if e == nil {
		return nil, s.missing(name)
	}
	x, err := e.float32()
	if err != nil {
		return nil, fmt.Errorf("reading tensor %q of %s: %w", name, e.File, err)
	}
	return x, nil
}

func (s *Store) missing(name string) error {
	return fmt.Errorf("%s: tensor %q: %w", s.path, name, ErrNoTensor)
}

func (e *entry) float32() ([]float32, error) {
	n := e.Elements()
	if n == 0 {
		return []float32{}, nil
	}
	data, err := e.data()
	if err != nil {
		return nil, err
	}
	size := e.DType.Size()
	if e.stride == nil {
		data = data[e.offset*size : (e.offset+n)*size]
		if e.DType == F32 {
			if x, ok := dtype.View(data); ok {
				return x, nil
			}
		}
		x := dtype.New(n)
		for lo := 0; lo < n; lo += convertAtOnce {
			hi := min(lo+convertAtOnce, n)
			part := data[lo*size : hi*size]
			dtype.Floats(x[lo:hi], e.DType, part)
			if within(part, e.mapped) {
				dropPages(part)
			}
		}
		return x, nil
	}
	// A strided view: convert the part of the storage that it spans, then pick.
	last := 0
	for i, d := range e.Shape {
		last += (d - 1) * e.stride[i]
	}
	data = data[e.offset*size : (e.offset+last+1)*size]
	span, ok := []float32(nil), false
	if e.DType == F32 {
		span, ok = dtype.View(data)
	}
	if !ok {
		span = dtype.New(last + 1)
		dtype.Floats(span, e.DType, data)
	}
	out := make([]float32, 0, n)
	return gather(out, span, e.Shape, e.stride), nil
}

// convertAtOnce is how many elements are converted before the pages of the file
// that they came from are given back, so that a model does not lie in memory
// twice. Nobody can have written to those pages: what is converted is not viewed.
const convertAtOnce = 1 << 22

// within tells whether b is a part of a.
func within(b, a []byte) bool {
	whole, part := uintptr(unsafe.Pointer(unsafe.SliceData(a))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return len(b) > 0 && len(b) <= len(a) && part >= whole && part-whole <= uintptr(len(a)-len(b))
}

// gather appends the elements of a strided view in row-major order.
func gather(out, src []float32, shape, stride []int) []float32 {
	switch len(shape) {
	case 0:
		return append(out, src[0])
	case 1:
		for i := range shape[0] {
			out = append(out, src[i*stride[0]])
		}
		return out
	}
	for i := range shape[0] {
		out = gather(out, src[i*stride[0]:], shape[1:], stride[1:])
	}
	return out
}

// Close gives the mapped files back. Views that Float32 gave must not be used
// after it. Closing twice does nothing.
func (s *Store) Close() error {
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c())
	}
	s.closers, s.tensors, s.names = nil, nil, nil
	return errors.Join(errs...)
}

// add takes up the tensors of one file.
func (s *Store) add(entries []*entry) error {
	if s.tensors == nil {
		s.tensors = make(map[string]*entry, len(entries))
	}
	for _, e := range entries {
		if old := s.tensors[e.Name]; old != nil {
			return fmt.Errorf("tensor %q stands in both %s and %s", e.Name, old.File, e.File)
		}
		s.tensors[e.Name] = e
		s.names = append(s.names, e.Name)
	}
	sort.Strings(s.names)
	return nil
}
