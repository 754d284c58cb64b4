package vle

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"govle/vle/checkpoint"
)

// EmbeddedModel is the name under which the Open functions open the small model
// that is part of the program, instead of a folder. A folder of that name is
// "./embedded".
const EmbeddedModel = "embedded"

// embeddedFiles is the folder of the small model; its README says where it
// comes from.
//
//go:embed embedded/*.json embedded/spm.model embedded/model.safetensors
var embeddedFiles embed.FS

// EmbeddedFiles is the folder of the small model: that of [EmbeddedModel] and
// [Embedded].
func EmbeddedFiles() fs.FS {
	sub, err := fs.Sub(embeddedFiles, "embedded")
	if err != nil {
		panic(err) // the name is constant and valid
	}
	return sub
}

// openEmbedded is openPipeline for the embedded model.
func openEmbedded[M Parameterized](build func(*Config) (M, error)) (m M, p *Processor, weights io.Closer, err error) {
	fail := func(err error) (M, *Processor, io.Closer, error) {
		var none M
		return none, nil, nil, fmt.Errorf("vle: embedded model: %w", err)
	}
	fsys := EmbeddedFiles()
	data, err := fs.ReadFile(fsys, "config.json")
	if err != nil {
		return fail(err)
	}
	cfg, err := ParseConfig(data)
	if err != nil {
		return fail(err)
	}
	store, err := checkpoint.OpenFS(fsys, ".")
	if err != nil {
		return fail(err)
	}
	m, p, err = assemble(cfg, store, build, func() (*Processor, error) { return LoadProcessorFS(fsys, ".") })
	if err != nil {
		store.Close()
		return fail(err)
	}
	Pack(m) // it is small
	return m, p, store, nil
}

var embedded = sync.OnceValues(func() (*VQAPipeline, error) {
	m, p, _, err := openEmbedded(NewVQA)
	if err != nil {
		return nil, err
	}
	return &VQAPipeline{Model: m, Processor: p}, nil
})

// Embedded returns the small model that is part of the program, for questions.
// All callers share one pipeline, which must not be changed or closed; for one of
// your own, call [OpenVQA] with [EmbeddedModel].
func Embedded() (*VQAPipeline, error) { return embedded() }
