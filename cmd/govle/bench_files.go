package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/imageproc"
	"govle/vle/tokenizer"
)

// fileBench times what lies around the model: weights, texts, pictures, and the
// small embedded model from a picture's bytes to its answer.
func fileBench() []benchCase {
	return []benchCase{
		{
			name: "load/safetensors", about: "opening base-size weights, model ready to run", target: 0.010,
			prepare: func(b *bench) ([]benchSide, error) { return b.loadSides("model.safetensors") },
		},
		{
			name: "load/bin", about: "opening base-size weights of torch.save, model ready to run",
			prepare: func(b *bench) ([]benchSide, error) { return b.loadSides("pytorch_model.bin") },
		},
		{
			name: "tokenizer/single", about: "400 questions, one call each",
			prepare: func(b *bench) ([]benchSide, error) { return b.tokenizerSides(true) },
		},
		{
			name: "tokenizer/batch", about: "400 questions, one call",
			prepare: func(b *bench) ([]benchSide, error) { return b.tokenizerSides(false) },
		},
		{
			name: "picture/jpeg", about: "a 640×480 JPEG's bytes to 3×224×224 numbers",
			prepare: func(b *bench) ([]benchSide, error) { return b.pictureSides() },
		},
		{
			name: "embedded", about: "embedded model: a picture's bytes and a question to an answer", target: 0.005,
			prepare: func(b *bench) ([]benchSide, error) { return b.embeddedSides() },
		},
	}
}

func (b *bench) loadSides(file string) ([]benchSide, error) {
	dir, err := b.weightsFolder("base")
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, file)
	cfg := benchConfig("base", 224)
	request := map[string]any{
		"kind": "load", "path": path, "weights": filepath.Join(dir, "model.safetensors"), "config": cfg, "labels": benchLabels,
	}
	if strings.HasSuffix(file, ".bin") && b.noPeer != nil {
		return nil, fmt.Errorf("%w: torch.save must write the file: %w", errSkip, b.noPeer)
	}
	sides, err := b.addPeer([]benchSide{timed("govle", func() error {
		m, err := vle.NewVQA(cfg)
		if err != nil {
			return err
		}
		store, err := checkpoint.Open(path)
		if err != nil {
			return err
		}
		defer store.Close()
		_, err = vle.Load(m, store, vle.LoadOptions{})
		return err
	})}, "torch", "PyTorch, mapped", 0, request)
	return sides, err
}

// benchQuestions are questions of different lengths.
func benchQuestions() []string {
	things := []string{"the dog", "a red umbrella", "the man in the yellow jacket", "the second bus from the left", "everything on the kitchen table"}
	forms := []string{"What colour is %s?", "How many people are looking at %s?", "Is %s bigger than the tree?", "Why would somebody put %s there, of all places?"}
	var out []string
	for i := range 400 {
		thing := fmt.Sprintf("%s number %d", things[i/len(forms)%len(things)], i*i)
		out = append(out, fmt.Sprintf(forms[i%len(forms)], thing)+strings.Repeat(" Really?", i%3))
	}
	return out
}

func (b *bench) tokenizerSides(single bool) ([]benchSide, error) {
	dir, err := b.smallFolder()
	if err != nil {
		return nil, err
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		return nil, err
	}
	texts := benchQuestions()
	var ids []float64
	take := func(e *tokenizer.Encoding) {
		for _, id := range e.IDs {
			ids = append(ids, float64(id))
		}
	}
	own := timed("govle", func() error {
		ids = ids[:0]
		if !single {
			all, err := tok.EncodeBatch(texts, nil, tokenizer.Options{})
			if err != nil {
				return err
			}
			for _, e := range all {
				take(e)
			}
			return nil
		}
		for _, t := range texts {
			e, err := tok.Encode(t, tokenizer.Options{})
			if err != nil {
				return err
			}
			take(e)
		}
		return nil
	})
	own.result = func() ([]float64, error) {
		_, err := own.time(1)
		return ids, err
	}
	return b.addPeer([]benchSide{own}, "tools", "transformers (fast)", 0.5, map[string]any{
		"kind": "tokenizer", "folder": dir, "texts": texts, "single": single,
	})
}

// smallFolder is the embedded model as a folder.
func (b *bench) smallFolder() (string, error) {
	dir := filepath.Join(b.opts.dir, "embedded")
	if _, err := os.Stat(filepath.Join(dir, "model.safetensors")); err == nil {
		return dir, nil
	}
	p, err := vle.Embedded()
	if err != nil {
		return "", err
	}
	return dir, vle.Save(dir, p.Model, p.Processor, checkpoint.SaveOptions{})
}

// picturePath is a JPEG with edges and smooth parts, written when first asked for.
func (b *bench) picturePath() (string, error) {
	path := filepath.Join(b.opts.dir, "picture.jpg")
	img := image.NewNRGBA(image.Rect(0, 0, 640, 480))
	for y := range 480 {
		for x := range 640 {
			wave := 127 + 80*math.Sin(float64(x)/17)*math.Cos(float64(y)/23) + float64((x*7919+y*104729)%31)
			img.SetNRGBA(x, y, color.NRGBA{R: uint8(min(wave, 255)), G: uint8(x * 255 / 640), B: uint8((x/40 + y/40) % 2 * 200), A: 255})
		}
	}
	var data bytes.Buffer
	if err := jpeg.Encode(&data, img, &jpeg.Options{Quality: 90}); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, data.Bytes(), 0o644)
}

func (b *bench) pictureSides() ([]benchSide, error) {
	path, err := b.picturePath()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	proc := imageproc.New(224)
	var last *imageproc.Pixels
	own := timed("govle", func() error {
		img, err := imageproc.DecodeBytes(data, nil)
		if err != nil {
			return err
		}
		last, err = proc.Process(img)
		return err
	})
	own.result = func() ([]float64, error) {
		if _, err := own.time(1); err != nil {
			return nil, err
		}
		return float64s(last.Data), nil
	}
	return b.addPeer([]benchSide{own}, "tools", "Pillow and numpy", 1e-5, map[string]any{"kind": "picture", "path": path, "size": 224})
}

func (b *bench) embeddedSides() ([]benchSide, error) {
	dir, err := b.smallFolder()
	if err != nil {
		return nil, err
	}
	path, err := b.picturePath()
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p, err := vle.Embedded()
	if err != nil {
		return nil, err
	}
	const question = "What colour is the circle?"
	var logits []float32
	own := timed("govle", func() error {
		img, err := imageproc.DecodeBytes(data, nil)
		if err != nil {
			return err
		}
		logits, err = p.Logits(img, question)
		return err
	})
	own.result = func() ([]float64, error) {
		if _, err := own.time(1); err != nil {
			return nil, err
		}
		return float64s(logits), nil
	}
	return b.addPeer([]benchSide{own}, "torch", "PyTorch, transformers, Pillow", 1e-4, map[string]any{
		"kind": "ask", "folder": dir, "path": path, "question": question,
	})
}

// memoryBench compares the peak of resident memory of a process that opens the
// base size and answers one question.
func memoryBench() []benchCase {
	return []benchCase{{
		name: "memory/base", about: "peak resident memory: open the base size, answer one question at 224 px", target: 1.25, rival: "PyTorch",
		prepare: func(b *bench) ([]benchSide, error) {
			dir, err := b.weightsFolder("base")
			if err != nil {
				return nil, err
			}
			path, err := b.picturePath()
			if err != nil {
				return nil, err
			}
			exe, err := os.Executable()
			if err != nil {
				return nil, err
			}
			sides := []benchSide{{name: "govle vqa", bytes: true, note: "weights mapped, their pages count", time: func(int) ([]float64, error) {
				cmd := exec.CommandContext(b.ctx, exe, "vqa", path, "What colour is the circle?", "--model", dir)
				if out, err := cmd.CombinedOutput(); err != nil {
					return nil, fmt.Errorf("govle vqa: %w: %s", err, out)
				}
				peak, err := peakMemory(cmd.ProcessState)
				return []float64{peak}, err
			}}}
			if b.noPeer != nil {
				return sides, nil
			}
			ids, mask := padded(benchTexts(1, 17, 17))
			for _, mapped := range []bool{true, false} {
				name := "PyTorch, weights mapped"
				if !mapped {
					name = "PyTorch, weights copied"
				}
				sides = append(sides, benchSide{name: name, bytes: true, time: func(int) ([]float64, error) {
					s, err := b.peerSide("memory", name, map[string]any{
						"kind": "model", "config": benchConfig("base", 224), "labels": benchLabels, "ids": ids, "mask": mask,
						"weights": filepath.Join(dir, "model.safetensors"), "mapped": mapped,
					})
					if err != nil {
						return nil, err
					}
					defer s.close()
					p, err := b.peer("memory")
					if err != nil {
						return nil, err
					}
					if _, err := s.time(1); err != nil {
						return nil, err
					}
					r, err := p.ask(map[string]any{"op": "memory"})
					if err != nil {
						return nil, err
					}
					return []float64{r.Bytes}, nil
				}})
			}
			return sides, nil
		},
	}}
}
