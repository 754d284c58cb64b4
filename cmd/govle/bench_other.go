//go:build !unix

package main

import (
	"errors"
	"os"
)

// peakMemory is not told by this system.
func peakMemory(*os.ProcessState) (float64, error) {
	return 0, errors.New("this system does not tell a process's peak of memory")
}
