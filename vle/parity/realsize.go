package parity

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"govle/vle"
	"govle/vle/nn"
)

// realSize is HEAD_SIZE_PIXELS.json of a recording at real size; the weights
// follow from the formula.
type realSize struct {
	Suffix    string               `json:"param_name_suffix_for_seed"`
	Salt      int                  `json:"input_salt"`
	ImageSize int                  `json:"image_size"`
	Config    string               `json:"config"`
	First     map[string][]float64 `json:"first_values_check"`
}

var realSizeName = regexp.MustCompile(`^([a-z0-9_]+)_([a-z]+)_(\d+)\.json$`)

// findRealSize finds HEAD_SIZE_PIXELS.json with its .npz; the configuration is
// ../archs/SIZE.config.json.
func findRealSize(f *folder) []testCase {
	var cases []testCase
	for _, file := range f.names(".json") {
		m := realSizeName.FindStringSubmatch(file)
		stem := strings.TrimSuffix(file, ".json")
		if m == nil || !f.has[stem+".npz"] {
			continue
		}
		var info realSize
		if err := readJSON(f.path(file), &info); err != nil || info.First == nil {
			continue // another kind's
		}
		f.path(stem + ".npz")
		tc := testCase{name: f.caseName(stem)}
		h, known := heads[m[1]]
		switch {
		case !known:
			tc.unsupported = fmt.Sprintf("head %q", m[1])
		case f.opts.Quick:
			tc.skip = "takes minutes and gigabytes; not among the quick ones"
		default:
			tc.run = func(ctx context.Context, c *check) error { return info.check(ctx, c, h, f, stem, m[2]) }
		}
		cases = append(cases, tc)
	}
	return cases
}

func (s realSize) check(ctx context.Context, c *check, h head, f *folder, stem, size string) error {
	z, err := readNPZ(f.path(stem + ".npz"))
	if err != nil {
		return err
	}
	cfg, err := s.config(f, size, z)
	if err != nil {
		return err
	}
	m, err := h.open(cfg)
	if err != nil {
		return err
	}
	formula, err := formulaFor(m, s.Suffix, s.First)
	if err != nil {
		return err
	}
	if _, err := vle.Load(m, formula, vle.LoadOptions{}); err != nil {
		return err
	}
	b, err := s.batch(cfg, z)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// What a watcher sees, by its name in the recording. The reference's last
	// hidden state of the image encoder comes before the final norm. Sampled
	// positions count padding, which a watched run keeps.
	names := map[string]string{
		"vle.pooler_output": "pooler_output", "vle.text_embeds": "text_embeds", "vle.image_embeds": "image_embeds",
		fmt.Sprintf("vision.layer%d.output", cfg.Vision.NumLayers-1): "vision_last_hidden",
		fmt.Sprintf("text.layer%d.output", cfg.Text.NumLayers-1):     "text_last_hidden",
	}
	results := map[string][]float32{}
	r := nn.NewRun().WithWatch(func(name string, _ []int, data []float32) {
		if as := names[name]; as != "" {
			results[as] = slices.Clone(data)
		}
	})
	defer r.Close()
	logits, err := h.run(m, r, []*vle.Batch{b})
	if err != nil {
		return err
	}
	results["logits"] = nn.Floats(logits)
	for _, name := range sortedKeys(results) {
		t := results[name]
		if a, ok := z[name]; ok {
			close(c, atRealSize, name, t, a.floats)
		}
		if a, ok := z[name+"_f64"]; ok {
			close(c, atRealSize, name+" against float64", t, a.floats)
		}
		if pos, ok := z[name+".pos"]; ok {
			got := make([]float32, len(pos.ints))
			for i, at := range pos.ints {
				if at < 0 || at >= int64(len(t)) {
					return fmt.Errorf("%s.pos: position %d is outside of the result", name, at)
				}
				got[i] = t[at]
			}
			close(c, atRealSize, name+", sampled", got, z[name+".val"].floats)
		}
		if a, ok := z[name+".meanstd"]; ok {
			mean, std := meanStd(t)
			close(c, atRealSize, name+", mean and deviation", []float64{mean, std}, a.floats)
		}
	}
	return nil
}

var sizeInConfig = regexp.MustCompile(`config\('([a-z]+)'`)

// config finds the configuration of the named size.
func (s realSize) config(f *folder, size string, z map[string]array) (*vle.Config, error) {
	if m := sizeInConfig.FindStringSubmatch(s.Config); m != nil {
		size = m[1]
	}
	cfg, err := readConfigFile(filepath.Join(filepath.Dir(f.dir), "archs", size+".config.json"))
	if err != nil {
		return nil, err
	}
	cfg.Vision.ImageSize = s.ImageSize
	if a, ok := z["logits"]; ok && len(a.shape) == 2 {
		for i := len(cfg.Labels); i < a.shape[1]; i++ {
			cfg.Labels = append(cfg.Labels, fmt.Sprintf("LABEL_%d", i))
		}
		cfg.Labels = cfg.Labels[:a.shape[1]]
	}
	return cfg, nil
}

// batch makes the inputs: the recorded ids and mask, pixels 4u from the formula.
func (s realSize) batch(cfg *vle.Config, z map[string]array) (*vle.Batch, error) {
	ids, err := z["input_ids"].rows()
	if err != nil {
		return nil, fmt.Errorf("input_ids: %w", err)
	}
	b := &vle.Batch{IDs: ids}
	if mask, ok := z["attention_mask"]; ok {
		if b.Mask, err = mask.rows(); err != nil {
			return nil, fmt.Errorf("attention_mask: %w", err)
		}
	}
	seed, err := inputSeed(s.Salt, z["input_ids"].ints)
	if err != nil {
		return nil, err
	}
	v := cfg.Vision
	b.Pixels = uniform(seed("pixel_values"), len(ids)*v.NumChannels*v.ImageSize*v.ImageSize, 4, 0)
	return b, nil
}

func meanStd(x []float32) (mean, std float64) {
	var sum, square float64
	for _, v := range x {
		sum += float64(v)
	}
	mean = sum / float64(len(x))
	for _, v := range x {
		square += (float64(v) - mean) * (float64(v) - mean)
	}
	return mean, math.Sqrt(square / float64(len(x)))
}

// readConfigFile reads a configuration that is not called config.json.
func readConfigFile(path string) (*vle.Config, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return vle.ParseConfig(b)
}
