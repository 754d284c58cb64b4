package dtype

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// adviseHuge asks for huge pages for the whole pages inside x. It is a hint;
// an error changes nothing.
func adviseHuge(x []float32) {
	page := uintptr(os.Getpagesize())
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	skip := (page - begin%page) % page
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))[skip:]
	_ = unix.Madvise(b[:uintptr(len(b))/page*page], unix.MADV_HUGEPAGE)
}
