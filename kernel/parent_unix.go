//go:build unix

package kernel

import "syscall"

// processExists reports whether a process of this PID exists, ours or not.
func processExists(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }
