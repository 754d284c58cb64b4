package train

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/BurntSushi/toml"

	"govle/vle"
	"govle/vle/checkpoint"
)

// Config describes a run in a file: TOML, or JSON where the name ends in .json.
// Paths in it are relative to the file.
type Config struct {
	// Model is the folder whose weights the run starts from; a head that it
	// lacks starts anew. Without it, Architecture is the config.json of a model
	// that starts from scratch.
	Model        string `toml:"model" json:"model,omitempty"`
	Architecture string `toml:"architecture" json:"architecture,omitempty"`
	// Processor is the folder with the tokenizer and the picture settings; Model
	// if empty.
	Processor string `toml:"processor" json:"processor,omitempty"`
	// ObjectClasses is the number of classes of the mpc objective.
	ObjectClasses int `toml:"object_classes" json:"object_classes,omitempty"`

	Objectives []ObjectiveConfig `toml:"objective" json:"objective"`
	// Data is what to train on, all of it in one epoch, and Held what to evaluate
	// on, for the program that reads the file.
	Data []DataConfig `toml:"data" json:"data"`
	Held []DataConfig `toml:"held" json:"held"`

	Groups    GroupOptions `toml:"groups" json:"groups"`
	Optimizer AdamW        `toml:"optimizer" json:"optimizer"`
	Schedule  Schedule     `toml:"schedule" json:"schedule"`

	Clip          float64 `toml:"clip" json:"clip,omitempty"`
	NoDropout     bool    `toml:"no_dropout" json:"no_dropout,omitempty"`
	Batch         int     `toml:"batch" json:"batch,omitempty"`
	Accumulate    int     `toml:"accumulate" json:"accumulate,omitempty"`
	Shards        int     `toml:"shards" json:"shards,omitempty"`
	PerPicture    int     `toml:"per_picture" json:"per_picture,omitempty"`
	Epochs        int     `toml:"epochs" json:"epochs,omitempty"`
	Steps         int     `toml:"steps" json:"steps,omitempty"`
	Seed          uint64  `toml:"seed" json:"seed,omitempty"`
	EvaluateEvery int     `toml:"evaluate_every" json:"evaluate_every,omitempty"`
	Patience      int     `toml:"patience" json:"patience,omitempty"`
	SaveEvery     int     `toml:"save_every" json:"save_every,omitempty"`
	Dir           string  `toml:"dir" json:"dir,omitempty"`
	Resume        bool    `toml:"resume" json:"resume,omitempty"`
}

// ObjectiveConfig is one objective of a run. Name is vqa, vcr_q2a, vcr_qa2r, itm,
// mlm, pbc or mpc; the other fields are those of the objective's type.
type ObjectiveConfig struct {
	Name      string  `toml:"name" json:"name"`
	Weight    float64 `toml:"weight" json:"weight,omitempty"`
	Share     float64 `toml:"share" json:"share,omitempty"`
	WholeWord bool    `toml:"whole_word" json:"whole_word,omitempty"`
	Negative  float64 `toml:"negative" json:"negative,omitempty"`
}

// DataConfig names a data set.
type DataConfig struct {
	// Kind says what data it is, Path, Images and Annotations where its files lie.
	Kind        string `toml:"kind" json:"kind,omitempty"`
	Path        string `toml:"path" json:"path,omitempty"`
	Images      string `toml:"images" json:"images,omitempty"`
	Annotations string `toml:"annotations" json:"annotations,omitempty"`
	Split       string `toml:"split" json:"split,omitempty"`
	// Limit bounds how much of it is used; data that is made has so many pictures.
	Limit int `toml:"limit" json:"limit,omitempty"`
	// Objective names the objective that the data is for; it may be left out
	// where there is one.
	Objective string `toml:"objective" json:"objective,omitempty"`
	// Repeat is how often an epoch goes through the data; 0 means once.
	Repeat int `toml:"repeat" json:"repeat,omitempty"`
	// Augment mirrors, turns and shifts each picture at random. It is for data
	// whose answers that does not change.
	Augment bool `toml:"augment" json:"augment,omitempty"`
}

// ReadConfig reads a configuration file. A key that it does not know is an
// error that names it.
func ReadConfig(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("train: reading the configuration: %w", err)
	}
	c, err := parseConfig(data, strings.EqualFold(filepath.Ext(path), ".json"))
	if err != nil {
		return nil, fmt.Errorf("train: %s: %w", path, err)
	}
	paths := []*string{&c.Model, &c.Architecture, &c.Processor, &c.Dir}
	for _, list := range [][]DataConfig{c.Data, c.Held} {
		for i := range list {
			paths = append(paths, &list[i].Path, &list[i].Images, &list[i].Annotations)
		}
	}
	for _, p := range paths {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(filepath.Dir(path), *p)
		}
	}
	return c, nil
}

func parseConfig(data []byte, isJSON bool) (*Config, error) {
	c := &Config{}
	if isJSON {
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(c); err != nil {
			return nil, err
		}
	} else {
		meta, err := toml.Decode(string(data), c)
		var at toml.ParseError
		// The library points into the line where it knows it; of a carriage return
		// in a string it knows no line, and would look for one all the same.
		if errors.As(err, &at) && at.Position.Line > 0 && at.Position.Col > 0 {
			return nil, errors.New(at.ErrorWithPosition())
		}
		if err != nil {
			return nil, err
		}
		if rest := meta.Undecoded(); len(rest) > 0 {
			return nil, fmt.Errorf("unknown key %q", rest[0].String())
		}
	}
	if len(c.Objectives) == 0 {
		return nil, errors.New(`no objective: add [[objective]] with name = "vqa", for instance`)
	}
	if (c.Model == "") == (c.Architecture == "") {
		return nil, errors.New("set either model (to start from its weights) or architecture (to start from scratch)")
	}
	return c, nil
}

// Open makes the model that the run trains, and the processor that prepares
// its inputs.
func (c *Config) Open() (vle.Parameterized, *vle.Processor, error) {
	dir := c.Processor
	if dir == "" {
		dir = c.Model
	}
	if dir == "" {
		return nil, nil, errors.New("train: a run from scratch needs a processor: the folder with the tokenizer and preprocessor_config.json")
	}
	p, err := vle.LoadProcessor(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("train: %w", err)
	}
	var cfg *vle.Config
	var weights *checkpoint.Store
	if c.Model != "" {
		if cfg, err = vle.ReadConfig(c.Model); err == nil {
			weights, err = checkpoint.Open(c.Model)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("train: %w", err)
		}
		defer weights.Close()
	} else {
		data, err := os.ReadFile(c.Architecture)
		if err != nil {
			return nil, nil, fmt.Errorf("train: %w", err)
		}
		if cfg, err = vle.ParseConfig(data); err != nil {
			return nil, nil, fmt.Errorf("train: %s: %w", c.Architecture, err)
		}
	}
	if n := p.Tokenizer.VocabSize(); n > cfg.Text.VocabSize {
		return nil, nil, fmt.Errorf("train: the tokenizer in %s has %d tokens, the model's vocabulary %d", dir, n, cfg.Text.VocabSize)
	}
	var heads []vle.Parameterized
	for _, o := range c.Objectives {
		h, err := c.head(o.Name, cfg)
		if err != nil {
			return nil, nil, err
		}
		if weights != nil {
			if _, err := vle.Load(h, weights, vle.LoadOptions{Trainable: true, Fresh: true, Seed: c.Seed}); err != nil {
				return nil, nil, fmt.Errorf("train: %s: %w", c.Model, err)
			}
		} else {
			vle.Initialize(h, c.Seed)
		}
		heads = append(heads, h)
	}
	if len(heads) == 1 {
		return heads[0], p, nil
	}
	j, err := NewJoint(heads...)
	return j, p, err
}

func (c *Config) head(name string, cfg *vle.Config) (vle.Parameterized, error) {
	switch name {
	case "vqa":
		return vle.NewVQA(cfg)
	case "vcr_q2a":
		return vle.NewVCR(cfg, vle.Q2A)
	case "vcr_qa2r":
		return vle.NewVCR(cfg, vle.QA2R)
	case "itm":
		return vle.NewITM(cfg)
	case "mlm":
		return vle.NewMLM(cfg)
	case "pbc":
		return vle.NewPBC(cfg)
	case "mpc":
		return NewMPCModel(cfg, c.ObjectClasses)
	}
	return nil, fmt.Errorf("train: objective %q is unknown: use vqa, vcr_q2a, vcr_qa2r, itm, mlm, pbc or mpc", name)
}

// Options returns the options of the run, without an evaluator. p is the
// processor that Open returned.
func (c *Config) Options(p *vle.Processor) (Options, error) {
	o := Options{
		Groups: c.Groups, Optimizer: c.Optimizer, Schedule: c.Schedule, ClipNorm: c.Clip, NoDropout: c.NoDropout,
		Batch: c.Batch, Accumulate: c.Accumulate, Shards: c.Shards, PerPicture: c.PerPicture, Epochs: c.Epochs, Steps: c.Steps, Seed: c.Seed,
		EvaluateEvery: c.EvaluateEvery, Patience: c.Patience, SaveEvery: c.SaveEvery,
		Dir: c.Dir, Resume: c.Resume, Processor: p,
	}
	for _, x := range c.Objectives {
		var obj Objective
		switch x.Name {
		case "vqa":
			obj = VQA{}
		case "vcr_q2a":
			obj = VCR{Task: vle.Q2A}
		case "vcr_qa2r":
			obj = VCR{Task: vle.QA2R}
		case "itm":
			obj = ITM{Negative: x.Negative}
		case "mlm":
			obj = MLM{Tokenizer: p.Tokenizer, Share: x.Share, WholeWord: x.WholeWord}
		case "pbc":
			obj = PBC{}
		case "mpc":
			obj = MPC{Share: x.Share}
		default:
			return o, fmt.Errorf("train: objective %q is unknown: use vqa, vcr_q2a, vcr_qa2r, itm, mlm, pbc or mpc", x.Name)
		}
		o.Mix = append(o.Mix, Weighted{obj, x.Weight})
	}
	return o, nil
}
