package parity

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	spago "github.com/nlpodyssey/spago/nn"

	"govle/vle"
	"govle/vle/checkpoint"
)

// recordedArch is SIZE.CLASS.json: a state dict's names and shapes.
type recordedArch struct {
	Assumed struct {
		ImageSize    int `json:"image_size"`
		VisionLayers int `json:"vision_layers"`
		Labels       int `json:"num_vqa_labels"`
	} `json:"assumed"`
	Parameters int64 `json:"n_params"`
	State      map[string]struct {
		Shape []int `json:"shape"`
		Param bool  `json:"param"` // else a buffer
	} `json:"state_dict"`
}

// Names and Shape make it a checkpoint.Shapes.
func (a *recordedArch) Names() []string { return sortedKeys(a.State) }

// Shape is a tensor's shape.
func (a *recordedArch) Shape(name string) []int { return a.State[name].Shape }

// classes are the reference's names of the heads: ours, and checkpoint's.
var classes = map[string][2]string{
	"VLEModel": {"base", checkpoint.HeadNone}, "VLEForVQA": {"vqa", checkpoint.HeadVQA},
	"VLEForITM": {"itm", checkpoint.HeadITM}, "VLEForPBC": {"pbc", checkpoint.HeadPBC}, "VLEForMLM": {"mlm", checkpoint.HeadMLM},
	"VLEForVCRQ2A": {"vcr_q2a", checkpoint.HeadQ2A}, "VLEForVCRQA2R": {"vcr_qa2r", checkpoint.HeadQA2R},
}

var archName = regexp.MustCompile(`^([a-z]+)\.(VLE[A-Za-z0-9]+)\.json$`)

// findArchs finds SIZE.CLASS.json beside SIZE.config.json, and counts.json.
func findArchs(f *folder) []testCase {
	var cases []testCase
	for _, file := range f.names(".json") {
		m := archName.FindStringSubmatch(file)
		if m == nil || !f.has[m[1]+".config.json"] {
			continue
		}
		size, class, path := m[1], m[2], f.path(file)
		names, known := classes[class]
		tc := testCase{name: f.caseName(strings.TrimSuffix(file, ".json"))}
		if !known {
			tc.unsupported = fmt.Sprintf("class %q", class)
			cases = append(cases, tc)
			continue
		}
		tc.run = func(_ context.Context, c *check) error { return checkDescribe(c, path, size, names[1]) }
		cases = append(cases, tc)
		tc = testCase{name: tc.name + " (config)"}
		if h, ok := heads[names[0]]; ok {
			tc.run = func(_ context.Context, c *check) error { return checkArch(c, path, f.path(size+".config.json"), h) }
		} else {
			tc.unsupported = fmt.Sprintf("head %q", names[0])
		}
		cases = append(cases, tc)
	}
	if len(cases) > 0 && f.has["counts.json"] {
		cases = append(cases, testCase{name: f.caseName("counts.json"), run: func(_ context.Context, c *check) error { return checkCounts(c, f) }})
	}
	return cases
}

// checkDescribe recognises the layout from names and shapes.
func checkDescribe(c *check, path, size, head string) error {
	var a recordedArch
	if err := readJSON(path, &a); err != nil {
		return err
	}
	d, err := checkpoint.Describe(&a)
	if err != nil {
		return err
	}
	c.item(d.Head == head, "recognised as head %s, it is %s", d.Head, head)
	c.item(d.Size == size, "recognised as size %s, it is %s", d.Size, size)
	c.item(d.ImageSize == a.Assumed.ImageSize, "image size %d, recorded %d", d.ImageSize, a.Assumed.ImageSize)
	c.item(d.VisionLayers == a.Assumed.VisionLayers, "%d vision layers, recorded %d", d.VisionLayers, a.Assumed.VisionLayers)
	c.item(d.Parameters == a.Parameters, "%d parameters, recorded %d", d.Parameters, a.Parameters)
	return nil
}

// checkArch holds the parameters that the model asks for by its configuration
// against the reference's.
func checkArch(c *check, path, config string, h head) error {
	var a recordedArch
	if err := readJSON(path, &a); err != nil {
		return err
	}
	cfg, err := readConfigFile(config)
	if err != nil {
		return err
	}
	cfg.Labels = make(vle.Labels, a.Assumed.Labels)
	m, err := h.open(cfg)
	if err != nil {
		return err
	}
	var names, want []string
	m.Visit(func(name string, shape []int, _ **spago.Param) {
		names = append(names, name)
		same(c, name, shape, a.State[name].Shape)
	})
	for name, p := range a.State {
		// The MLM head's bias is kept once and written under both its names.
		if p.Param {
			want = append(want, name)
		}
	}
	sort.Strings(names)
	sort.Strings(want)
	same(c, "parameter names", names, want)
	return nil
}

var countName = regexp.MustCompile(`^([a-z]+) vision_layers=(\d+) image=(\d+)$`)

// checkCounts: "SIZE vision_layers=N image=PIXELS": parameters of the body.
func checkCounts(c *check, f *folder) error {
	var counts map[string]int64
	if err := readJSON(f.path("counts.json"), &counts); err != nil {
		return err
	}
	for _, name := range sortedKeys(counts) {
		m := countName.FindStringSubmatch(name)
		if m == nil {
			return fmt.Errorf("%q is not a size that is known", name)
		}
		cfg, err := readConfigFile(filepath.Join(f.dir, m[1]+".config.json"))
		if err != nil {
			return err
		}
		if _, err := fmt.Sscan(m[2]+" "+m[3], &cfg.Vision.NumLayers, &cfg.Vision.ImageSize); err != nil {
			return err
		}
		body, err := vle.NewModel(cfg)
		if err != nil {
			return err
		}
		var total int64
		body.Visit(func(_ string, shape []int, _ **spago.Param) {
			n := int64(1)
			for _, d := range shape {
				n *= int64(d)
			}
			total += n
		})
		c.item(total == counts[name], "%s: %d parameters, recorded %d", name, total, counts[name])
	}
	return nil
}
