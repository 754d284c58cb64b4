"""The PyTorch side of govle bench.

It reads one JSON object a line from standard input and answers each with one.
"setup" prepares what is to be timed, "time" runs it n times and gives the
seconds of each run, "result" gives what the last run computed, "memory" the
process's peak of resident memory. An error is answered with {"error": ...}.
"""

import io
import json
import os
import resource
import sys
import time
import traceback

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))


def hello(_):
    import numpy
    import torch
    import transformers

    torch.set_num_threads(THREADS)
    return {"python": sys.version.split()[0], "torch": torch.__version__, "transformers": transformers.__version__,
            "numpy": numpy.__version__}


class Gemm:
    """c = op(a)·op(b) in float32; lib is torch or openblas (numpy's)."""

    def __init__(self, r):
        import numpy as np

        rng = np.random.default_rng(1)
        a = rng.standard_normal((r["k"], r["m"]) if r["ta"] else (r["m"], r["k"]), dtype=np.float32)
        b = rng.standard_normal((r["n"], r["k"]) if r["tb"] else (r["k"], r["n"]), dtype=np.float32)
        c = np.empty((r["m"], r["n"]), dtype=np.float32)
        if r["lib"] == "torch":
            import torch

            torch.set_num_threads(THREADS)
            a, b, c = torch.from_numpy(a), torch.from_numpy(b), torch.from_numpy(c)
            multiply = torch.matmul
        else:
            multiply = np.matmul
        a, b = (a.T if r["ta"] else a), (b.T if r["tb"] else b)
        self.run = lambda: multiply(a, b, out=c)


class Int8Linear:
    """A linear layer with dynamic quantisation."""

    def __init__(self, r):
        import torch

        torch.set_num_threads(THREADS)
        layer = torch.nn.Sequential(torch.nn.Linear(r["k"], r["n"]))
        layer = torch.ao.quantization.quantize_dynamic(layer, {torch.nn.Linear}, torch.qint8)
        x = torch.randn(r["m"], r["k"])

        def run():
            with torch.inference_mode():
                return layer(x)

        self.run = run


def open_weights(path):
    from safetensors.torch import load_file

    return load_file(path) if path else None


class Model:
    """VQA on ids, mask and pictures from the formula."""

    def __init__(self, r):
        import numpy as np
        import torch
        import vle_torch

        torch.set_num_threads(THREADS)
        if r.get("sdpa"):
            vle_torch.use_sdpa()
        model = vle_torch.build(r["config"], r["labels"], open_weights(r.get("weights")))
        ids, mask = torch.tensor(r["ids"]), torch.tensor(r["mask"])
        px = r["config"]["vision_config"]["image_size"]
        pixels = torch.from_numpy((4 * vle_torch.uniform("pixel_values", (r.get("pictures", 1), 3, px, px))).astype(np.float32))
        if not r.get("mapped"):
            for p in model.parameters():  # memory of its own, not the file's pages
                p.data = p.data.clone()
        if r.get("dtype") == "bf16":
            model.to(torch.bfloat16)
            pixels = pixels.to(torch.bfloat16)
        elif r.get("dtype") == "int8":
            model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, torch.qint8)
        if r.get("train"):
            self.train(r, model, ids, mask, pixels)
            return
        size = r.get("batch", len(ids))

        def forward():
            with torch.inference_mode():
                if len(pixels) == len(ids):
                    return model(ids, mask, pixels)
                images = model.vle.image(pixels)  # once for all questions
                parts = []
                for i in range(0, len(ids), size):
                    part = mask[i:i + size]
                    longest = int(part.sum(1).max())
                    parts.append(model(ids[i:i + size, :longest], part[:, :longest], images=images))
                return torch.cat(parts)

        self.run = forward
        self.result = lambda: forward().float().flatten()[:4096].tolist()

    def train(self, r, model, ids, mask, pixels):
        import torch
        import torch.nn.functional as F

        model = model.float()
        for p in model.parameters():
            p.requires_grad_(True)
        model.train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, betas=(0.9, 0.98), eps=1e-8, weight_decay=0.01, fused=r["fused"])
        targets = torch.tensor(r["targets"], dtype=torch.float32)
        last = [0.0]

        def step():
            optimizer.zero_grad()
            logits = model(ids, mask, pixels)
            loss = F.binary_cross_entropy_with_logits(logits, targets) * logits.shape[1]
            loss.backward()
            optimizer.step()
            last[0] = float(loss.detach())

        self.run = step
        self.result = lambda: last


class Layer:
    """One layer on tokens × hidden, forward or with backward: of the image encoder,
    of the text encoder, or of the fusion's image side over 40 rows of text.
    Weights, inputs and the gradient come from the formula."""

    def __init__(self, r):
        import torch
        import vle_torch
        from transformers import CLIPVisionConfig, DebertaV2Config
        from transformers.models.clip.modeling_clip import CLIPEncoderLayer
        from transformers.models.deberta_v2.modeling_deberta_v2 import DebertaV2Encoder

        torch.set_num_threads(THREADS)
        if r.get("sdpa"):
            vle_torch.use_sdpa()
        c, tokens = r["config"], r["tokens"]

        def rows(name, n):
            return torch.from_numpy(4 * vle_torch.uniform(name, (1, n, c["hidden_size"]))).float()

        def weights(module, prefix):
            state = {n: vle_torch.formula(prefix + n, tuple(t.shape)) for n, t in module.state_dict().items()}
            module.load_state_dict(state)
            return module.eval()

        if r["module"] == "image":
            layer = weights(CLIPEncoderLayer(CLIPVisionConfig(**c["vision_config"])), "vision_model.vision_model.encoder.layers.0.")
            run = lambda x: layer(x, None, None)[0]
        elif r["module"] == "text":
            encoder = weights(DebertaV2Encoder(DebertaV2Config(**c["text_config"])), "text_model.encoder.")
            layer = encoder.layer[0]
            distances = encoder.get_rel_embedding().detach()
            pairs = encoder.get_rel_pos(torch.empty(1, tokens, 1))
            mask = encoder.get_attention_mask(torch.ones(1, tokens))
            run = lambda x: layer(x, mask, relative_pos=pairs, rel_embeddings=distances)
        else:
            layer = weights(vle_torch.FusionLayer(c), "cross_modal_image_layers.0.")
            text = rows("text", 40)
            run = lambda x: layer(x, text, None, None)
        x, gradient = rows("hidden", tokens), rows("gradient", tokens)

        def forward():
            with torch.inference_mode():
                return run(x)

        def backward():
            layer.zero_grad()
            leaf = x.clone().requires_grad_(True)
            run(leaf).backward(gradient)
            return leaf.grad

        self.run = backward if r["backward"] else forward
        self.result = lambda: self.run().flatten()[:4096].tolist()


class Load:
    """A model of a file's weights, ready to run."""

    def __init__(self, r):
        import torch
        import vle_torch

        path = r["path"]
        if path.endswith(".bin") and not os.path.exists(path):
            torch.save(open_weights(r["weights"]), path)

        def run():
            if path.endswith(".bin"):
                state = torch.load(path, mmap=True, weights_only=True)
            else:
                state = open_weights(path)
            return vle_torch.build(r["config"], r["labels"], state)

        self.run = run


class Tokenizer:
    def __init__(self, r):
        from transformers import DebertaV2TokenizerFast

        tokenizer = DebertaV2TokenizerFast.from_pretrained(r["folder"])
        texts = r["texts"]
        self.run = lambda: [tokenizer(t)["input_ids"] for t in texts] if r["single"] else tokenizer(texts)["input_ids"]
        self.result = lambda: sum(self.run(), [])[:4096]


def prepare(data, size):
    """A picture file's bytes as CLIP's input, with Pillow and numpy."""
    import numpy as np
    from PIL import Image

    picture = Image.open(io.BytesIO(data)).convert("RGB")
    w, h = picture.size
    short = min(w, h)
    w, h = int(size * w / short), int(size * h / short)
    picture = picture.resize((w, h), Image.BICUBIC)
    left, top = (w - size) // 2, (h - size) // 2
    x = np.asarray(picture.crop((left, top, left + size, top + size))).astype(np.float32) * np.float32(1 / 255)
    x = (x - np.float32([0.48145466, 0.4578275, 0.40821073])) / np.float32([0.26862954, 0.26130258, 0.27577711])
    return np.ascontiguousarray(x.transpose(2, 0, 1))


class Picture:
    def __init__(self, r):
        with open(r["path"], "rb") as f:
            data = f.read()
        self.run = lambda: prepare(data, r["size"])
        self.result = lambda: prepare(data, r["size"]).flatten()[:4096].tolist()


class Ask:
    """One question about one picture with a model folder, from bytes to the answer."""

    def __init__(self, r):
        import torch
        import vle_torch
        from transformers import DebertaV2TokenizerFast

        torch.set_num_threads(THREADS)
        folder = r["folder"]
        with open(os.path.join(folder, "config.json")) as f:
            config = json.load(f)
        labels = config["id2label"]
        model = vle_torch.build(config, len(labels), open_weights(os.path.join(folder, "model.safetensors")))
        tokenizer = DebertaV2TokenizerFast.from_pretrained(folder)
        with open(r["path"], "rb") as f:
            data = f.read()

        def run():
            x = tokenizer([r["question"]], return_tensors="pt")
            pixels = torch.from_numpy(prepare(data, config["vision_config"]["image_size"]))[None]
            with torch.inference_mode():
                return model(x["input_ids"], x["attention_mask"], pixels)[0]

        self.run = run
        self.result = lambda: run().tolist()


KINDS = {k.__name__.lower(): k for k in (Gemm, Int8Linear, Model, Layer, Load, Tokenizer, Picture, Ask)}


def main():
    current = None
    # Libraries print; the answers keep the real standard output to themselves.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            r = json.loads(line)
            if r["op"] == "hello":
                answer = hello(r)
            elif r["op"] == "setup":
                current = None
                current = KINDS[r["kind"]](r)
                answer = {}
            elif r["op"] == "time":
                seconds = []
                for _ in range(r["n"]):
                    start = time.perf_counter()
                    current.run()
                    seconds.append(time.perf_counter() - start)
                answer = {"seconds": seconds}
            elif r["op"] == "result":
                answer = {"values": current.result()}
            elif r["op"] == "memory":
                answer = {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
            else:
                answer = {"error": "unknown op " + r["op"]}
        except Exception as e:
            traceback.print_exc()
            answer = {"error": f"{type(e).__name__}: {e}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
