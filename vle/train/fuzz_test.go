package train

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"govle/vle"
)

// FuzzConfig: no configuration file makes reading it or taking its options panic.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("architecture = 'a'\nepochs = 3\n[groups]\nlr = 1e-3\n[[objective]]\nname = 'vqa'\n"), false)
	f.Add([]byte(`{"model": "m", "objective": [{"name": "mlm", "share": 2}], "groups": {"lr": -1}}`), true)
	f.Add([]byte("seed = 99999999999999999999\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, isJSON bool) {
		c, err := parseConfig(data, isJSON)
		if err != nil {
			return
		}
		if o, err := c.Options(&vle.Processor{}); err == nil {
			o.complete()
		}
	})
}

// FuzzState: no trainer.json makes resuming panic or changes the model when it is
// refused.
func FuzzState(f *testing.F) {
	cfg, err := vle.ParseConfig([]byte(`{"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 4,
 "num_token_types": 2, "id2label": {"0": "a"},
 "text_config": {"vocab_size": 4, "hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 4},
 "vision_config": {"hidden_size": 4, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 4, "image_size": 4, "patch_size": 2}}`))
	if err != nil {
		f.Fatal(err)
	}
	m, err := vle.NewVQA(cfg)
	if err != nil {
		f.Fatal(err)
	}
	vle.Initialize(m, 1)
	o := Options{Objective: VQA{}, Groups: GroupOptions{LR: 1}, Steps: 3, Dir: filepath.Join(f.TempDir(), "run"), Report: func(*Status) {}}
	tr, err := New(m, Examples{{}}, o)
	if err != nil {
		f.Fatal(err)
	}
	if err := tr.save(); err != nil {
		f.Fatal(err)
	}
	last := filepath.Join(o.Dir, lastName)
	good, err := os.ReadFile(filepath.Join(last, stateFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"step": -1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := tr.params[0].Value[0]
		if err := tr.restore(last, data); err != nil && tr.params[0].Value[0] != before {
			t.Error("a refused checkpoint changed the model")
		}
		if _, err := json.Marshal(tr.status("")); err != nil {
			t.Error(err)
		}
		_ = tr.status("").MIMEBundle()
	})
}
