package engine

import "syscall"

// workerAttributes keep the worker out of the terminal's interrupts, which the
// front passes on itself, and end it with the front.
func workerAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
