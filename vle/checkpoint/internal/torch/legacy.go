package torch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"govle/vle/checkpoint/internal/pickle"
)

// The pickles that open a legacy file, before the one that matters.
const (
	legacyMagic    = "1950a86a20f9469cfc6c"
	legacyProtocol = 1001
)

// loadLegacy reads the stream of PyTorch before 1.6: magic number, protocol,
// system information, the object, the list of storage keys, and then for each
// key its number of elements and its bytes.
func loadLegacy(data []byte, inert []string) ([]Tensor, error) {
	storages := map[string]*Storage{}
	d := pickle.NewDecoder(data, newResolver(inert, func(key string, bytes uint64) (*Storage, error) {
		s := storages[key]
		if s == nil {
			s = &Storage{key: key, bytes: bytes}
			storages[key] = s
		}
		return s, nil
	}))
	if err := legacyPreamble(d); err != nil {
		return nil, err
	}
	root, err := d.Decode()
	if err != nil {
		return nil, err
	}
	keys, err := d.Decode()
	if err != nil {
		return nil, fmt.Errorf("reading the storage keys: %w", err)
	}
	list, ok := keys.(*pickle.List)
	if !ok {
		return nil, fmt.Errorf("the storage keys are a %s, not a list", pickle.Kind(keys))
	}
	rest := data[d.Offset():]
	for _, k := range list.Items {
		key, _ := k.(string)
		s := storages[key]
		if s == nil {
			return nil, fmt.Errorf("storage %.40q is listed but belongs to no tensor", key)
		}
		if s.data != nil {
			return nil, fmt.Errorf("storage %.40q is listed twice", key)
		}
		// Before the bytes stands their number of elements. The pickle has
		// said the size in bytes already, so the one must divide the other.
		if len(rest) < 8 {
			return nil, fmt.Errorf("storage %.40q: the file ends before it (truncated download?)", key)
		}
		n := binary.LittleEndian.Uint64(rest)
		rest = rest[8:]
		if s.bytes > uint64(len(rest)) {
			return nil, fmt.Errorf("storage %.40q: %d bytes are announced and %d left (truncated download?)", key, s.bytes, len(rest))
		}
		if size := elementSize(n, s.bytes); size == 0 {
			return nil, fmt.Errorf("storage %.40q: %d elements are announced for %d bytes", key, n, s.bytes)
		}
		b := rest[:s.bytes:s.bytes]
		rest = rest[s.bytes:]
		s.data = func() ([]byte, error) { return b, nil }
	}
	for key, s := range storages {
		if s.data == nil {
			return nil, fmt.Errorf("storage %.40q is used but has no data in the file", key)
		}
	}
	return stateDict(root)
}

// elementSize is bytes/n where that is the size of some element, else 0.
func elementSize(n, bytes uint64) uint64 {
	if n == 0 && bytes == 0 {
		return 1
	}
	for _, size := range []uint64{1, 2, 4, 8} {
		if n == bytes/size && bytes%size == 0 {
			return size
		}
	}
	return 0
}

func legacyPreamble(d *pickle.Decoder) error {
	magic, err := d.Decode()
	if err != nil {
		return err
	}
	if n, ok := magic.(*big.Int); !ok || n.Text(16) != legacyMagic {
		return errors.New("a pickle, but not one that torch.save wrote (its magic number is missing)")
	}
	version, err := d.Decode()
	if err != nil {
		return err
	}
	if version != int64(legacyProtocol) {
		return fmt.Errorf("torch.save's protocol version must be %d", legacyProtocol)
	}
	info, err := d.Decode()
	if err != nil {
		return err
	}
	if m, ok := info.(*pickle.Dict); ok {
		if v, ok := m.Get("little_endian"); ok && v == false {
			return errors.New("big-endian file: only little-endian ones are read")
		}
	}
	return nil
}
