package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"govle/vle"
	"govle/vle/checkpoint"
)

// state is what a run has come to, besides the weights and the moments. All
// random choices follow from the seed and the step, so there is no generator's
// state in it.
type state struct {
	Settings map[string]string `json:"settings"`
	Step     int               `json:"step"`
	Seconds  float64           `json:"seconds"`
	// Best is the best first score, of step BestStep (0 for none), and Worse the
	// number of evaluations since.
	Best        float64     `json:"best"`
	BestStep    int         `json:"best_step"`
	Worse       int         `json:"worse"`
	Stopped     string      `json:"stopped,omitempty"`
	Evaluations []Evaluated `json:"evaluations,omitempty"`
	Curve       Curve       `json:"curve"`
	// Updates counts each parameter's, for the bias correction.
	Updates map[string]int `json:"updates,omitempty"`
}

// Evaluated are the scores after a step.
type Evaluated struct {
	Step   int     `json:"step"`
	Scores []Score `json:"scores"`
}

func (s *state) elapsed() time.Duration { return time.Duration(s.Seconds * float64(time.Second)) }

// settings are those that a run cannot change without becoming another one.
func (t *Trainer) settings() map[string]string {
	o := t.opts
	var mix []string
	for _, w := range o.Mix {
		mix = append(mix, fmt.Sprintf("%s×%g", w.Objective.Name(), w.Weight))
	}
	return map[string]string{
		"objectives": strings.Join(mix, " "),
		"examples":   fmt.Sprint(t.data.Len()),
		"steps":      fmt.Sprint(t.total),
		"batch":      fmt.Sprint(o.Batch),
		"accumulate": fmt.Sprint(o.Accumulate),
		"shards":     fmt.Sprint(o.Shards),
		"pictures":   fmt.Sprint(o.PerPicture),
		"seed":       fmt.Sprint(o.Seed),
		"dropout":    fmt.Sprint(!o.NoDropout),
		"groups":     fmt.Sprintf("%+v", o.Groups),
		"optimiser":  fmt.Sprintf("%+v", o.Optimizer.defaults()),
		"schedule":   fmt.Sprintf("%+v", o.Schedule),
		"clip":       fmt.Sprint(o.ClipNorm),
	}
}

const (
	stateFile   = "trainer.json"
	momentsFile = "optimizer.safetensors"
	lastName    = "last"
	bestName    = "best"
)

// save writes a checkpoint into a folder of its own and then makes last, and
// best if it is, point to it. Until then nothing of the former ones is touched.
func (t *Trainer) save() error {
	if err := t.write(); err != nil {
		return fmt.Errorf("train: saving the checkpoint of step %d: %w; the former checkpoint is untouched and the run is still in memory: make room and call Fit again", t.state.Step, err)
	}
	t.savedStep, t.saveBest = t.state.Step, false
	return nil
}

func (t *Trainer) write() error {
	dir := t.opts.Dir
	name := fmt.Sprintf("step-%08d", t.state.Step)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if t.savedStep != t.state.Step {
		tmp := filepath.Join(dir, "."+name+".part")
		if err := os.RemoveAll(tmp); err != nil {
			return err
		}
		if err := t.writeFiles(tmp); err != nil {
			return errors.Join(err, os.RemoveAll(tmp))
		}
		// Nothing points to a folder of that name: a save was cut off after it.
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
		if err := os.Rename(tmp, filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if t.saveBest {
		if err := point(dir, bestName, name); err != nil {
			return err
		}
	}
	if err := point(dir, lastName, name); err != nil {
		return err
	}
	return prune(dir)
}

func (t *Trainer) writeFiles(dir string) error {
	if err := vle.Save(dir, t.model, t.opts.Processor, checkpoint.SaveOptions{}); err != nil {
		return err
	}
	if err := checkpoint.Save(filepath.Join(dir, momentsFile), moments(t.params), checkpoint.SaveOptions{}); err != nil {
		return err
	}
	s := t.state
	s.Updates = map[string]int{}
	for _, p := range t.params {
		if p.steps > 0 {
			s.Updates[p.Name] = p.steps
		}
	}
	data, err := json.MarshalIndent(&s, "", " ")
	if err != nil {
		return err
	}
	return writeSynced(filepath.Join(dir, stateFile), data)
}

func writeSynced(path string, data []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

// point makes the symbolic link dir/name point to the folder target beside it,
// replacing the former link at once.
func point(dir, name, target string) error {
	link := filepath.Join(dir, name)
	if info, err := os.Lstat(link); err == nil && info.Mode()&fs.ModeSymlink == 0 {
		return fmt.Errorf("%s is there and is not a link that train made: move it away", link)
	}
	tmp := filepath.Join(dir, "."+name+".part")
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, link)
}

// prune removes the checkpoints that neither last nor best points to.
func prune(dir string) error {
	keep := map[string]bool{}
	for _, name := range []string{lastName, bestName} {
		if target, err := os.Readlink(filepath.Join(dir, name)); err == nil {
			keep[target] = true
		}
	}
	old, err := filepath.Glob(filepath.Join(dir, "step-????????"))
	if err != nil {
		return err
	}
	for _, p := range old {
		if !keep[filepath.Base(p)] {
			if err := os.RemoveAll(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// resume reads the last checkpoint, if there is one; not asked to, it keeps a new
// run from writing over it.
func (t *Trainer) resume() error {
	dir := filepath.Join(t.opts.Dir, lastName)
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("train: resuming: %w", err)
	}
	if !t.opts.Resume {
		return fmt.Errorf("train: %s holds the checkpoint of a run: set Resume to go on with it, or choose another Dir", dir)
	}
	if err := t.restore(dir, data); err != nil {
		return fmt.Errorf("train: resuming from %s: %w", dir, err)
	}
	return nil
}

func (t *Trainer) restore(dir string, data []byte) error {
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return fmt.Errorf("%s: %w", stateFile, err)
	}
	for name, want := range t.settings() {
		if got := s.Settings[name]; got != want {
			return fmt.Errorf("that run had %s %q, this one has %q: use the same, or start anew in another folder", name, got, want)
		}
	}
	if s.Step < 0 || s.Step > t.total {
		return fmt.Errorf("%s: step %d of %d", stateFile, s.Step, t.total)
	}
	weights, err := checkpoint.Open(dir)
	if err != nil {
		return err
	}
	defer weights.Close()
	opt, err := checkpoint.Open(filepath.Join(dir, momentsFile))
	if err != nil {
		return err
	}
	defer opt.Close()
	values := make([][]float32, len(t.params)) // all are read before one is changed
	for i, p := range t.params {
		if values[i], err = weights.Float32(p.Name); err != nil {
			return err
		}
		if len(values[i]) != len(p.Value) {
			return fmt.Errorf("%s has %d elements, the model's %d", p.Name, len(values[i]), len(p.Value))
		}
	}
	if err := setMoments(t.params, opt, s.Updates); err != nil {
		return fmt.Errorf("%s: %w", momentsFile, err)
	}
	for i, p := range t.params {
		if !p.Frozen {
			copy(p.Value, values[i])
		}
	}
	s.Updates = nil
	t.state, t.savedStep = s, s.Step
	return nil
}
