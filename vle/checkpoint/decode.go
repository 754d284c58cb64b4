package checkpoint

import (
	"bytes"
	"errors"
	"fmt"

	"govle/vle/checkpoint/internal/safetensors"
	"govle/vle/checkpoint/internal/torch"
)

// decode finds out what the bytes of a file are and lists their tensors.
func decode(data []byte, file string, opts Options) (entries []*entry, format Format, metadata map[string]string, err error) {
	switch {
	case torch.Is(data):
		ts, err := torch.Load(data, opts.Inert)
		if err != nil {
			return nil, "", nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, t := range ts {
			e := &entry{Tensor: Tensor{Name: t.Name, DType: t.DType, Shape: t.Shape, File: file},
				offset: t.Offset, data: t.Storage.Data}
			if !rowMajor(t.Shape, t.Stride) {
				e.stride = t.Stride
			}
			entries = append(entries, e)
		}
		return entries, Torch, nil, nil
	case !safetensors.Is(data):
		if err := foreign(data); err != nil {
			return nil, "", nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	f, err := safetensors.Parse(data)
	if err != nil {
		return nil, "", nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, t := range f.Tensors {
		entries = append(entries, &entry{Tensor: Tensor{Name: t.Name, DType: t.DType, Shape: t.Shape, File: file},
			data: func() ([]byte, error) { return t.Data, nil }})
	}
	return entries, Safetensors, f.Metadata, nil
}

// foreign recognises what people put in the place of weights by accident.
func foreign(data []byte) error {
	switch {
	case len(data) == 0:
		return errors.New("the file is empty")
	case bytes.HasPrefix(data, []byte("version https://git-lfs")):
		return errors.New("this is a Git LFS pointer, not the weights: run \"git lfs pull\" in the repository, or download the file itself")
	case bytes.HasPrefix(bytes.TrimLeft(data[:min(len(data), 64)], " \t\r\n"), []byte("<")):
		return errors.New("this is an HTML or XML page, not weights: a download got an error page")
	case bytes.HasPrefix(data, []byte("GGUF")):
		return errors.New("this is a GGUF file; only safetensors and PyTorch checkpoints are read")
	case bytes.HasPrefix(data, []byte("\x89HDF")):
		return errors.New("this is an HDF5 file (TensorFlow weights?); only safetensors and PyTorch checkpoints are read")
	}
	return nil
}

// rowMajor tells whether the strides are those of a tensor without gaps.
func rowMajor(shape, stride []int) bool {
	want := 1
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] == 0 {
			return true // nothing to walk over
		}
		if shape[i] > 1 && stride[i] != want {
			return false
		}
		want *= shape[i]
	}
	return true
}
