package vle

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"govle/vle/nn"
)

// asked is an exact model's answer to a recorded question of easy-VQA.
type asked struct {
	Question string
	ImageID  int `json:"image_id"`
	Truth    string
	logits   []float32
}

// TestPrecision asks easy-VQA's questions with the weights at each precision
// and bounds what is lost: for int8 a tenth of a point of accuracy. The
// pictures are those of TestEasyVQA.
func TestPrecision(t *testing.T) {
	data := os.Getenv("GOVLE_EASYVQA")
	if data == "" || testing.Short() {
		t.Skip("set GOVLE_EASYVQA to the folder easy_vqa/data/test of the PyPI package easy-vqa 1.0")
	}
	dir := golden(t, "easyvqa")
	p, err := OpenVQA(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	labels := p.Model.Config().Labels
	var questions []*asked
	lines(t, filepath.Join(dir, "predictions.jsonl"), func(line []byte) {
		q := new(asked)
		if err := json.Unmarshal(line, q); err != nil {
			t.Fatal(err)
		}
		questions = append(questions, q)
	})
	exact := 0.0
	for _, c := range []struct {
		precision     nn.Precision
		lost, changed float64 // bounds, in points and as a share
		off           float64 // of any logit
	}{
		{nn.Float32, 0, 0, 1e-4},
		{nn.BFloat16, 0.1, 0.002, 0.2},
		{nn.Int8, 0.1, 0.002, 1.5},
	} {
		PackWith(p.Model, PackOptions{Precision: c.precision})
		correct, changed, off := 0, 0, 0.0
		pics := pictures{}
		var spent time.Duration
		for _, q := range questions {
			img := pics.open(t, filepath.Join(data, "images", fmt.Sprintf("%d.png", q.ImageID)))
			start := time.Now()
			logits, err := p.Logits(img, q.Question)
			if err != nil {
				t.Fatal(err)
			}
			spent += time.Since(start)
			if q.logits == nil {
				q.logits = logits
			}
			for i, w := range q.logits {
				off = max(off, math.Abs(float64(logits[i]-w)))
			}
			best := topAnswers("", logits, labels, 1).Best()
			if best == q.Truth {
				correct++
			}
			if best != topAnswers("", q.logits, labels, 1).Best() {
				changed++
			}
		}
		n := float64(len(questions))
		accuracy, share := 100*float64(correct)/n, float64(changed)/n
		if c.precision == nn.Float32 {
			exact = accuracy
		}
		t.Logf("%v: %.2f %% of %d right, %.3f %% of answers changed, largest logit change %.3g, %v a question",
			c.precision, accuracy, len(questions), 100*share, off, (spent / time.Duration(n)).Round(10*time.Microsecond))
		if exact-accuracy > c.lost || share > c.changed || off > c.off {
			t.Errorf("%v: lost %.2f points, changed %.3f %% and a logit by %g; may be %g, %g %% and %g",
				c.precision, exact-accuracy, 100*share, off, c.lost, 100*c.changed, c.off)
		}
	}
}
