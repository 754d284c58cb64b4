package vle

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"govle/vle/checkpoint"
)

const minimalConfig = `{"text_config": {}, "vision_config": {}}`

func TestConfigDefaults(t *testing.T) {
	c, err := ParseConfig([]byte(minimalConfig))
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintln(c.HiddenSize, c.NumLayers, c.NumHeads, c.LayerNormEps, c.NumTokenTypes, c.HiddenAct,
		c.Text.VocabSize, c.Text.HiddenSize, c.Text.NumLayers, c.Text.LayerNormEps, c.Text.RelativeAttention, c.Text.PositionBiasedInput,
		c.Vision.HiddenSize, c.Vision.NumLayers, c.Vision.PatchSize, c.Vision.HiddenAct, c.Vision.LayerNormEps)
	want := "768 6 12 1e-12 2 gelu 128100 1536 24 1e-07 false true 768 12 32 quick_gelu 1e-05\n"
	if got != want {
		t.Errorf("defaults %s, want %s", got, want)
	}
}

func TestConfigForms(t *testing.T) {
	c, err := ParseConfig([]byte(`{
		"id2label": ["yes", "no", "café"],
		"text_config": {"pos_att_type": "c2p|P2C", "hidden_size": 48, "num_attention_heads": 4, "pad_token_id": null},
		"vision_config": {"model_type": "clip", "vision_config": {"image_size": 99, "patch_size": 9, "model_type": "clip_vision_model"}}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("%q", c.Labels) != `["yes" "no" "café"]` {
		t.Errorf("labels from a list: %q", c.Labels)
	}
	if !c.Text.PosAttType.Has("c2p") || !c.Text.PosAttType.Has("p2c") || len(c.Text.PosAttType) != 2 {
		t.Errorf("position terms from a string: %q", c.Text.PosAttType)
	}
	if c.Vision.ImageSize != 99 || c.Vision.HiddenSize != 768 || c.Vision.Patches() != 121 {
		t.Errorf("nested CLIP configuration: %+v", c.Vision)
	}
	if c.Text.PadTokenID != nil {
		t.Errorf("pad_token_id null became %d", *c.Text.PadTokenID)
	}

	// What is written reads back the same.
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseConfig(data)
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if a, b := fmt.Sprintf("%+v", *c), fmt.Sprintf("%+v", *again); a != b {
		t.Errorf("written and read again:\n%s\n%s", a, b)
	}
}

// TestConfigRefused reads the configurations in testdata/bad, a file a check,
// which must be refused with the error beside it.
func TestConfigRefused(t *testing.T) {
	wants, err := filepath.Glob(filepath.Join("testdata", "bad", "*.error"))
	if err != nil || len(wants) < 25 {
		t.Fatalf("%d expected errors in testdata/bad (%v)", len(wants), err)
	}
	for _, want := range wants {
		text, err := os.ReadFile(want)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(strings.TrimSuffix(want, ".error"))
		if err != nil {
			t.Fatal(err)
		}
		says := strings.TrimSpace(string(text))
		if _, err := ParseConfig(data); err == nil || says == "" || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want one that says %q", want, err, says)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(minimalConfig))
	f.Add([]byte(`{"id2label":["a"],"text_config":{"pos_att_type":"c2p"},"vision_config":{"model_type":"clip","vision_config":{}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseConfig(data)
		if err != nil {
			return
		}
		if c.Validate() != nil {
			t.Error("an accepted configuration is not valid")
		}
	})
}

// copyModel copies the files of a model folder into a new one.
func copyModel(t *testing.T, from string) string {
	to := t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(from, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, e.Name()), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// TestBrokenFolders damages the embedded model's files one at a time.
func TestBrokenFolders(t *testing.T) {
	edit := func(name string, change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace := func(name, old, new string) func(*testing.T, string) {
		return edit(name, func(b []byte) []byte {
			if !strings.Contains(string(b), old) {
				t.Fatalf("%s has no %q", name, old)
			}
			return []byte(strings.ReplaceAll(string(b), old, new))
		})
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		damage func(*testing.T, string)
		want   []string
	}{
		"no config":          {remove("config.json"), []string{"config.json"}},
		"no weights":         {remove("model.safetensors"), []string{"model.safetensors"}},
		"no tokenizer":       {remove("spm.model"), []string{"spm.model"}},
		"no image settings":  {remove("preprocessor_config.json"), []string{"preprocessor_config.json"}},
		"config cut short":   {edit("config.json", func(b []byte) []byte { return b[:100] }), []string{"config.json"}},
		"weights cut short":  {edit("model.safetensors", func(b []byte) []byte { return b[:len(b)/2] }), []string{"model.safetensors"}},
		"tokenizer no model": {edit("spm.model", func([]byte) []byte { return []byte("hello") }), []string{"spm.model"}},
		"narrower model":     {replace("config.json", `"intermediate_size": 256`, `"intermediate_size": 128`), []string{"shapes", "[256 64]", "[128 64]"}},
		"more layers":        {replace("config.json", `"num_hidden_layers": 2`, `"num_hidden_layers": 4`), []string{"lack", "layer"}},
		"other label count":  {replace("config.json", `"12": "no"`, `"12": "no", "13": "maybe"`), []string{"vqa_classifier.3"}},
		"smaller vocabulary": {replace("config.json", `"vocab_size": 2016`, `"vocab_size": 1000`), []string{"word_embeddings", "1000"}},
		"other picture size": {replace("preprocessor_config.json", "64", "96"), []string{"96", "image_size 64"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyModel(t, "embedded")
			c.damage(t, dir)
			p, err := OpenVQA(dir)
			if err == nil {
				p.Close()
				t.Fatal("no error")
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error %q does not say %q", err, w)
				}
			}
		})
	}
	if _, err := OpenVQA(filepath.Join(t.TempDir(), "nowhere")); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a missing folder gives %v", err)
	}
}

// TestLoadAcrossHeads puts a head on a bare body and takes the body out of a
// head, and reads the reference's fine-tuning checkpoint.
func TestLoadAcrossHeads(t *testing.T) {
	dir := golden(t, "model-tiny")
	cfg, err := ReadConfig(filepath.Join(dir, "ckpt-vqa"))
	if err != nil {
		t.Fatal(err)
	}
	open := func(path ...string) *checkpoint.Store {
		s, err := checkpoint.Open(filepath.Join(append([]string{dir}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	head, err := NewVQA(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Load(head, open("ckpt-base"), LoadOptions{}); err == nil || !strings.Contains(err.Error(), "vqa_classifier") {
		t.Errorf("a body for a VQA model gives %v", err)
	}
	rep, err := Load(head, open("ckpt-base"), LoadOptions{Fresh: true, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Missing) != 6 || len(rep.Unexpected) != 0 || !strings.HasPrefix(rep.Missing[0], "vqa_classifier.") {
		t.Errorf("report: %s", rep)
	}
	body, err := NewModel(cfg)
	if err != nil {
		t.Fatal(err)
	}
	rep, err = Load(body, open("ckpt-vqa"), LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(rep.Missing) != 0 || len(rep.Unexpected) != 6 {
		t.Errorf("report: %s", rep)
	}
	light, err := NewVQA(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if rep, err := Load(light, open("ckpt-vqa", "lightning.ckpt"), LoadOptions{}); err != nil || len(rep.Missing) != 0 {
		t.Errorf("a Lightning checkpoint gives %v\n%s", err, rep)
	}
}
