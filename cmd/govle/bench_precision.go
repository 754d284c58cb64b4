package main

import (
	"fmt"
	"image"
	"math"
	"path/filepath"
	"slices"
	"time"

	"govle/datasets"
	"govle/datasets/easyvqa"
	"govle/vle"
	"govle/vle/imageproc"
	"govle/vle/nn"
)

// precisionBench asks the embedded model the test questions of easy-VQA with
// weights of each precision. It needs the pictures of the PyPI package easy-vqa.
func precisionBench() []benchCase {
	return []benchCase{{
		name: "precision/easy-vqa", about: "embedded model, one question of easy-VQA's test split, from the decoded picture to the answer",
		prepare: func(b *bench) ([]benchSide, error) {
			folder := b.opts.easyVQA
			if folder == "" {
				folder = easyVQABeside(b.opts.python)
			}
			if folder == "" {
				return nil, fmt.Errorf("%w: needs the pictures of the PyPI package easy-vqa 1.0, which make bench-peers installs; or unpack it and give its folder easy_vqa/data with --easy-vqa", errSkip)
			}
			exam, err := readEasyVQA(folder)
			if err != nil {
				return nil, err
			}
			small, err := vle.Embedded()
			if err != nil {
				return nil, err
			}
			var sides []benchSide
			var exact [][]float32
			for _, precision := range []nn.Precision{nn.Float32, nn.BFloat16, nn.Int8} {
				dir, err := b.smallFolder()
				if err != nil {
					return nil, err
				}
				p, err := vle.OpenVQA(dir)
				if err != nil {
					return nil, err
				}
				vle.PackWith(p.Model, vle.PackOptions{Precision: precision})
				name := "govle " + precision.String()
				logits, err := exam.take(p)
				if err != nil {
					return nil, err
				}
				if exact == nil {
					exact = logits
				}
				side := benchSide{name: name, note: exam.mark(logits, exact, small.Model.Config().Labels), close: func() { p.Close() }}
				side.time = func(n int) ([]float64, error) {
					seconds := make([]float64, n)
					for i := range seconds {
						q := exam.questions[i%len(exam.questions)]
						start := time.Now()
						if _, err := p.Logits(exam.pictures[q.Picture.Name], q.Text); err != nil {
							return nil, err
						}
						seconds[i] = time.Since(start).Seconds()
					}
					return seconds, nil
				}
				sides = append(sides, side)
			}
			return sides, nil
		},
	}}
}

// easyVQABeside is where the virtual environment of that Python has easy-VQA's
// pictures, "" where it has none.
func easyVQABeside(python string) string {
	found, err := filepath.Glob(filepath.Join(filepath.Dir(python), "..", "lib", "python*", "site-packages", "easy_vqa", "data"))
	if err != nil || len(found) == 0 {
		return ""
	}
	return found[0]
}

// easyExam is a split of easy-VQA with its pictures, by name.
type easyExam struct {
	questions datasets.List[datasets.Question]
	pictures  map[string]image.Image
}

func readEasyVQA(dir string) (*easyExam, error) {
	questions, err := easyvqa.Open(dir, "test")
	if err != nil {
		return nil, err
	}
	e := &easyExam{questions, map[string]image.Image{}}
	for _, q := range questions {
		if e.pictures[q.Picture.Name] == nil {
			if e.pictures[q.Picture.Name], err = imageproc.DecodeFile(q.Picture.File, nil); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// take asks all questions.
func (e *easyExam) take(p *vle.VQAPipeline) ([][]float32, error) {
	out := make([][]float32, len(e.questions))
	for i, q := range e.questions {
		var err error
		if out[i], err = p.Logits(e.pictures[q.Picture.Name], q.Text); err != nil {
			return nil, fmt.Errorf("question %d, %q: %w", i, q.Text, err)
		}
	}
	return out, nil
}

// mark says how many answers are right, how many differ from those of exact,
// and by how much the logits do.
func (e *easyExam) mark(logits, exact [][]float32, labels vle.Labels) string {
	right, changed, worst := 0, 0, 0.0
	for i, x := range logits {
		best := slices.Index(x, slices.Max(x))
		if labels[best] == e.questions[i].Answer {
			right++
		}
		if best != slices.Index(exact[i], slices.Max(exact[i])) {
			changed++
		}
		for k := range x {
			worst = max(worst, math.Abs(float64(x[k])-float64(exact[i][k])))
		}
	}
	n := float64(len(logits))
	return fmt.Sprintf("%.2f %% of %d right, %.2f %% of the answers changed, logits within %.2g",
		100*float64(right)/n, len(logits), 100*float64(changed)/n, worst)
}
