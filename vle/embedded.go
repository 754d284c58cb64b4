package vle

import (
	"embed"
	"fmt"
	"io/fs"
	"sync"

	"govle/vle/checkpoint"
)

// embeddedFiles is the folder of the small model; its README says where it
// comes from.
//
//go:embed embedded
var embeddedFiles embed.FS

var embedded = sync.OnceValues(func() (*VQAPipeline, error) {
	const dir = "embedded"
	data, err := fs.ReadFile(embeddedFiles, dir+"/config.json")
	if err != nil {
		return nil, fmt.Errorf("vle: embedded model: %w", err)
	}
	cfg, err := ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("vle: embedded model: %w", err)
	}
	store, err := checkpoint.OpenFS(embeddedFiles, dir)
	if err != nil {
		return nil, fmt.Errorf("vle: embedded model: %w", err)
	}
	m, p, err := assemble(cfg, store, NewVQA, func() (*Processor, error) { return LoadProcessorFS(embeddedFiles, dir) })
	if err != nil {
		return nil, fmt.Errorf("vle: embedded model: %w", err)
	}
	Pack(m) // it is small
	return &VQAPipeline{Model: m, Processor: p}, nil
})

// Embedded returns the small model that is part of the program. It answers
// questions on pictures in the style of easy-VQA: one coloured shape. All
// callers share one pipeline.
func Embedded() (*VQAPipeline, error) { return embedded() }
