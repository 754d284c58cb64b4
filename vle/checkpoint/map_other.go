//go:build !unix

package checkpoint

import "os"

// mapFile reads the file where mapping is not at hand.
func mapFile(path string) (data []byte, closer func() error, err error) {
	data, err = os.ReadFile(path)
	return data, nil, err
}

// dropPages does nothing: what was read is not mapped.
func dropPages([]byte) {}
