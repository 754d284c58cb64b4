package imageproc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
)

// ConfigName is the file that Load reads and Save writes.
const ConfigName = "preprocessor_config.json"

const (
	maxConfigBytes = 1 << 20
	maxEdge        = 1 << 14 // no model reads larger inputs; keeps memory bounded
)

// Load reads preprocessor_config.json from a model folder.
func Load(dir string) (*Processor, error) {
	name := filepath.Join(dir, ConfigName)
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the image processor's settings: %w", err)
	}
	defer f.Close()
	return read(f, name)
}

// LoadFS is Load for a folder of a file system, "." for its root.
func LoadFS(fsys fs.FS, dir string) (*Processor, error) {
	name := path.Join(dir, ConfigName)
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("opening the image processor's settings: %w", err)
	}
	defer f.Close()
	return read(f, name)
}

func read(r io.Reader, name string) (*Processor, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxConfigBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(data) > maxConfigBytes {
		return nil, fmt.Errorf("reading %s: larger than %d bytes, this is no preprocessor configuration", name, maxConfigBytes)
	}
	p, err := ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return p, nil
}

// ParseConfig reads the JSON of a preprocessor_config.json. Fields that are absent
// or null have CLIPImageProcessor's defaults; fields it does not know are ignored.
// Errors name the field.
func ParseConfig(data []byte) (*Processor, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	p := New(224)
	flags := []struct {
		name string
		to   *bool
	}{
		{"do_resize", &p.DoResize}, {"do_center_crop", &p.DoCenterCrop}, {"do_rescale", &p.DoRescale},
		{"do_normalize", &p.DoNormalize}, {"do_convert_rgb", &p.DoConvertRGB},
	}
	for _, f := range flags {
		if err := decodeField(fields, f.name, f.to, "true or false"); err != nil {
			return nil, err
		}
	}
	resampleNumber := int(p.Resample)
	if err := decodeField(fields, "resample", &resampleNumber, "one of Pillow's numbers, 0 to 5"); err != nil {
		return nil, err
	}
	p.Resample = Filter(resampleNumber)
	if err := decodeField(fields, "rescale_factor", &p.RescaleFactor, "a number"); err != nil {
		return nil, err
	}
	if err := decodeChannels(fields, "image_mean", &p.Mean); err != nil {
		return nil, err
	}
	if err := decodeChannels(fields, "image_std", &p.Std); err != nil {
		return nil, err
	}
	if err := decodeSize(fields, "size", &p.Size, false); err != nil {
		return nil, err
	}
	if err := decodeSize(fields, "crop_size", &p.CropSize, true); err != nil {
		return nil, err
	}
	return p, p.Validate()
}

func decodeField(fields map[string]json.RawMessage, name string, to any, want string) error {
	raw, ok := fields[name]
	if !ok || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return fmt.Errorf("field %q is %s, want %s", name, excerpt(raw), want)
	}
	return nil
}

func decodeChannels(fields map[string]json.RawMessage, name string, to *[3]float64) error {
	var list []float64
	if err := decodeField(fields, name, &list, "a list of three numbers"); err != nil {
		return err
	}
	if list == nil {
		return nil
	}
	if len(list) != 3 {
		return fmt.Errorf("field %q has %d numbers, want three (red, green, blue)", name, len(list))
	}
	copy(to[:], list)
	return nil
}

// decodeSize reads 224, [h, w], {"shortest_edge": 224} or {"height": h, "width": w}.
// A bare number means the shortest edge, or both edges when square is set.
func decodeSize(fields map[string]json.RawMessage, name string, to *Size, square bool) error {
	raw, ok := fields[name]
	if !ok || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	var edge int
	if json.Unmarshal(raw, &edge) == nil {
		*to = Size{ShortestEdge: edge}
		if square {
			*to = Size{Width: edge, Height: edge}
		}
		return nil
	}
	var pair []int
	if json.Unmarshal(raw, &pair) == nil && len(pair) == 2 {
		*to = Size{Height: pair[0], Width: pair[1]}
		return nil
	}
	want := "a number, {\"shortest_edge\": n} or {\"height\": h, \"width\": w}"
	if square {
		want = "a number or {\"height\": h, \"width\": w}"
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil {
		return fmt.Errorf("field %q is %s, want %s", name, excerpt(raw), want)
	}
	get := func(key string, to *int) (bool, error) {
		raw, ok := object[key]
		if !ok || bytes.Equal(raw, []byte("null")) {
			return false, nil
		}
		if err := json.Unmarshal(raw, to); err != nil {
			return false, fmt.Errorf("field %q: %q is %s, want a whole number", name, key, excerpt(raw))
		}
		return true, nil
	}
	var s Size
	hasShort, err := get("shortest_edge", &s.ShortestEdge)
	if err != nil {
		return err
	}
	hasHeight, err := get("height", &s.Height)
	if err != nil {
		return err
	}
	hasWidth, err := get("width", &s.Width)
	if err != nil {
		return err
	}
	long := 0
	hasLong, err := get("longest_edge", &long)
	if err != nil {
		return err
	}
	switch {
	case hasLong:
		return fmt.Errorf("field %q has \"longest_edge\", which CLIP's processor does not know, want %s", name, want)
	case hasHeight && hasWidth && !hasShort, hasShort && !square && !hasHeight && !hasWidth:
		if s.ShortestEdge == 0 && hasShort {
			return fmt.Errorf("field %q: shortest_edge is 0, want 1 to %d", name, maxEdge)
		}
		*to = s
		return nil
	}
	return fmt.Errorf("field %q is %s, want %s", name, excerpt(raw), want)
}

// excerpt shortens a piece of a file for an error message.
func excerpt(raw []byte) string {
	if len(raw) > 60 {
		return string(raw[:60]) + "…"
	}
	return string(raw)
}

// Validate reports the first impossible setting, naming the field as
// preprocessor_config.json calls it.
func (p *Processor) Validate() error {
	if !p.Resample.Valid() {
		return fmt.Errorf("field \"resample\" is %d, want one of Pillow's numbers, 0 to 5 (3 is bicubic)", int(p.Resample))
	}
	if p.DoResize {
		if err := p.Size.validate("size"); err != nil {
			return err
		}
	}
	if p.DoCenterCrop {
		if p.CropSize.ShortestEdge != 0 {
			return errors.New("field \"crop_size\" is a shortest edge, want height and width")
		}
		if err := p.CropSize.validate("crop_size"); err != nil {
			return err
		}
	}
	if p.DoRescale && !(math.Abs(p.RescaleFactor) > 0 && !math.IsInf(p.RescaleFactor, 0)) {
		return fmt.Errorf("field \"rescale_factor\" is %g, want a number that is not zero (usually 1/255)", p.RescaleFactor)
	}
	if p.DoNormalize {
		for c := range 3 {
			if math.IsNaN(p.Mean[c]) || math.IsInf(float64(float32(p.Mean[c])), 0) {
				return fmt.Errorf("field \"image_mean\" has %g for channel %d, want a number", p.Mean[c], c)
			}
			if std := float64(float32(p.Std[c])); !(math.Abs(std) > 0 && !math.IsInf(std, 0)) {
				return fmt.Errorf("field \"image_std\" has %g for channel %d, want a number that is not zero", p.Std[c], c)
			}
		}
	}
	return nil
}

func (s Size) validate(field string) error {
	if s.ShortestEdge != 0 {
		if s.ShortestEdge < 0 || s.ShortestEdge > maxEdge {
			return fmt.Errorf("field %q: shortest_edge is %d, want 1 to %d", field, s.ShortestEdge, maxEdge)
		}
		return nil
	}
	if s.Width <= 0 || s.Height <= 0 || s.Width > maxEdge || s.Height > maxEdge {
		return fmt.Errorf("field %q: height × width is %d × %d, want each 1 to %d", field, s.Height, s.Width, maxEdge)
	}
	return nil
}

// Save writes preprocessor_config.json into dir, in the layout that Hugging Face's
// CLIPImageProcessor reads back.
func (p *Processor) Save(dir string) error {
	if err := p.Validate(); err != nil {
		return fmt.Errorf("saving the image processor: %w", err)
	}
	size := map[string]int{"shortest_edge": p.Size.ShortestEdge}
	if p.Size.ShortestEdge == 0 {
		size = map[string]int{"height": p.Size.Height, "width": p.Size.Width}
	}
	data, err := json.MarshalIndent(map[string]any{
		"image_processor_type": "CLIPImageProcessor",
		"processor_class":      "VLEProcessor",
		"do_resize":            p.DoResize,
		"size":                 size,
		"resample":             int(p.Resample),
		"do_center_crop":       p.DoCenterCrop,
		"crop_size":            map[string]int{"height": p.CropSize.Height, "width": p.CropSize.Width},
		"do_rescale":           p.DoRescale,
		"rescale_factor":       p.RescaleFactor,
		"do_normalize":         p.DoNormalize,
		"image_mean":           p.Mean,
		"image_std":            p.Std,
		"do_convert_rgb":       p.DoConvertRGB,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("saving the image processor: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, ConfigName), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("saving the image processor: %w", err)
	}
	return nil
}
