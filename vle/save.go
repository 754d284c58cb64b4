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

// architecture returns the reference's name of the model's kind, which
// transformers looks for in config.json.
func architecture(m Parameterized) string {
	switch m := m.(type) {
	case *Model:
		return "VLEModel"
	case *VQA:
		return "VLEForVQA"
	case *ITM:
		return "VLEForITM"
	case *PBC:
		return "VLEForPBC"
	case *MLM:
		return "VLEForMLM"
	case *VCR:
		if m.Task == QA2R {
			return "VLEForVCRQA2R"
		}
		return "VLEForVCRQ2A"
	}
	return ""
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
	c.Architectures = []string{architecture(m)}
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
