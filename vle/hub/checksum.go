package hub

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"
)

// checksum is what the hub knows a file's content by: 64 hexadecimal digits are
// the SHA-256 of the bytes, 40 are git's blob hash.
type checksum string

func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// verify reads file and returns an error that wraps ErrChecksum when it differs.
func (c checksum) verify(file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	var h hash.Hash
	if len(c) == 64 {
		h = sha256.New()
	} else {
		h = sha1.New()
		fmt.Fprintf(h, "blob %d\x00", info.Size())
	}
	if _, err := io.Copy(h, in); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != string(c) {
		return fmt.Errorf("%w: got %s, want %s", ErrChecksum, got, c)
	}
	return nil
}
