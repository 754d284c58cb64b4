package train

import (
	"bufio"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// logs are the files that a run writes as it goes: log.csv with a row a step,
// scores.csv with a row a score, and TensorBoard's event file.
type logs struct {
	steps, evals *table
	events       *events
}

// openLogs opens the logs in dir for what comes after the step with number step.
// Rows of later steps, of a run that was cut off after its last checkpoint, go.
func openLogs(dir string, step int) (*logs, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("train: logs: %w", err)
	}
	steps, err := openTable(filepath.Join(dir, "log.csv"), step, "step", "epoch", "loss", "accuracy", "lr", "grad_norm", "seconds")
	if err != nil {
		return nil, fmt.Errorf("train: logs: %w", err)
	}
	evals, err := openTable(filepath.Join(dir, "scores.csv"), step, "step", "score", "value", "baseline", "baseline_name")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("train: logs: %w", err), steps.close())
	}
	ev, err := openEvents(dir, step)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("train: logs: %w", err), steps.close(), evals.close())
	}
	return &logs{steps, evals, ev}, nil
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func (l *logs) step(s *Step, epoch float64) error {
	now := time.Now()
	err := l.steps.row(strconv.Itoa(s.Step), number(epoch), number(s.Loss), number(s.Accuracy), number(s.LR), number(s.GradNorm),
		number(float64(now.UnixMilli())/1000))
	scalars := map[string]float64{"train/loss": s.Loss, "train/accuracy": s.Accuracy, "train/lr": s.LR, "train/grad_norm": s.GradNorm}
	if len(s.Losses) > 1 {
		for name, v := range s.Losses {
			scalars["train/loss_"+name] = v
		}
	}
	if err = errors.Join(err, l.events.scalars(s.Step, scalars)); err != nil {
		return fmt.Errorf("train: writing the logs of step %d: %w", s.Step, err)
	}
	return nil
}

func (l *logs) scores(step int, scores []Score) error {
	var all error
	scalars := map[string]float64{}
	for _, s := range scores {
		base := ""
		if s.BaselineName != "" {
			base = number(s.Baseline)
			scalars["eval/"+s.Name+" ("+s.BaselineName+")"] = s.Baseline
		}
		all = errors.Join(all, l.evals.row(strconv.Itoa(step), s.Name, number(s.Value), base, s.BaselineName))
		scalars["eval/"+s.Name] = s.Value
	}
	// Scores are rare and worth having at once.
	if all = errors.Join(all, l.events.scalars(step, scalars), l.events.w.Flush(), l.evals.flush(), l.steps.flush()); all != nil {
		return fmt.Errorf("train: writing the scores of step %d: %w", step, all)
	}
	return nil
}

func (l *logs) close() error {
	if err := errors.Join(l.steps.close(), l.evals.close(), l.events.close()); err != nil {
		return fmt.Errorf("train: closing the logs: %w", err)
	}
	return nil
}

// table is a CSV file whose first column is the step.
type table struct {
	f *os.File
	w *csv.Writer
}

func openTable(path string, step int, columns ...string) (*table, error) {
	rows := [][]string{columns}
	if old, err := os.Open(path); err == nil {
		r := csv.NewReader(bufio.NewReader(old))
		r.FieldsPerRecord = -1
		for {
			row, err := r.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || len(row) == 0 {
				break // the end of a file that was cut off
			}
			if n, err := strconv.Atoi(row[0]); err == nil && n <= step && len(row) == len(columns) {
				rows = append(rows, row)
			}
		}
		old.Close()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	tmp := path + ".part"
	f, err := os.Create(tmp)
	if err != nil {
		return nil, err
	}
	t := &table{f, csv.NewWriter(f)}
	if err := errors.Join(t.w.WriteAll(rows), os.Rename(tmp, path)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return t, nil
}

func (t *table) row(fields ...string) error { return t.w.Write(fields) }

func (t *table) flush() error {
	t.w.Flush()
	return t.w.Error()
}

func (t *table) close() error { return errors.Join(t.flush(), t.f.Close()) }

// events is an event file of TensorBoard: tensorflow.Event messages in TFRecord
// frames (tensorflow/core/util/event.proto, core/lib/io/record_writer.h).
type events struct {
	f *os.File
	w *bufio.Writer
}

func openEvents(dir string, step int) (*events, error) {
	// TensorBoard reads the event files of a folder in the order of their names.
	name := fmt.Sprintf("events.out.tfevents.%010d.%d.govle", time.Now().Unix(), step)
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	e := &events{f, bufio.NewWriter(f)}
	err = e.event(0, func(b []byte) []byte {
		return protowire.AppendString(protowire.AppendTag(b, 3, protowire.BytesType), "brain.Event:2")
	})
	if step > 0 {
		// SessionLog START: what was logged from this step on does not count.
		err = errors.Join(err, e.event(step+1, func(b []byte) []byte {
			return protowire.AppendBytes(protowire.AppendTag(b, 7, protowire.BytesType), protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1))
		}))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return e, nil
}

// event writes an Event with the time, the step and what what adds.
func (e *events) event(step int, what func([]byte) []byte) error {
	b := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(float64(time.Now().UnixMicro())/1e6))
	b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), uint64(step))
	b = what(b)
	var head [12]byte
	binary.LittleEndian.PutUint64(head[:], uint64(len(b)))
	binary.LittleEndian.PutUint32(head[8:], maskedCRC(head[:8]))
	_, err1 := e.w.Write(head[:])
	_, err2 := e.w.Write(b)
	return errors.Join(err1, err2, binary.Write(e.w, binary.LittleEndian, maskedCRC(b)))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedCRC is the checksum of a TFRecord frame.
func maskedCRC(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

func (e *events) scalars(step int, values map[string]float64) error {
	var summary []byte
	for _, tag := range slices.Sorted(maps.Keys(values)) {
		v := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), tag)
		v = protowire.AppendFixed32(protowire.AppendTag(v, 2, protowire.Fixed32Type), math.Float32bits(float32(values[tag])))
		summary = protowire.AppendBytes(protowire.AppendTag(summary, 1, protowire.BytesType), v)
	}
	return e.event(step, func(b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(b, 5, protowire.BytesType), summary)
	})
}

func (e *events) close() error { return errors.Join(e.w.Flush(), e.f.Close()) }
