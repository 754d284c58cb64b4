package vle

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"govle/vle/nn"
)

// Config is what config.json says of a VLE model. Fields that the file leaves
// out have the defaults of transformers 4.27.
type Config struct {
	ModelType     string   `json:"model_type"`
	Architectures []string `json:"architectures,omitempty"`

	// The fusion layers: one stack a modality.
	HiddenSize       int     `json:"hidden_size"`
	NumLayers        int     `json:"num_hidden_layers"`
	NumHeads         int     `json:"num_attention_heads"`
	IntermediateSize int     `json:"intermediate_size"`
	HiddenAct        string  `json:"hidden_act"`
	LayerNormEps     float64 `json:"layer_norm_eps"`
	NumTokenTypes    int     `json:"num_token_types"`
	HiddenDropout    float64 `json:"hidden_dropout_prob"`
	AttentionDropout float64 `json:"attention_probs_dropout_prob"`
	InitializerRange float64 `json:"initializer_range"`
	// NoCrossAttention leaves the attention of each modality over the other out of
	// the fusion layers, so that text and picture meet in the head alone: for
	// measuring what the co-attention is worth. The reference does not know it.
	NoCrossAttention bool `json:"no_cross_attention,omitempty"`

	// Labels names the classes of a head in the order of its logits.
	Labels Labels `json:"id2label,omitempty"`

	Text   TextConfig   `json:"text_config"`
	Vision VisionConfig `json:"vision_config"`
}

// TextConfig describes the DeBERTa-v2 encoder.
type TextConfig struct {
	ModelType            string      `json:"model_type"`
	VocabSize            int         `json:"vocab_size"`
	HiddenSize           int         `json:"hidden_size"`
	NumLayers            int         `json:"num_hidden_layers"`
	NumHeads             int         `json:"num_attention_heads"`
	IntermediateSize     int         `json:"intermediate_size"`
	HiddenAct            string      `json:"hidden_act"`
	LayerNormEps         float64     `json:"layer_norm_eps"`
	MaxPositions         int         `json:"max_position_embeddings"`
	TypeVocabSize        int         `json:"type_vocab_size"`
	PadTokenID           *int        `json:"pad_token_id"`
	PositionBiasedInput  bool        `json:"position_biased_input"`
	RelativeAttention    bool        `json:"relative_attention"`
	MaxRelativePositions int         `json:"max_relative_positions"`
	PositionBuckets      int         `json:"position_buckets"`
	PosAttType           PosAttTypes `json:"pos_att_type"`
	ShareAttKey          bool        `json:"share_att_key"`
	NormRelEbd           string      `json:"norm_rel_ebd"`
	HiddenDropout        float64     `json:"hidden_dropout_prob"`
	AttentionDropout     float64     `json:"attention_probs_dropout_prob"`
	InitializerRange     float64     `json:"initializer_range"`
	// EmbeddingSize and ConvKernelSize must be absent, or the hidden size and 0:
	// DeBERTa-v3, which VLE builds on, has neither a projection of the
	// embeddings nor a convolution.
	EmbeddingSize  int `json:"embedding_size,omitempty"`
	ConvKernelSize int `json:"conv_kernel_size,omitempty"`
}

// VisionConfig describes the CLIP vision transformer.
type VisionConfig struct {
	ModelType        string  `json:"model_type"`
	HiddenSize       int     `json:"hidden_size"`
	NumLayers        int     `json:"num_hidden_layers"`
	NumHeads         int     `json:"num_attention_heads"`
	IntermediateSize int     `json:"intermediate_size"`
	HiddenAct        string  `json:"hidden_act"`
	LayerNormEps     float64 `json:"layer_norm_eps"`
	NumChannels      int     `json:"num_channels"`
	ImageSize        int     `json:"image_size"`
	PatchSize        int     `json:"patch_size"`
	ProjectionDim    int     `json:"projection_dim"`
	AttentionDropout float64 `json:"attention_dropout"`
	InitializerRange float64 `json:"initializer_range"`
}

// Labels are the names of classes by number. config.json holds them as an
// object from number to name; the list that the reference's README shows is
// read too.
type Labels []string

// UnmarshalJSON reads an object {"0": "yes", …} or a list.
func (l *Labels) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		return json.Unmarshal(data, (*[]string)(l))
	}
	var m map[string]string
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("id2label must map numbers to names or be a list of names: %w", err)
	}
	if m == nil {
		return nil
	}
	out := make(Labels, len(m))
	seen := make([]bool, len(m))
	for k, name := range m {
		i, err := strconv.Atoi(k)
		if err != nil || i < 0 || i >= len(m) || seen[i] {
			return fmt.Errorf("id2label has %d entries, so its keys must be 0 to %d; found %q", len(m), len(m)-1, k)
		}
		out[i], seen[i] = name, true
	}
	*l = out
	return nil
}

// MarshalJSON writes the object that Hugging Face tools read.
func (l Labels) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range l {
		if i > 0 {
			b.WriteByte(',')
		}
		s, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", strconv.Itoa(i), s)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// PosAttTypes names the position terms of the disentangled attention:
// "c2p" and "p2c".
type PosAttTypes []string

// UnmarshalJSON reads a list or the older form "c2p|p2c".
func (p *PosAttTypes) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) != nil {
		return json.Unmarshal(data, (*[]string)(p))
	}
	*p = nil
	for t := range strings.SplitSeq(s, "|") {
		if t = strings.ToLower(strings.TrimSpace(t)); t != "" {
			*p = append(*p, t)
		}
	}
	return nil
}

// Has reports whether the term is among them.
func (p PosAttTypes) Has(term string) bool {
	for _, t := range p {
		if t == term {
			return true
		}
	}
	return false
}

func defaultConfig() Config {
	pad := 0
	return Config{
		ModelType: "vle", HiddenSize: 768, NumLayers: 6, NumHeads: 12, IntermediateSize: 3072,
		HiddenAct: "gelu", LayerNormEps: 1e-12, NumTokenTypes: 2,
		HiddenDropout: 0.1, AttentionDropout: 0.1, InitializerRange: 0.02,
		Text: TextConfig{
			ModelType: "deberta-v2", VocabSize: 128100, HiddenSize: 1536, NumLayers: 24, NumHeads: 24,
			IntermediateSize: 6144, HiddenAct: "gelu", LayerNormEps: 1e-7, MaxPositions: 512,
			PadTokenID: &pad, PositionBiasedInput: true, MaxRelativePositions: -1, PositionBuckets: -1,
			NormRelEbd: "none", HiddenDropout: 0.1, AttentionDropout: 0.1, InitializerRange: 0.02,
		},
		Vision: VisionConfig{
			ModelType: "clip_vision_model", HiddenSize: 768, NumLayers: 12, NumHeads: 12,
			IntermediateSize: 3072, HiddenAct: "quick_gelu", LayerNormEps: 1e-5, NumChannels: 3,
			ImageSize: 224, PatchSize: 32, ProjectionDim: 512, InitializerRange: 0.02,
		},
	}
}

// ParseConfig reads a config.json. A vision_config that is a whole CLIP
// configuration is taken for its vision part.
func ParseConfig(data []byte) (*Config, error) {
	c := defaultConfig()
	var parts struct {
		Text   json.RawMessage `json:"text_config"`
		Vision json.RawMessage `json:"vision_config"`
	}
	if err := json.Unmarshal(data, &parts); err != nil {
		return nil, fmt.Errorf("config: not a JSON object of a VLE model: %w", err)
	}
	if parts.Text == nil || parts.Vision == nil {
		return nil, errors.New("config: text_config and vision_config are required: is this the folder of a VLE model?")
	}
	var clip struct {
		ModelType string          `json:"model_type"`
		Vision    json.RawMessage `json:"vision_config"`
	}
	nested := json.Unmarshal(parts.Vision, &clip) == nil && clip.ModelType == "clip" && clip.Vision != nil
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	if nested {
		c.Vision = defaultConfig().Vision
		if err := json.Unmarshal(clip.Vision, &c.Vision); err != nil {
			return nil, fmt.Errorf("config: vision_config.vision_config: %w", err)
		}
	}
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return &c, nil
}

// ReadConfig reads the config.json of a model folder.
func ReadConfig(dir string) (*Config, error) {
	path := filepath.Join(dir, "config.json")
	f, err := os.Stat(path)
	if err != nil {
		if _, derr := os.Stat(dir); derr != nil {
			return nil, fmt.Errorf("model folder %s: %w", dir, derr)
		}
		return nil, fmt.Errorf("%s: %w (a model folder holds config.json, the weights and the tokenizer's spm.model)", path, err)
	}
	if f.Size() > 16<<20 {
		return nil, fmt.Errorf("%s: %d bytes is too large for a configuration", path, f.Size())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	c, err := ParseConfig(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Validate reports the first value that no model can have.
func (c *Config) Validate() error {
	if c.ModelType != "vle" && c.ModelType != "" {
		return fmt.Errorf("model_type %q is not vle", c.ModelType)
	}
	t, v := &c.Text, &c.Vision
	if t.ModelType != "deberta-v2" {
		return fmt.Errorf("text_config.model_type %q is not deberta-v2", t.ModelType)
	}
	if v.ModelType != "clip_vision_model" && v.ModelType != "clip" {
		return fmt.Errorf("vision_config.model_type %q is not clip_vision_model", v.ModelType)
	}
	for _, s := range []struct {
		name           string
		value, low, up int
	}{
		{"hidden_size", c.HiddenSize, 1, 1 << 16},
		{"num_hidden_layers", c.NumLayers, 0, 1024},
		{"num_attention_heads", c.NumHeads, 1, 1 << 16},
		{"intermediate_size", c.IntermediateSize, 1, 1 << 18},
		{"num_token_types", c.NumTokenTypes, 2, 1 << 16},
		{"text_config.vocab_size", t.VocabSize, 1, 1 << 24},
		{"text_config.hidden_size", t.HiddenSize, 1, 1 << 16},
		{"text_config.num_hidden_layers", t.NumLayers, 0, 1024},
		{"text_config.num_attention_heads", t.NumHeads, 1, 1 << 16},
		{"text_config.intermediate_size", t.IntermediateSize, 1, 1 << 18},
		{"text_config.max_position_embeddings", t.MaxPositions, 1, 1 << 20},
		{"text_config.type_vocab_size", t.TypeVocabSize, 0, 1 << 16},
		{"text_config.position_buckets", t.PositionBuckets, -1, 1 << 20},
		{"text_config.max_relative_positions", t.MaxRelativePositions, -1, 1 << 20},
		{"vision_config.hidden_size", v.HiddenSize, 1, 1 << 16},
		{"vision_config.num_hidden_layers", v.NumLayers, 0, 1024},
		{"vision_config.num_attention_heads", v.NumHeads, 1, 1 << 16},
		{"vision_config.intermediate_size", v.IntermediateSize, 1, 1 << 18},
		{"vision_config.num_channels", v.NumChannels, 1, 64},
		{"vision_config.image_size", v.ImageSize, 1, 1 << 13},
		{"vision_config.patch_size", v.PatchSize, 1, v.ImageSize},
	} {
		if s.value < s.low || s.value > s.up {
			return fmt.Errorf("%s is %d, outside %d to %d", s.name, s.value, s.low, s.up)
		}
	}
	for _, s := range []struct {
		name         string
		width, heads int
	}{
		{"", c.HiddenSize, c.NumHeads},
		{"text_config.", t.HiddenSize, t.NumHeads},
		{"vision_config.", v.HiddenSize, v.NumHeads},
	} {
		if s.width%s.heads != 0 {
			return fmt.Errorf("%shidden_size %d does not divide into %d heads", s.name, s.width, s.heads)
		}
	}
	for _, s := range []struct{ name, act string }{
		{"hidden_act", c.HiddenAct}, {"text_config.hidden_act", t.HiddenAct}, {"vision_config.hidden_act", v.HiddenAct},
	} {
		if _, err := nn.ParseActivation(s.act); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for _, s := range []struct {
		name string
		p    float64
		eps  bool
	}{
		{"layer_norm_eps", c.LayerNormEps, true}, {"text_config.layer_norm_eps", t.LayerNormEps, true},
		{"vision_config.layer_norm_eps", v.LayerNormEps, true},
		{"hidden_dropout_prob", c.HiddenDropout, false}, {"attention_probs_dropout_prob", c.AttentionDropout, false},
		{"text_config.hidden_dropout_prob", t.HiddenDropout, false},
		{"text_config.attention_probs_dropout_prob", t.AttentionDropout, false},
		{"vision_config.attention_dropout", v.AttentionDropout, false},
	} {
		if !(s.p >= 0 && s.p < 1) || s.eps && s.p == 0 {
			return fmt.Errorf("%s is %g, outside 0 to 1", s.name, s.p)
		}
	}
	return t.validateTerms()
}

func (t *TextConfig) validateTerms() error {
	for _, term := range t.PosAttType {
		if term != "c2p" && term != "p2c" {
			return fmt.Errorf("text_config.pos_att_type %q is unknown (known: c2p, p2c)", term)
		}
	}
	if t.EmbeddingSize != 0 && t.EmbeddingSize != t.HiddenSize {
		return fmt.Errorf("text_config.embedding_size %d differs from hidden_size %d, which DeBERTa-v3 never does and this package cannot read", t.EmbeddingSize, t.HiddenSize)
	}
	if t.ConvKernelSize > 0 {
		return fmt.Errorf("text_config.conv_kernel_size %d: the convolution of DeBERTa-v2-xlarge is not supported", t.ConvKernelSize)
	}
	if t.PadTokenID != nil && (*t.PadTokenID < -1 || *t.PadTokenID >= t.VocabSize) {
		return fmt.Errorf("text_config.pad_token_id %d is outside the vocabulary of %d", *t.PadTokenID, t.VocabSize)
	}
	return nil
}

// maxDistance is the longest distance that has a bucket of its own kind.
func (t *TextConfig) maxDistance() int {
	if t.MaxRelativePositions < 1 {
		return t.MaxPositions
	}
	return t.MaxRelativePositions
}

// positionSpan is half the number of relative position embeddings.
func (t *TextConfig) positionSpan() int {
	if t.PositionBuckets > 0 {
		return t.PositionBuckets
	}
	return t.maxDistance()
}

// Patches returns the number of patches of a picture.
func (v *VisionConfig) Patches() int { return v.Grid() * v.Grid() }

// Grid returns the number of patches along a side.
func (v *VisionConfig) Grid() int { return v.ImageSize / v.PatchSize }
