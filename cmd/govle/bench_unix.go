//go:build unix

package main

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
)

// peakMemory is the most resident memory that a process had, in bytes.
func peakMemory(s *os.ProcessState) (float64, error) {
	u, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, fmt.Errorf("this system does not tell a process's memory")
	}
	if runtime.GOOS == "darwin" {
		return float64(u.Maxrss), nil
	}
	return float64(u.Maxrss) * 1024, nil
}
