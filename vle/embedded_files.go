package vle

import "io/fs"

// EmbeddedFiles is the folder of the model that [Embedded] opens.
func EmbeddedFiles() fs.FS {
	sub, err := fs.Sub(embeddedFiles, "embedded")
	if err != nil {
		panic(err) // the name is constant and valid
	}
	return sub
}
