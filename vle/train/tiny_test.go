package train_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"govle/vle"
	"govle/vle/train"
)

// tinyConfig is a model that trains in seconds, dropout included.
const tinyConfig = `{
 "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48,
 "hidden_act": "gelu", "layer_norm_eps": 1e-5, "num_token_types": 6, "hidden_dropout_prob": 0.05,
 "attention_probs_dropout_prob": 0.05, "initializer_range": 0.05,
 "id2label": {"0": "red", "1": "green", "2": "blue", "3": "left", "4": "right"},
 "text_config": {"model_type": "deberta-v2", "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 1,
  "num_attention_heads": 2, "intermediate_size": 48, "hidden_act": "gelu", "hidden_dropout_prob": 0.05,
  "attention_probs_dropout_prob": 0.05, "max_position_embeddings": 32, "type_vocab_size": 0, "pad_token_id": 0,
  "position_biased_input": false, "relative_attention": true, "max_relative_positions": -1, "position_buckets": 8,
  "pos_att_type": ["p2c", "c2p"], "share_att_key": true, "norm_rel_ebd": "layer_norm", "initializer_range": 0.05},
 "vision_config": {"model_type": "clip_vision_model", "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
  "intermediate_size": 48, "hidden_act": "quick_gelu", "num_channels": 3, "image_size": 16, "patch_size": 8}}`

func config(t testing.TB) *vle.Config {
	t.Helper()
	c, err := vle.ParseConfig([]byte(tinyConfig))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fresh returns an initialised model.
func fresh[M vle.Parameterized](t testing.TB, build func(*vle.Config) (M, error)) M {
	t.Helper()
	m, err := build(config(t))
	if err != nil {
		t.Fatal(err)
	}
	vle.Initialize(m, 1)
	return m
}

// squares are pictures with one coloured square in a corner and a question about
// its colour or its side.
func squares(n int, seed uint64) train.Examples {
	rng := rand.New(rand.NewPCG(seed, 0))
	var out train.Examples
	for i := range n {
		colour, patch, about := rng.IntN(3), rng.IntN(4), rng.IntN(2)
		e := &train.Example{
			ID:      fmt.Sprintf("square %d", i),
			Text:    train.Text{IDs: []int{1, 10 + about, 20, 21 + rng.IntN(4), 2}},
			Pixels:  make([]float32, 3*16*16),
			Labels:  []int{colour},
			Scores:  []float32{1},
			Boxes:   [][]int{{patch}},
			Objects: []int{colour},
			Inside:  []int{patch},
		}
		if about == 1 {
			e.Labels[0] = 3 + patch%2
		}
		for c := range 3 {
			for y := range 16 {
				for x := range 16 {
					v := float32(rng.NormFloat64()) * 0.1
					if y/8*2+x/8 == patch && c == colour {
						v += 2
					}
					e.Pixels[(c*16+y)*16+x] = v
				}
			}
		}
		out = append(out, e)
	}
	return out
}

// quiet are options that train VQA without a word.
func quiet() train.Options {
	return train.Options{
		Objective: train.VQA{},
		Groups:    train.GroupOptions{LR: 2e-3, WeightDecay: 0.01},
		Schedule:  train.Schedule{Kind: train.Cosine, Warmup: 0.1},
		ClipNorm:  1,
		Batch:     16,
		Epochs:    1,
		Seed:      7,
		Report:    func(*train.Status) {},
	}
}

func trainer(t testing.TB, m vle.Parameterized, data train.Data, o train.Options) *train.Trainer {
	t.Helper()
	tr, err := train.New(m, data, o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}
