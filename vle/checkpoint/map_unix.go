//go:build unix

package checkpoint

import (
	"fmt"
	"math"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dropPages gives back the whole pages inside a part of a mapped file that has
// been read. They come back from the file when they are read again, without what
// was written to them. It is a hint; an error changes nothing.
func dropPages(b []byte) {
	page := uintptr(os.Getpagesize())
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	skip := (page - begin%page) % page
	if uintptr(len(b)) < skip+page {
		return
	}
	b = b[skip:]
	_ = unix.Madvise(b[:uintptr(len(b))/page*page], unix.MADV_DONTNEED)
}

// mapFile maps a file into memory. The mapping is private: pages are shared
// with the file until somebody writes to them, which copies the page and leaves
// the file alone. So a fine-tuning step on a mapped weight is no crash. A file
// that another program cuts short while it is mapped is one (SIGBUS), as for
// every program that maps files.
func mapFile(path string) (data []byte, closer func() error, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is not a regular file", path)
	}
	if info.Size() == 0 {
		return nil, nil, nil // cannot be mapped; decode says that it is empty
	}
	if info.Size() > math.MaxInt {
		return nil, nil, fmt.Errorf("%s: %d bytes do not fit the address space", path, info.Size())
	}
	data, err = unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE)
	if err != nil {
		return nil, nil, fmt.Errorf("mapping %s: %w", path, err)
	}
	return data, func() error { return unix.Munmap(data) }, nil
}
