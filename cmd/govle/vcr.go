package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"govle/vle"
	"govle/vle/checkpoint"
	"govle/vle/imageproc"
)

// vcrItem is a question as VCR's annotation files have them, one a line. The
// objects' boxes are its own or those of the file that metadata_fn names.
type vcrItem struct {
	Image    string        `json:"img_fn"`
	Metadata string        `json:"metadata_fn"`
	Label    *int          `json:"answer_label"`
	Boxes    [][]float64   `json:"boxes"`
	Objects  []string      `json:"objects"`
	Question []vle.VCRWord `json:"question"`

	Answers    [][]vle.VCRWord `json:"answer_choices"`
	Rationales [][]vle.VCRWord `json:"rationale_choices"`
}

// vcrLine is a line of govle vcr --json.
type vcrLine struct {
	Image     string      `json:"image"`
	Answer    *vcrOutcome `json:"answer,omitempty"`
	Rationale *vcrOutcome `json:"rationale,omitempty"`
}

type vcrOutcome struct {
	Best   int       `json:"best"`
	Scores []float64 `json:"scores"`
	Logits []float64 `json:"logits"`
	Texts  []string  `json:"texts"`
}

func vcrCommand() *cobra.Command {
	var models []string
	var images string
	var answer int
	var asJSON, reference bool
	var precision precisionFlag
	cmd := &cobra.Command{
		Use:   "vcr FILE",
		Short: "Choose answers and rationales to questions about a picture's objects",
		Long: `Answer questions of visual commonsense reasoning. FILE holds a JSON object a line, or
one over many lines, in the form of VCR's annotations; - reads standard input:

  img_fn             the picture, in the folder --images
  objects, boxes     the objects' classes and boxes [left, top, right, bottom]; boxes
                     may be in the JSON file that metadata_fn names instead
  question           words; a list of numbers names objects: ["Why", "is", [0], "wet", "?"]
  answer_choices     the answers, words likewise
  rationale_choices  the rationales, for a QA2R model
  answer_label       the answer that the rationales are for (or --answer)

--model takes a folder with a Q2A head, which chooses an answer, or a QA2R head, which
chooses a rationale. Given both, the rationale is for the answer that was chosen.

--json prints an object a line: image, answer and rationale, each with best (a number
from 0), scores, logits and texts (the choices as the model read them).`,
		Example: `  govle vcr val.jsonl --images vcr1images --model vle-base-for-vcr-q2a --json
  govle vcr one.json --model vle-base-for-vcr-q2a --model vle-base-for-vcr-qa2r`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(models) == 0 || len(models) > 2 {
				return usagef("--model is missing or given too often: name a folder with a Q2A head, one with a QA2R head, or both")
			}
			q2a, qa2r, err := openVCR(models)
			if err != nil {
				return err
			}
			for _, p := range []*vle.VCRPipeline{q2a, qa2r} {
				if p != nil {
					p.Reference = reference
					precision.apply(p.Model)
					defer p.Close()
				}
			}
			in, name := cmd.InOrStdin(), "standard input"
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in, name = f, args[0]
				if images == "" {
					images = filepath.Dir(name)
				}
			}
			var picture vcrPicture
			dec := json.NewDecoder(in)
			for n := 1; ; n++ {
				var item vcrItem
				if err := dec.Decode(&item); err == io.EOF && n > 1 {
					return nil
				} else if err == io.EOF {
					return fmt.Errorf("%s: there are no questions", name)
				} else if err != nil {
					return fmt.Errorf("%s: question %d: %w", name, n, err)
				}
				line, text, err := item.choose(q2a, qa2r, &picture, images, answer)
				if err != nil {
					return fmt.Errorf("%s: question %d: %w", name, n, err)
				}
				if asJSON {
					err = printJSON(cmd.OutOrStdout(), line)
				} else {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
				}
				if err != nil {
					return err
				}
			}
		},
	}
	f := cmd.Flags()
	precision.add(f)
	f.StringArrayVar(&models, "model", nil, "`folder` of a model with a Q2A or QA2R head; may be given twice")
	f.StringVar(&images, "images", "", "`folder` of the pictures (default: that of FILE)")
	f.IntVar(&answer, "answer", -1, "`number` of the answer, from 0, that rationales are for")
	f.BoolVar(&reference, "reference", false, "reproduce the reference, its mistakes included")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// openVCR opens models by the heads that their weights have. A folder may have
// both.
func openVCR(dirs []string) (q2a, qa2r *vle.VCRPipeline, err error) {
	for _, dir := range dirs {
		tasks, err := vcrTasks(dir)
		if err != nil {
			return nil, nil, err
		}
		for _, task := range tasks {
			p := &q2a
			if task == vle.QA2R {
				p = &qa2r
			}
			if *p != nil {
				return nil, nil, usagef("--model %s: two models have a head for %v", dir, task)
			}
			if *p, err = vle.OpenVCR(dir, task); err != nil {
				return nil, nil, err
			}
		}
	}
	return q2a, qa2r, nil
}

// vcrTasks lists the tasks that a folder's weights have heads for.
func vcrTasks(dir string) ([]vle.VCRTask, error) {
	var store *checkpoint.Store
	var err error
	if dir == vle.EmbeddedModel {
		store, err = checkpoint.OpenFS(vle.EmbeddedFiles(), ".")
	} else {
		store, err = checkpoint.Open(dir)
	}
	if err != nil {
		return nil, err
	}
	defer store.Close()
	d, err := checkpoint.Describe(store)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	var tasks []vle.VCRTask
	for i, weight := range []string{"vcr_q2a_logit.3.weight", "vcr_qa2r_logit.3.weight"} {
		if store.Shape(weight) != nil {
			tasks = append(tasks, []vle.VCRTask{vle.Q2A, vle.QA2R}[i])
		}
	}
	if len(tasks) == 0 {
		return nil, fmt.Errorf("%s holds no Q2A or QA2R head but %s", dir, d.Head)
	}
	return tasks, nil
}

// vcrPicture is the picture that the last question was about, as each model
// encoded it: VCR's files have the questions about a picture in a row.
type vcrPicture struct {
	name      string
	q2a, qa2r *vle.EncodedImage
}

// look encodes a picture for the models that there are.
func (v *vcrPicture) look(name string, q2a, qa2r *vle.VCRPipeline) error {
	if name == v.name {
		return nil
	}
	*v = vcrPicture{}
	img, err := imageproc.DecodeFile(name, nil)
	if err != nil {
		return err
	}
	if q2a != nil {
		if v.q2a, err = q2a.EncodeImage(img); err != nil {
			return err
		}
	}
	if qa2r != nil {
		if v.qa2r, err = qa2r.EncodeImage(img); err != nil {
			return err
		}
	}
	v.name = name
	return nil
}

// choose asks the models that there are. given is the answer of --answer.
func (v *vcrItem) choose(q2a, qa2r *vle.VCRPipeline, seen *vcrPicture, images string, given int) (*vcrLine, string, error) {
	if v.Image == "" {
		return nil, "", fmt.Errorf(`"img_fn" is missing`)
	}
	picture := filepath.Join(images, v.Image)
	if err := seen.look(picture, q2a, qa2r); err != nil {
		return nil, "", err
	}
	var err error
	q := &vle.VCRQuestion{Objects: v.Objects, Boxes: v.Boxes, Question: v.Question, Answers: v.Answers, Rationales: v.Rationales}
	if q.Boxes == nil && v.Metadata != "" {
		if q.Boxes, err = readBoxes(filepath.Join(images, v.Metadata)); err != nil {
			return nil, "", err
		}
	}
	line := &vcrLine{Image: picture}
	parts := []string{picture}
	if q2a != nil {
		c, err := q2a.Choose(seen.q2a, q, 0)
		if err != nil {
			return nil, "", err
		}
		line.Answer = &vcrOutcome{c.Best, c.Scores, c.Logits, c.Texts}
		parts = append(parts, indent(c.String()))
		given = c.Best
	}
	if qa2r != nil {
		if given < 0 && v.Label != nil {
			given = *v.Label
		}
		if given < 0 {
			return nil, "", fmt.Errorf(`a QA2R model needs to know the answer: give "answer_label", --answer or a Q2A model as well`)
		}
		c, err := qa2r.Choose(seen.qa2r, q, given)
		if err != nil {
			return nil, "", err
		}
		line.Rationale = &vcrOutcome{c.Best, c.Scores, c.Logits, c.Texts}
		parts = append(parts, indent(c.String()))
	}
	return line, strings.Join(parts, "\n"), nil
}

// readBoxes reads a metadata file of VCR's.
func readBoxes(name string) ([][]float64, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var m struct {
		Boxes [][]float64 `json:"boxes"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m.Boxes, nil
}
