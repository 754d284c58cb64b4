"""Times Pillow and numpy doing what BenchmarkPrepare times: decode a picture from
memory, scale, crop and normalise it for a 224-pixel CLIP model, on one thread.
Prints one line a file: best and median milliseconds of 30."""
import io, statistics, sys, time
import numpy as np
from PIL import Image

MEAN = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)
STD = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)

def prepare(data, size=224):
    im = Image.open(io.BytesIO(data)).convert("RGB")
    w, h = im.size
    long = int(size * max(w, h) / min(w, h))
    a = np.asarray(im.resize((size, long) if w <= h else (long, size), resample=Image.BICUBIC))
    top, left = (a.shape[0] - size) // 2, (a.shape[1] - size) // 2
    a = a[top:top + size, left:left + size]
    a = (a * (1 / 255)).astype(np.float32)
    return np.ascontiguousarray(((a - MEAN) / STD).transpose(2, 0, 1))

for name in sys.argv[1:]:
    data = open(name, "rb").read()
    times = []
    for _ in range(31):
        t = time.perf_counter()
        prepare(data)
        times.append((time.perf_counter() - t) * 1e3)
    times = times[1:]
    print(f"{min(times):.4f} {statistics.median(times):.4f}")
