"""VLE for visual question answering in PyTorch, for comparison with govle.

The encoders are transformers' DeBERTa-v2 and CLIP modules. The fusion is written
for this script, with PyTorch's scaled_dot_product_attention. Names of parameters
are those of the published checkpoints.

    python vle_torch.py FOLDER

holds it to recordings of the reference at real size: FOLDER has
vqa_base_SIZE.npz and, beside it, archs/base.config.json.
"""

import json
import os
import sys

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
from transformers import CLIPVisionConfig, CLIPVisionModel, DebertaV2Config, DebertaV2Model
from transformers.models.clip import modeling_clip


class Heads(nn.Module):
    """Multi-head attention of x over context, without the output projection."""

    def __init__(self, hidden, heads, drop):
        super().__init__()
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)
        self.value = nn.Linear(hidden, hidden)
        self.heads, self.drop = heads, drop

    def forward(self, x, context, bias):
        def split(t):
            return t.view(t.shape[0], t.shape[1], self.heads, -1).transpose(1, 2)

        y = F.scaled_dot_product_attention(
            split(self.query(x)), split(self.key(context)), split(self.value(context)),
            attn_mask=bias, dropout_p=self.drop if self.training else 0.0)
        return y.transpose(1, 2).reshape(x.shape)


class AddNorm(nn.Module):
    """LayerNorm(x + dropout(dense(h)))."""

    def __init__(self, inner, hidden, eps, drop):
        super().__init__()
        self.dense = nn.Linear(inner, hidden)
        self.LayerNorm = nn.LayerNorm(hidden, eps=eps)
        self.drop = nn.Dropout(drop)

    def forward(self, h, x):
        return self.LayerNorm(x + self.drop(self.dense(h)))


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.self = Heads(c["hidden_size"], c["num_attention_heads"], c["attention_probs_dropout_prob"])
        self.output = AddNorm(c["hidden_size"], c["hidden_size"], c["layer_norm_eps"], c["hidden_dropout_prob"])

    def forward(self, x, context, bias):
        return self.output(self.self(x, context, bias), x)


class Dense(nn.Module):
    def __init__(self, inner, outer):
        super().__init__()
        self.dense = nn.Linear(inner, outer)


class FusionLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.attention = Attention(c)
        self.crossattention = Attention(c)
        self.intermediate = Dense(c["hidden_size"], c["intermediate_size"])
        self.output = AddNorm(c["intermediate_size"], c["hidden_size"], c["layer_norm_eps"], c["hidden_dropout_prob"])

    def forward(self, x, other, bias, other_bias):
        x = self.attention(x, x, bias)
        x = self.crossattention(x, other, other_bias)
        return self.output(F.gelu(self.intermediate.dense(x)), x)


class Body(nn.Module):
    def __init__(self, c):
        super().__init__()
        h, text, vision = c["hidden_size"], c["text_config"], c["vision_config"]
        self.vision_model = CLIPVisionModel(CLIPVisionConfig(**vision))
        self.text_model = DebertaV2Model(DebertaV2Config(**text))
        self.text_projection_layer = nn.Linear(text["hidden_size"], h)
        self.image_projection_layer = nn.Linear(vision["hidden_size"], h)
        self.token_type_embeddings = nn.Embedding(c["num_token_types"], h)
        self.cross_modal_image_layers = nn.ModuleList(FusionLayer(c) for _ in range(c["num_hidden_layers"]))
        self.cross_modal_text_layers = nn.ModuleList(FusionLayer(c) for _ in range(c["num_hidden_layers"]))
        self.cross_modal_image_pooler = Dense(h, h)
        self.cross_modal_text_pooler = Dense(h, h)

    def image(self, pixels):
        """The hidden states of pictures, with the last norm over all tokens."""
        v = self.vision_model.vision_model
        return v.post_layernorm(v(pixel_values=pixels).last_hidden_state)

    def forward(self, ids, mask, images):
        text = self.text_model(input_ids=ids, attention_mask=mask).last_hidden_state
        t = self.text_projection_layer(text)
        v = self.image_projection_layer(images)
        types = self.token_type_embeddings.weight
        t, v = t + types[0], v + types[1]
        if v.shape[0] != t.shape[0]:  # one picture, many texts
            v = v.expand(t.shape[0], -1, -1)
        bias = None
        if not bool(mask.all()):
            bias = (1.0 - mask[:, None, None, :].to(t.dtype)) * torch.finfo(t.dtype).min
        for text_layer, image_layer in zip(self.cross_modal_text_layers, self.cross_modal_image_layers):
            t, v = text_layer(t, v, bias, None), image_layer(v, t, None, bias)
        t = torch.tanh(self.cross_modal_text_pooler.dense(t[:, 0]))
        v = torch.tanh(self.cross_modal_image_pooler.dense(v[:, 0]))
        return torch.cat([t, v], dim=-1)


class VQA(nn.Module):
    def __init__(self, c, labels):
        super().__init__()
        self.vle = Body(c)
        h = 2 * c["hidden_size"]
        self.vqa_classifier = nn.Sequential(nn.Linear(h, h), nn.LayerNorm(h), nn.GELU(), nn.Linear(h, labels))

    def forward(self, ids, mask, pixels=None, images=None):
        if images is None:
            images = self.vle.image(pixels)
        return self.vqa_classifier(self.vle(ids, mask, images))


def sdpa_clip_forward(self, hidden_states, attention_mask=None, causal_attention_mask=None, output_attentions=False):
    """CLIP's attention through scaled_dot_product_attention, which 4.27 lacks."""
    b, n, h = hidden_states.shape

    def split(t):
        return t.view(b, n, self.num_heads, self.head_dim).transpose(1, 2)

    y = F.scaled_dot_product_attention(
        split(self.q_proj(hidden_states)), split(self.k_proj(hidden_states)), split(self.v_proj(hidden_states)),
        dropout_p=self.dropout if self.training else 0.0)
    return self.out_proj(y.transpose(1, 2).reshape(b, n, h)), None


def use_sdpa():
    modeling_clip.CLIPAttention.forward = sdpa_clip_forward


def uniform(name, shape):
    """The formula's numbers u in [-0.5, 0.5) of a name: FNV-1a and SplitMix64."""
    s = 0xCBF29CE484222325
    for byte in name.encode():
        s = (s ^ byte) * 0x100000001B3 % 2**64
    n = int(np.prod(shape))
    with np.errstate(over="ignore"):
        z = np.uint64(s) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64).reshape(shape) * 2.0**-24 - 0.5


def formula(name, shape):
    """A parameter's elements by its name and shape."""
    u = uniform(name, shape)
    if len(shape) == 1:
        norm = "norm" in name.lower() or name.startswith("vqa_classifier.1.")
        u = 1 + 0.4 * u if norm and name.endswith("weight") else 0.2 * u
    elif "embedding" not in name or "patch_embedding" in name:
        u = u * np.sqrt(12 / np.prod(shape[1:]))
    return torch.from_numpy(u.astype(np.float32))


def build(config, labels, weights=None):
    """A model in evaluation mode without initial values of its own.

    weights is a state dict; what it lacks, and what has another shape in it (the
    position embedding at another picture size), comes from the formula.
    """
    with torch.device("meta"):
        model = VQA(config, labels)
    state = {}
    for name, t in model.state_dict().items():
        if name.endswith("position_ids"):
            state[name] = torch.arange(t.shape[-1]).expand(1, -1)
        elif weights is not None and name in weights and tuple(weights[name].shape) == tuple(t.shape):
            state[name] = weights[name]
        else:
            state[name] = formula(name, tuple(t.shape))
    model.load_state_dict(state, assign=True)
    for module in model.modules():  # buffers that the state dict leaves out
        for name, t in list(module._buffers.items()):
            if t is not None and t.is_meta:
                module._buffers[name] = torch.arange(t.shape[-1]).expand(1, -1)
    return model.eval()


def check(folder):
    with open(os.path.join(folder, "..", "archs", "base.config.json")) as f:
        config = json.load(f)
    worst = 0.0
    for size in (224, 384):
        recorded = np.load(os.path.join(folder, f"vqa_base_{size}.npz"))
        config["vision_config"]["image_size"] = size
        model = build(config, recorded["logits"].shape[1])
        pixels = torch.from_numpy((4 * uniform("pixel_values", (2, 3, size, size))).astype(np.float32))
        with torch.inference_mode():
            logits = model(torch.from_numpy(recorded["input_ids"]), torch.from_numpy(recorded["attention_mask"]), pixels)
        off = float(np.abs(logits.numpy() - recorded["logits"]).max())
        print(f"{size} px: largest logit difference {off:.2e}")
        worst = max(worst, off)
    if not worst < 1e-4:
        sys.exit("the model does not compute what was recorded")


if __name__ == "__main__":
    check(sys.argv[1])
