//go:build !unix

package kernel

import "os"

// processExists reports whether a process of this PID exists, ours or not.
func processExists(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	p.Release()
	return true
}
