//go:build unix

package kernel

import (
	"os"
	"syscall"
)

// tryLock takes the lock of an open file, which ends when the file is closed. It
// reports whether nobody else has it. Where the file system has no locks, nobody.
func tryLock(f *os.File) bool {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	return err == nil || err != syscall.EWOULDBLOCK && err != syscall.EINTR
}
