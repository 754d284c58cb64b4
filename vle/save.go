package vle

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle/checkpoint"
	"govle/vle/nn"
)

// architectures returns the reference's names of the model's kinds, which
// transformers looks for in config.json and takes the first of. A model with
// several heads, which are what its method Parts returns, has several; a head
// that the reference does not have has none.
func architectures(m Parameterized) []string {
	switch m := m.(type) {
	case *Model:
		return []string{"VLEModel"}
	case *VQA:
		return []string{"VLEForVQA"}
	case *ITM:
		return []string{"VLEForITM"}
	case *PBC:
		return []string{"VLEForPBC"}
	case *MLM:
		return []string{"VLEForMLM"}
	case *VCR:
		if m.Task == QA2R {
			return []string{"VLEForVCRQA2R"}
		}
		return []string{"VLEForVCRQ2A"}
	case interface{ Parts() []Parameterized }:
		var out []string
		for _, part := range m.Parts() {
			out = append(out, architectures(part)...)
		}
		return out
	}
	return nil
}

// Parameters returns m's parameters by the reference's names, sharing their
// memory. A parameter with two names comes twice.
func Parameters(m Parameterized) []checkpoint.Parameter {
	var out []checkpoint.Parameter
	m.Visit(func(name string, shape []int, p **spago.Param) {
		out = append(out, checkpoint.Parameter{Name: name, Shape: shape, Data: nn.Floats(*p)})
	})
	return out
}

// Save writes m to a folder in Hugging Face layout: config.json and the weights
// as safetensors. With p not nil the tokenizer's and the image processor's files
// are written too, and the folder opens as a pipeline.
func Save(dir string, m Parameterized, p *Processor, opts checkpoint.SaveOptions) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	c := *m.Config()
	c.ModelType = "vle"
	c.Architectures = architectures(m)
	data, err := json.MarshalIndent(&c, "", "  ")
	if err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Join(dir, "config.json"), err)
	}
	if err := checkpoint.Save(dir, Parameters(m), opts); err != nil {
		return err
	}
	if p != nil {
		if err := errors.Join(p.Tokenizer.Save(dir), p.Images.Save(dir)); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), append(data, '\n'), 0o644)
}
