package vle

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"govle/vle/checkpoint"
)

// Compose makes a body of a DeBERTa-v2 folder and a CLIP (or CLIP vision)
// folder, as the reference's from_vision_text_pretrained does. The encoders'
// configurations replace those in fusion, which describes the fusion layers;
// the parameters of these, of the projections and the poolers start anew from
// seed. All parameters are copied and trainable, so the folders are not needed
// afterwards. Start fusion from [DefaultConfig].
func Compose(textDir, visionDir string, fusion Config, seed uint64) (*Model, *LoadReport, error) {
	cfg := fusion
	cfg.ModelType = "vle"
	defaults := defaultConfig()
	cfg.Text, cfg.Vision = defaults.Text, defaults.Vision
	if err := readPart(textDir, &cfg.Text, false); err != nil {
		return nil, nil, err
	}
	if err := readPart(visionDir, &cfg.Vision, true); err != nil {
		return nil, nil, err
	}
	m, err := NewModel(&cfg)
	if err != nil {
		return nil, nil, err
	}
	text, err := checkpoint.Open(textDir)
	if err != nil {
		return nil, nil, err
	}
	defer text.Close()
	vision, err := checkpoint.Open(visionDir)
	if err != nil {
		return nil, nil, err
	}
	defer vision.Close()
	rep, err := Load(m, encoders{text, vision}, LoadOptions{Trainable: true, Fresh: true, Seed: seed})
	if err != nil {
		return nil, rep, err
	}
	for _, name := range rep.Missing {
		for part, dir := range map[string]string{"text_model.": textDir, "vision_model.": visionDir} {
			if strings.HasPrefix(name, part) {
				return nil, rep, fmt.Errorf("vle: %s lacks %s: is it the folder of such an encoder?", dir, name)
			}
		}
	}
	return m, rep, nil
}

// DefaultConfig returns the configuration that a config.json without any field
// has: the fusion of the base size.
func DefaultConfig() Config { return defaultConfig() }

// readPart reads an encoder's config.json, or with nested the vision part of a
// whole CLIP's.
func readPart(dir string, to any, nested bool) error {
	path := filepath.Join(dir, "config.json")
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading an encoder's configuration: %w", err)
	}
	if nested {
		var clip struct {
			Vision json.RawMessage `json:"vision_config"`
		}
		if json.Unmarshal(data, &clip) == nil && clip.Vision != nil {
			data = clip.Vision
		}
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// encoders are the weights of two encoders under the names of a body.
type encoders struct{ text, vision *checkpoint.Store }

// pick returns the store that holds the body's parameter and its name there.
func (e encoders) pick(name string) (*checkpoint.Store, string) {
	if bare, ok := strings.CutPrefix(name, "text_model."); ok {
		for _, p := range []string{"deberta.", "", "text_model."} {
			if e.text.Has(p + bare) {
				return e.text, p + bare
			}
		}
		return nil, ""
	}
	if bare, ok := strings.CutPrefix(name, "vision_model."); ok {
		for _, p := range []string{"", "clip.", "vision_model."} {
			if e.vision.Has(p + bare) {
				return e.vision, p + bare
			}
		}
	}
	return nil, ""
}

// Names returns nothing: an encoder's folder holds heads of its own, which are
// no reason to complain.
func (e encoders) Names() []string { return nil }

func (e encoders) Shape(name string) []int {
	s, n := e.pick(name)
	if s == nil {
		return nil
	}
	return s.Shape(n)
}

func (e encoders) Float32(name string) ([]float32, error) {
	s, n := e.pick(name)
	if s == nil {
		return nil, fmt.Errorf("tensor %q: %w", name, checkpoint.ErrNoTensor)
	}
	return s.Float32(n)
}
