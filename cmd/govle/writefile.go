package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// writeFile makes or replaces the named file with what write writes. Errors name
// the file.
func writeFile(name string, write func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}
