"""Writes small pictures in every format and what Pillow 10.4.0 makes of them.

index.json: file, size and sha256 of convert("RGB"); over_green: sha256 after
pasting over (0, 255, 0) with the picture's alpha; upright: sha256 after
ImageOps.exif_transpose. Run it with Pillow 10.4.0 and numpy to make them anew.
"""
import hashlib, json, struct, zlib
import numpy as np
from PIL import Image, ImageOps, __version__
assert __version__ == "10.4.0"

W, H = 45, 38
y, x = np.mgrid[0:H, 0:W].astype(float)
rng = np.random.default_rng(7)
rgb = np.stack([127 + 120 * np.sin(x / 5 + y / 9), 255 * x / W, 127 + 120 * np.cos(x * y / 90)], -1)
rgb[10:25, 12:30] = (250, 30, 20)
rgb = np.clip(rgb + rng.normal(0, 9, rgb.shape), 0, 255).astype(np.uint8)
alpha = np.clip(255 * (1.3 - np.hypot(x - W / 2, y - H / 2) / 18), 0, 255).astype(np.uint8)
pic = Image.fromarray(rgb)
with_alpha = Image.fromarray(np.dstack([rgb, alpha]))
grey = pic.convert("L")
files = {}

def save(name, im, **kw):
    im.save(name, **kw)
    files[name] = {}

for s, label in enumerate(["444", "422", "420"]):
    save(f"base_{label}.jpg", pic, quality=80, subsampling=s)
    save(f"prog_{label}.jpg", pic, quality=60, subsampling=s, progressive=True)
save("restart.jpg", pic, quality=50, subsampling=2, restart_marker_blocks=2)
save("restart_prog.jpg", pic, quality=50, subsampling=2, progressive=True, restart_marker_rows=1)
save("grey.jpg", grey, quality=70)
save("grey_prog.jpg", grey, quality=70, progressive=True)
save("cmyk.jpg", pic.convert("CMYK"), quality=70)
save("q100.jpg", pic, quality=100)
save("q1.jpg", pic, quality=1)
for w, h in [(1, 1), (2, 2), (3, 5), (4, 1), (16, 16), (17, 9)]:
    save(f"size_{w}x{h}.jpg", pic.crop((5, 5, 5 + w, 5 + h)), quality=85, subsampling=2)
for o in range(2, 9):
    exif = Image.Exif(); exif[0x112] = o
    save(f"turned_{o}.jpg", pic, quality=80, exif=exif)
exif = Image.Exif(); exif[0x112] = 6
save("turned.png", pic.resize((9, 7)), exif=exif)
save("turned.webp", pic.resize((9, 7)), lossless=True, exif=exif)
save("turned.tif", pic.resize((9, 7)), tiffinfo={0x112: 6})

save("rgb.png", pic)
save("rgba.png", with_alpha)
save("la.png", with_alpha.convert("LA"))
save("grey.png", grey)
save("bilevel.png", pic.convert("1"))
for n in (2, 4, 16, 200):
    p = pic.convert("P", palette=Image.ADAPTIVE, colors=n)
    save(f"palette_{n}.png", p)
    save(f"palette_{n}.gif", p)
    save(f"palette_{n}.bmp", p)
    save(f"palette_{n}.tif", p)
p = pic.convert("P", palette=Image.ADAPTIVE, colors=16)
save("palette_transparent.png", p, transparency=bytes([0, 100, 200, 255, 30]))
save("palette_transparent.gif", p, transparency=3)
save("rgb_transparent.png", pic, transparency=tuple(int(v) for v in rgb[12, 15]))
save("grey16.png", Image.fromarray((np.asarray(grey).astype(np.uint16) * 3)))
save("grey16.tif", Image.fromarray((np.asarray(grey).astype(np.uint16) * 3)))
save("animated.gif", p, save_all=True, append_images=[p.rotate(90)], duration=50)
save("interlaced.gif", p, interlace=1)
save("grey.gif", grey)
save("rgb.bmp", pic)
save("grey.bmp", grey)
save("bilevel.bmp", pic.convert("1"))
save("rgba.bmp", with_alpha)
for c in ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]:
    save(f"rgb_{c}.tif", pic, compression=c)
    save(f"cmyk_{c}.tif", pic.convert("CMYK"), compression=c)
save("rgba.tif", with_alpha, compression="tiff_lzw")
save("la.tif", with_alpha.convert("LA"), compression="tiff_lzw")
for c in ["raw", "group3", "group4", "packbits"]:
    save(f"bilevel_{c}.tif", pic.convert("1"), compression=c)
save("rgb16.png", pic)  # rewritten below with 16 bits a sample
wide = (rgb.astype(np.uint16) << 8) + rng.integers(0, 256, rgb.shape).astype(np.uint16)
scan = b"".join(b"\0" + row.astype(">u2").tobytes() for row in wide)
chunk = lambda t, d: struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d))
open("rgb16.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, 16, 2, 0, 0, 0))
                              + chunk(b"IDAT", zlib.compress(scan)) + chunk(b"IEND", b""))
def interlace(name, im, depth, color, extra=b""):
    """A PNG in Adam7 order, no filter; im is [H, W, bytes a pixel] of 8 or 16 bits."""
    data = b""
    for y0, x0, dy, dx in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]:
        part = im[y0::dy, x0::dx]
        if part.size:
            data += b"".join(b"\0" + row.tobytes() for row in part)
    open(name, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", im.shape[1], im.shape[0], depth, color, 0, 0, 1))
                           + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b""))
    files[name] = {}
interlace("interlaced_rgb.png", rgb, 8, 2)
interlace("interlaced_rgba.png", np.dstack([rgb, alpha]), 8, 6)
interlace("interlaced_small.png", rgb[:3, :2], 8, 2)
interlace("interlaced_palette.png", np.asarray(p)[:, :, None], 8, 3, chunk(b"PLTE", bytes(p.getpalette()[:48])) + chunk(b"tRNS", b"\0\x80"))
def tiff(name, tags, blocks, order="<", tiled=False):
    """A TIFF of the given fields and raw blocks, for what Pillow does not write."""
    tags = {256: W, 257: H, **tags, (324 if tiled else 273): [8 + sum(map(len, blocks[:i])) for i in range(len(blocks))],
            (325 if tiled else 279): [len(b) for b in blocks]}
    body = b"".join(blocks)
    body += b"\0" * (len(body) % 2)
    at = 8 + len(body)
    entries, extra = b"", b""
    for tag, v in sorted(tags.items()):
        v = v if isinstance(v, list) else [v]
        raw = struct.pack(f"{order}{len(v)}I", *v)
        if len(raw) > 4:
            raw, extra = struct.pack(order + "I", at + 2 + 12 * len(tags) + 4 + len(extra)), extra + raw
        entries += struct.pack(order + "HHI", tag, 4, len(v)) + raw
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", at)
    open(name, "wb").write(head + body + struct.pack(order + "H", len(tags)) + entries + bytes(4) + extra)
    files[name] = {}
three = {258: [8, 8, 8], 259: 1, 262: 2, 277: 3, 278: H}
tiff("planar.tif", {**three, 284: 2}, [rgb[:, :, c].tobytes() for c in range(3)])
pad = np.zeros((48, 48, 3), np.uint8); pad[:H, :W] = rgb
tiles = [np.ascontiguousarray(pad[i:i + 16, j:j + 16]).tobytes() for i in (0, 16, 32) for j in (0, 16, 32)]
tiff("tiled.tif", {**{k: v for k, v in three.items() if k != 278}, 322: 16, 323: 16}, tiles, tiled=True)
tiff("tiled_deflate.tif", {**{k: v for k, v in three.items() if k != 278}, 259: 8, 322: 16, 323: 16}, [zlib.compress(b) for b in tiles], tiled=True)
diff = rgb.copy(); diff[:, 1:] -= rgb[:, :-1]
tiff("predictor.tif", {**three, 259: 8, 317: 2, 278: 10}, [zlib.compress(diff[i:i + 10].tobytes()) for i in range(0, H, 10)])
tiff("big_endian_16.tif", {**three, 258: [16, 16, 16]}, [wide.astype(">u2").tobytes()], ">")
wdiff = wide.copy(); wdiff[:, 1:] -= wide[:, :-1]
tiff("predictor_16.tif", {**three, 258: [16, 16, 16], 259: 8, 317: 2}, [zlib.compress(wdiff.astype("<u2").tobytes())])
small = np.asarray(grey)[:, :44] >> 4
nibbles = (small[:, 0::2] << 4 | small[:, 1::2]).tobytes()
tiff("grey_4_bits.tif", {256: 44, 258: 4, 259: 1, 262: 1, 277: 1, 278: H}, [nibbles])
tiff("white_is_zero_4_bits.tif", {256: 44, 258: 4, 259: 1, 262: 0, 277: 1, 278: H}, [nibbles])
pre = np.dstack([(rgb.astype(int) * alpha[:, :, None] // 255).astype(np.uint8), alpha])
tiff("premultiplied.tif", {**three, 258: [8] * 4, 277: 4, 338: 1}, [pre.tobytes()])
tiff("unspecified_extra.tif", {**three, 258: [8] * 4, 277: 4, 338: 0}, [pre.tobytes()])
flipped = np.packbits(np.asarray(pic.convert("1")), axis=1, bitorder="little").tobytes()
tiff("fill_order.tif", {258: 1, 259: 1, 262: 1, 266: 2, 277: 1, 278: H}, [flipped])
def bmp(name, w, h, bits, data, compression=0, palette=b"", masks=b"", size=40):
    """A bitmap of what Pillow does not write: bit fields, run lengths, top-down."""
    head = struct.pack("<IiiHHIIiiII", size, w, h, 1, bits, compression, len(data), 0, 0, len(palette) // 4, 0)
    head += masks + bytes(max(0, size - 40 - len(masks)))
    start = 14 + len(head) + len(palette)
    open(name, "wb").write(b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + head + palette + data)
    files[name] = {}
rows4 = lambda a: b"".join(r.tobytes() + bytes(-len(r.tobytes()) % 4) for r in a[::-1])
five = (rgb >> 3).astype("<u2")
bmp("rgb15.bmp", W, H, 16, rows4(five[..., 0] << 10 | five[..., 1] << 5 | five[..., 2]))
six = (rgb[..., 1] >> 2).astype("<u2")
bmp("rgb16.bmp", W, H, 16, rows4(five[..., 0] << 11 | six << 5 | five[..., 2]), 3, masks=struct.pack("<III", 0xf800, 0x7e0, 0x1f))
bgra = np.dstack([rgb[..., ::-1], alpha])
bmp("bgra.bmp", W, H, 32, rows4(bgra), 3, masks=struct.pack("<IIII", 0xff0000, 0xff00, 0xff, 0xff000000), size=56)
bmp("rgba_fields.bmp", W, H, 32, rows4(np.dstack([rgb, alpha])), 3, masks=struct.pack("<IIII", 0xff, 0xff00, 0xff0000, 0xff000000), size=124)
bmp("xbgr.bmp", W, H, 32, rows4(np.dstack([alpha, rgb[..., ::-1]])), 3, masks=struct.pack("<III", 0xff000000, 0xff0000, 0xff00))
bmp("top_down.bmp", W, -H, 24, rows4(rgb[::-1, :, ::-1]))
colors = b"".join(bytes(p.getpalette()[3 * i:3 * i + 3][::-1]) + b"\0" for i in range(16))
index = np.asarray(p)
rle8 = b""
for y in range(H - 1, -1, -1):
    xx = 0
    while xx < W:
        n = 1
        while xx + n < W and index[y, xx + n] == index[y, xx]: n += 1
        if n > 1 or xx + 3 > W:
            rle8 += bytes([n, index[y, xx]])
        else:  # three or more, one by one
            n = min(5, W - xx)
            rle8 += bytes([0, n]) + bytes(index[y, xx:xx + n]) + bytes(n % 2)
        xx += n
    rle8 += b"\0\0"
bmp("runs8.bmp", W, H, 8, rle8 + b"\0\1", 1, palette=colors)
# Pillow reads the skip code and odd counts of 4-bit pixels wrongly: neither is here.
rle4 = b"".join(bytes([20, 0x12, 25, 0x30 + y % 16, 0, 0]) if y % 2 else bytes([0, 8, 0x12, 0x34, 0x56, 0x78, 30, 0xab, 0, 0]) for y in range(H))
bmp("runs4.bmp", W, H, 4, rle4 + b"\0\1", 2, palette=colors)
save("int32.tif", Image.fromarray(np.asarray(grey).astype(np.int32) * 2 - 90))
save("float32.tif", Image.fromarray(np.asarray(grey).astype(np.float32) * 1.7 - 60))
save("lossy.webp", pic, quality=60)
save("lossy_alpha.webp", with_alpha, quality=60)
save("lossless.webp", pic, lossless=True)
save("lossless_alpha.webp", with_alpha, lossless=True, exact=True)
save("palette.webp", p.convert("RGB"), lossless=True)
save("animated.webp", pic, save_all=True, append_images=[pic.rotate(90)], duration=50, quality=70)
for w, h in [(1, 1), (2, 3), (7, 6)]:
    save(f"size_{w}x{h}.webp", pic.crop((5, 5, 5 + w, 5 + h)), quality=85)

sha = lambda im: hashlib.sha256(im.tobytes()).hexdigest()
for name, entry in files.items():
    im = Image.open(name)
    out = im.convert("RGB")
    entry.update(width=out.width, height=out.height, sha256=sha(out))
    if im.mode in ("RGBA", "LA") or "transparency" in im.info:
        full = Image.open(name).convert("RGBA")
        base = Image.new("RGB", full.size, (0, 255, 0))
        base.paste(full.convert("RGB"), mask=full.getchannel("A"))
        entry["over_green"] = sha(base)
    turned = ImageOps.exif_transpose(Image.open(name))
    if im.getexif().get(0x112, 1) != 1:
        entry["upright"] = sha(turned.convert("RGB"))
json.dump(files, open("index.json", "w"), indent=1, sort_keys=True)
