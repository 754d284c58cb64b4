package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files in testdata/bad anew")

// Every file in testdata/bad must be refused with the error in the .error file
// beside it. A folder there is opened as a folder.
func TestBadFiles(t *testing.T) {
	dir := filepath.Join("testdata", "bad")
	if *update {
		writeBad(t, dir)
	}
	wants, err := filepath.Glob(filepath.Join(dir, "*.error"))
	if err != nil || len(wants) < 60 {
		t.Fatalf("%d expected errors in %s (%v)", len(wants), dir, err)
	}
	for _, want := range wants {
		name := strings.TrimSuffix(filepath.Base(want), ".error")
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(want)
			if err != nil {
				t.Fatal(err)
			}
			path := strings.TrimSuffix(want, ".error")
			s, err := Open(path)
			if err == nil {
				for _, n := range s.Names() { // some damage shows only when it is read
					if _, err = s.Float32(n); err != nil {
						break
					}
				}
				s.Close()
			}
			switch {
			case err == nil:
				t.Fatal("it was opened and read")
			case !strings.Contains(err.Error(), strings.TrimSpace(string(text))):
				t.Errorf("error %q does not say %q", err, strings.TrimSpace(string(text)))
			case !strings.Contains(err.Error(), path):
				t.Errorf("error %q does not name %s", err, path)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct{ path, want string }{
		{filepath.Join(empty, "no-such-model"), "there is no file or folder"},
		{filepath.Join(empty, "no-such-model"), "model.safetensors"},
		{empty, "holds none of model.safetensors, model.safetensors.index.json, pytorch_model.bin"},
		{empty, "download the model's weights into it"},
	} {
		if _, err := Open(c.path); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), c.path) {
			t.Errorf("Open(%s) gives %v, want one that says %q", c.path, err, c.want)
		}
	}
}

// --- how the bad files were made

// header wraps a JSON header and data.
func header(json string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(json)))
	return append(append(b, json...), make([]byte, data)...)
}

// pkl is a pickle under construction.
type pkl struct{ bytes.Buffer }

func (p *pkl) op(s string) *pkl { p.WriteString(s); return p }

func (p *pkl) str(s string) *pkl {
	p.WriteByte('X')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	return p.op(s)
}

func (p *pkl) int(n int64) *pkl {
	p.op("\x8a\x08")
	p.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	return p
}

func (p *pkl) ints(ns ...int64) *pkl {
	p.op("(")
	for _, n := range ns {
		p.int(n)
	}
	return p.op("t")
}

// view is a tensor as a pickle describes it.
type view struct {
	class        string
	key          string
	elements     int64
	offset       int64
	size, stride []int64
}

func good() view {
	return view{"FloatStorage", "0", 4, 0, []int64{2, 2}, []int64{2, 1}}
}

func (p *pkl) tensor(v view) *pkl {
	p.op("ctorch._utils\n_rebuild_tensor_v2\n((").str("storage").op("ctorch\n" + v.class + "\n").str(v.key).str("cpu").int(v.elements).op("tQ")
	return p.int(v.offset).ints(v.size...).ints(v.stride...).op("\x89ccollections\nOrderedDict\n)RtR")
}

// stateDict is the pickle of {"w": tensor}.
func stateDict(v view) []byte {
	p := &pkl{}
	return p.op("\x80\x02}").str("w").tensor(v).op("s.").Bytes()
}

func rawPickle(ops string) []byte { return []byte("\x80\x02" + ops) }

// zipped is an archive as torch.save writes it, with the pickle and storages.
func zipped(pickle []byte, storages map[string][]byte) []byte {
	return zipFiles(append([]zipEntry{{"m/data.pkl", pickle, zip.Store}}, storageEntries(storages)...))
}

type zipEntry struct {
	name   string
	data   []byte
	method uint16
}

func storageEntries(m map[string][]byte) (out []zipEntry) {
	for k, v := range m {
		out = append(out, zipEntry{"m/data/" + k, v, zip.Store})
	}
	return out
}

func zipFiles(entries []zipEntry) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, Method: e.method})
		if err == nil {
			_, err = f.Write(e.data)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// patchDirectory changes bytes of the n-th entry of an archive's directory.
func patchDirectory(b []byte, n, at int, with []byte) []byte {
	b = bytes.Clone(b)
	pos := -1
	for range n + 1 {
		pos += 1 + bytes.Index(b[pos+1:], []byte("PK\x01\x02"))
	}
	copy(b[pos+at:], with)
	return b
}

// legacy is a stream as torch.save wrote it before 1.6.
func legacy(magic, version string, state []byte, keys string, storages []byte) []byte {
	var b bytes.Buffer
	b.WriteString("\x80\x02\x8a\x0a" + magic + ".")
	b.WriteString("\x80\x02M" + version + ".")
	b.WriteString("\x80\x02}X\x0d\x00\x00\x00little_endian\x88s.")
	b.Write(state)
	b.WriteString("\x80\x02" + keys + ".")
	b.Write(storages)
	return b.Bytes()
}

const (
	magic   = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
	version = "\xe9\x03"
)

func le64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

func writeBad(t *testing.T, dir string) {
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	four := make([]byte, 16)
	one := `"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}`
	ok := zipped(stateDict(good()), map[string][]byte{"0": four})
	with := func(change func(*view)) []byte {
		v := good()
		change(&v)
		return zipped(stateDict(v), map[string][]byte{"0": four})
	}
	keys := "]X\x01\x00\x00\x000a"
	bomb := zipFiles([]zipEntry{{"m/data.pkl", stateDict(view{"FloatStorage", "0", 1 << 20, 0, []int64{1 << 20}, []int64{1}}), zip.Store}, {"m/data/0", make([]byte, 4<<20), zip.Deflate}})
	deflated := zipFiles([]zipEntry{{"m/data.pkl", stateDict(good()), zip.Store}, {"m/data/0", four, zip.Deflate}})

	files := []struct {
		name, want string
		data       []byte
	}{
		// The safetensors container.
		{"empty.safetensors", "the file is empty", nil},
		{"short.safetensors", "too short to hold a safetensors header length", []byte("short")},
		{"header-limit.safetensors", "exceeds the format's limit of 100000000 bytes", append(le64(200_000_000), "{}"...)},
		{"header-beyond-file.safetensors", "header of 1000 bytes does not fit a file of 10 bytes", append(le64(1000), "{}"...)},
		{"header-array.safetensors", "header does not begin with '{'", header(`[1]`, 0)},
		{"header-empty.safetensors", "header does not begin with '{'", le64(0)},
		{"header-utf8.safetensors", "header is not valid UTF-8", header("{\"\xff\":1}", 0)},
		{"header-json.safetensors", "header is not valid JSON", header(`{"w":`, 0)},
		{"header-trailing.safetensors", "header has something after its closing brace", header(`{}{}`, 0)},
		{"duplicate-tensor.safetensors", `duplicate key "w"`, header(`{`+one+`,`+one+`}`, 16)},
		{"duplicate-field.safetensors", `tensor "w": duplicate key "shape"`, header(`{"w":{"dtype":"F32","shape":[2],"shape":[2,2],"data_offsets":[0,16]}}`, 16)},
		{"dtype-unknown.safetensors", `tensor "w": dtype "F31" is not known`, header(`{"w":{"dtype":"F31","shape":[4],"data_offsets":[0,16]}}`, 16)},
		{"field-unknown.safetensors", `tensor "w": unknown key "stride"`, header(`{"w":{"dtype":"F32","shape":[4],"stride":[1],"data_offsets":[0,16]}}`, 16)},
		{"field-missing.safetensors", `tensor "w": shape is missing`, header(`{"w":{"dtype":"F32","data_offsets":[0,16]}}`, 16)},
		{"shape-negative.safetensors", "-4 is not a whole number", header(`{"w":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}`, 16)},
		{"shape-fraction.safetensors", "4.5 is not a whole number", header(`{"w":{"dtype":"F32","shape":[4.5],"data_offsets":[0,16]}}`, 16)},
		{"shape-text.safetensors", "where a whole number must stand", header(`{"w":{"dtype":"F32","shape":["4"],"data_offsets":[0,16]}}`, 16)},
		{"shape-overflow.safetensors", "overflows", header(`{"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0)},
		{"shape-overflow-zero.safetensors", "overflows", header(`{"w":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,0]}}`, 0)},
		{"shape-rank.safetensors", "more than 64 numbers", header(`{"w":{"dtype":"F32","shape":[`+strings.Repeat("1,", 64)+`4],"data_offsets":[0,16]}}`, 16)},
		{"size-mismatch.safetensors", "takes 12 bytes, but data_offsets [0, 16) hold 16", header(`{"w":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}`, 16)},
		{"offsets-reversed.safetensors", "are not [begin, end]", header(`{"w":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}`, 16)},
		{"offsets-three.safetensors", "more than 2 numbers", header(`{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,8,16]}}`, 16)},
		{"overlap.safetensors", "overlap those of another tensor", header(`{`+one+`,"v":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}`, 16)},
		{"hole.safetensors", "leave a hole after byte 16", header(`{`+one+`,"v":{"dtype":"F32","shape":[1],"data_offsets":[20,24]}}`, 24)},
		{"beyond-data.safetensors", "reach beyond the 12 bytes of data", header(`{`+one+`}`, 12)},
		{"trailing-data.safetensors", "end at byte 16 but the file holds 20 bytes", header(`{`+one+`}`, 20)},
		{"metadata-number.safetensors", `__metadata__: "step": header has 3 where a string must stand`, header(`{"__metadata__":{"step":3}}`, 0)},

		// Things that are no weights.
		{"git-lfs.safetensors", "git lfs pull", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")},
		{"html.bin", "HTML or XML page", []byte("<!DOCTYPE html><html>404</html>")},
		{"gguf.bin", "GGUF", []byte("GGUF\x03\x00\x00\x00\x00\x00\x00\x00")},
		{"tar.bin", "tar format", append(append(make([]byte, 257), "ustar"...), make([]byte, 250)...)},

		// The pickle.
		{"global-system.bin", "global \"posix.system\" is not on the list", zipped(rawPickle("cposix\nsystem\nX\x07\x00\x00\x00echo hi\x85R."), nil)},
		{"global-eval.bin", "global \"builtins.eval\" is not on the list", zipped(rawPickle("cbuiltins\neval\nX\x01\x00\x00\x001\x85R."), nil)},
		{"global-getattr-stack.bin", "global \"builtins.getattr\" is not on the list", zipped(rawPickle("X\x08\x00\x00\x00builtinsX\x07\x00\x00\x00getattr\x93."), nil)},
		{"global-lightning-extra.ckpt", "global \"mytrainer.Hparams\" is not on the list", zipped((&pkl{}).op("\x80\x02}").str("hyper_parameters").op("cmytrainer\nHparams\n)\x81s").str("state_dict").op("}").str("w").tensor(good()).op("ss.").Bytes(), map[string][]byte{"0": four})},
		{"call-data.bin", "a str is called", zipped(rawPickle("X\x01\x00\x00\x00x)R."), nil)},
		{"depth.bin", "more than 1024 collections inside each other", zipped(rawPickle(strings.Repeat("(", 1025)+"."), nil)},
		{"long-int.bin", "an integer of 2000 bytes", zipped(rawPickle("\x8b\xd0\x07\x00\x00"+strings.Repeat("\x01", 2000)+"."), nil)},
		{"string-length.bin", "it ends in the middle", zipped(rawPickle("X\xff\xff\xff\xffabc."), nil)},
		{"string-length-64.bin", "it ends in the middle", zipped(rawPickle("\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc."), nil)},
		{"no-stop.bin", "it ends in the middle", zipped(rawPickle("}"), nil)},
		{"opcode.bin", "there is no such opcode", zipped(rawPickle("\xee."), nil)},
		{"extension.bin", "no checkpoint uses it", zipped(rawPickle("\x82\x01."), nil)},
		{"protocol.bin", "protocol 9 is newer than 5", zipped([]byte("\x80\x09}."), nil)},
		{"memo.bin", "memo 5 was never set", zipped(rawPickle("h\x05."), nil)},
		{"stack-underflow.bin", "the stack is empty", zipped(rawPickle("R."), nil)},
		{"mark-missing.bin", "no mark on the stack", zipped(rawPickle("}u."), nil)},
		{"key-without-value.bin", "a key without its value", zipped(rawPickle("}(K\x01u."), nil)},
		{"text-utf8.bin", "text is not valid UTF-8", zipped(rawPickle("X\x01\x00\x00\x00\xff."), nil)},
		{"persistent-id.bin", "a persistent id that is not a storage", zipped(rawPickle("K\x01Q."), nil)},
		{"root-list.bin", "the file holds a list where a state dict", zipped(rawPickle("]."), nil)},
		{"root-no-tensors.bin", `its keys are ["epoch"]`, zipped(rawPickle("}X\x05\x00\x00\x00epochK\x01s."), nil)},
		{"name-number.bin", "a tensor's name is a int, not text", zipped((&pkl{}).op("\x80\x02}").int(3).tensor(good()).op("s.").Bytes(), map[string][]byte{"0": four})},

		// Tensors that reach where they must not.
		{"view-offset.bin", "reach element 4 of a storage of 4", with(func(v *view) { v.offset = 1 })},
		{"view-offset-negative.bin", "storage offset -1 is negative", with(func(v *view) { v.offset = -1 })},
		{"view-size-negative.bin", "has a negative number", with(func(v *view) { v.size[0] = -2 })},
		{"view-stride-negative.bin", "has a negative number", with(func(v *view) { v.stride[0] = -2 })},
		{"view-stride-far.bin", "reach element 1000001 of a storage of 4", with(func(v *view) { v.stride[0] = 1_000_000 })},
		{"view-stride-overflow.bin", "overflows", with(func(v *view) { v.size = []int64{3, 2}; v.stride[0] = 1 << 62 })},
		{"view-size-overflow.bin", "overflows", with(func(v *view) { v.size = []int64{1 << 40, 1 << 40}; v.stride = []int64{0, 0} })},
		{"view-expanded.bin", "repeats a storage of 4 elements to more than", with(func(v *view) { v.size = []int64{1 << 20, 1 << 10}; v.stride = []int64{0, 0} })},
		{"view-rank.bin", "2 sizes and 1 strides", with(func(v *view) { v.stride = v.stride[:1] })},
		{"storage-overflow.bin", "elements of 4 bytes", with(func(v *view) { v.elements = 1 << 62 })},
		{"storage-negative.bin", "-4 elements of 4 bytes", with(func(v *view) { v.elements = -4 })},
		{"storage-size.bin", "has 16 bytes, the pickle says 400", with(func(v *view) { v.elements = 100 })},
		{"storage-missing.bin", `zip entry "m/data/9" is missing`, with(func(v *view) { v.key = "9" })},
		{"storage-class.bin", "global \"torch.QuantumStorage\" is not on the list", with(func(v *view) { v.class = "QuantumStorage" })},

		// The zip archive.
		{"zip-truncated.bin", "reading the zip directory", ok[:len(ok)-30]},
		{"zip-duplicate.bin", "two entries named \"m/data/0\"", zipFiles([]zipEntry{{"m/data.pkl", stateDict(good()), 0}, {"m/data/0", four, 0}, {"m/data/0", four, 0}})},
		{"zip-overlap.bin", "overlap", patchDirectory(ok, 1, 42, []byte{0, 0, 0, 0})},
		{"zip-stored-sizes.bin", "is stored, yet has the sizes 16 and 32", patchDirectory(ok, 1, 24, []byte{32, 0, 0, 0})},
		{"zip-beyond-file.bin", "reaches beyond the file", patchDirectory(ok, 1, 20, []byte{0, 0, 0, 9, 0, 0, 0, 9})},
		{"zip-encrypted.bin", "is encrypted", patchDirectory(ok, 1, 8, []byte{1, 0})},
		{"zip-method.bin", "is compressed by method 12", patchDirectory(ok, 1, 10, []byte{12, 0})},
		{"zip-bomb.bin", "refused as a decompression bomb", bomb},
		{"zip-checksum.bin", "checksum error", patchDirectory(deflated, 1, 16, []byte{1, 2, 3, 4})},
		{"zip-inflates-further.bin", "storage \"0\"", patchDirectory(zipFiles([]zipEntry{{"m/data.pkl", stateDict(good()), zip.Store}, {"m/data/0", make([]byte, 64), zip.Deflate}}), 1, 24, []byte{16, 0, 0, 0})},
		{"zip-no-pickle.bin", "without a data.pkl", zipFiles([]zipEntry{{"m/other", four, 0}})},
		{"zip-two-pickles.bin", "more than one data.pkl", zipFiles([]zipEntry{{"m/data.pkl", stateDict(good()), 0}, {"n/data.pkl", stateDict(good()), 0}})},
		{"zip-torchscript.bin", "TorchScript", zipFiles([]zipEntry{{"m/data.pkl", stateDict(good()), 0}, {"m/constants.pkl", four, 0}})},
		{"zip-big-endian.bin", "only little-endian files are read", zipFiles([]zipEntry{{"m/data.pkl", stateDict(good()), 0}, {"m/byteorder", []byte("big"), 0}, {"m/data/0", four, 0}})},

		// The legacy stream.
		{"legacy-magic.bin", "its magic number is missing", rawPickle("K\x01.")},
		{"legacy-protocol.bin", "protocol version must be 1001", legacy(magic, "\x01\x00", stateDict(good()), keys, nil)},
		{"legacy-truncated.bin", "16 bytes are announced and 8 left", legacy(magic, version, stateDict(good()), keys, append(le64(4), four[:8]...))},
		{"legacy-count.bin", "5 elements are announced for 16 bytes", legacy(magic, version, stateDict(good()), keys, append(le64(5), four...))},
		{"legacy-unlisted.bin", "is used but has no data", legacy(magic, version, stateDict(good()), "]", nil)},
		{"legacy-unused.bin", "belongs to no tensor", legacy(magic, version, stateDict(good()), "]X\x01\x00\x00\x007a", append(le64(4), four...))},
		{"legacy-twice.bin", "is listed twice", legacy(magic, version, stateDict(good()), keys+"X\x01\x00\x00\x000a", append(append(append(le64(4), four...), le64(4)...), four...))},
		{"legacy-keys.bin", "the storage keys are a dict", legacy(magic, version, stateDict(good()), "}", nil)},
	}
	for _, f := range files {
		write(t, filepath.Join(dir, f.name), f.data)
		write(t, filepath.Join(dir, f.name+".error"), []byte(f.want+"\n"))
	}

	shard := header(`{`+one+`}`, 16)
	folders := []struct{ name, want, index string }{
		{"index-json", "index is not valid JSON", `{"weight_map":`},
		{"index-empty", `index has no "weight_map"`, `{"metadata":{}}`},
		{"index-escapes", "not the name of a weight file beside it", `{"weight_map":{"w":"../../secret.safetensors"}}`},
		{"index-shard-missing", "is not in the folder: download it too", `{"weight_map":{"w":"model-00001-of-00001.safetensors","v":"model-00002-of-00002.safetensors"}}`},
		{"index-tensor-missing", "is missing, though the index places it there", `{"weight_map":{"w":"model-00001-of-00001.safetensors","v":"model-00001-of-00001.safetensors"}}`},
		{"index-twice", "stands in both", `{"weight_map":{"w":"model-00001-of-00001.safetensors","v":"copy.safetensors"}}`},
	}
	for _, f := range folders {
		write(t, filepath.Join(dir, f.name, "model.safetensors.index.json"), []byte(f.index))
		write(t, filepath.Join(dir, f.name, "model-00001-of-00001.safetensors"), shard)
		if f.name == "index-twice" {
			write(t, filepath.Join(dir, f.name, "copy.safetensors"), shard)
		}
		write(t, filepath.Join(dir, f.name+".error"), []byte(f.want+"\n"))
	}
	// Good files are the better half of a fuzzing corpus.
	for name, data := range map[string][]byte{
		"FuzzSafetensors/two-tensors": header(`{"__metadata__":{"format":"pt"},"v":{"dtype":"BF16","shape":[],"data_offsets":[16,18]},`+one+`}`, 18),
		"FuzzTorch/zip":               ok,
		"FuzzTorch/zip-deflated":      deflated,
		"FuzzTorch/zip-transposed":    with(func(v *view) { v.stride = []int64{1, 2} }),
		"FuzzTorch/zip-lightning":     zipped((&pkl{}).op("\x80\x02}").str("state_dict").op("}").str("model.w").tensor(good()).op("ss.").Bytes(), map[string][]byte{"0": four}),
		"FuzzTorch/legacy":            legacy(magic, version, stateDict(good()), keys, append(le64(4), four...)),
	} {
		write(t, filepath.Join("testdata", "fuzz", filepath.FromSlash(name)), fmt.Appendf(nil, "go test fuzz v1\n[]byte(%q)\n", data))
	}
	t.Logf("wrote %d files and %d folders", len(files), len(folders))
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
