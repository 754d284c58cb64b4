package engine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// What a goroutine prints belongs to the cell that started it, whatever runs by
// then, and only the goroutine that writes can tell. So the worker's package os
// has a hook in (*os.File).Write, which package cellrt sets: the go command is
// given this one file in place of the toolchain's. A toolchain whose file looks
// different is used as it is; late output then comes under the newest cell.

const (
	writeHead = "func (f *File) Write(b []byte) (n int, err error) {\n"
	// On the same line, so that the lines of the rest stay true.
	hookedHead = "func (f *File) Write(b []byte) (n int, err error) {" +
		" if h := govleWrite; h != nil { if n, err, done := h(f, b); done { return n, err } }\n"
	hookDeclaration = "\n//go:linkname govleWrite\nvar govleWrite func(*File, []byte) (n int, err error, done bool)\n"
)

// hookWrites puts the hook into the text of os/file.go; nil when that cannot be
// done.
func hookWrites(file []byte) []byte {
	if bytes.Count(file, []byte(writeHead)) != 1 || !bytes.Contains(file, []byte("\"unsafe\"\n")) {
		return nil
	}
	return append(bytes.Replace(file, []byte(writeHead), []byte(hookedHead), 1), hookDeclaration...)
}

// writeOverlay makes the changed file and sets the flag with which the go
// command uses it.
func (ws *workspace) writeOverlay() error {
	original := filepath.Join(ws.tools.root, "src", "os", "file.go")
	file, err := os.ReadFile(original)
	if err != nil {
		return nil // a toolchain without its sources
	}
	if file = hookWrites(file); file == nil {
		return nil
	}
	changed, overlay := filepath.Join(ws.dir, "os_file.go"), filepath.Join(ws.dir, "overlay.json")
	list, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{changed: file, overlay: list} {
		if have, err := os.ReadFile(name); err == nil && bytes.Equal(have, content) {
			continue
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return fmt.Errorf("writing the worker's package os: %w", err)
		}
	}
	ws.buildFlags = append(ws.buildFlags, "-overlay="+overlay)
	return nil
}
