package train_test

import (
	"context"
	"encoding/binary"
	"encoding/csv"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"govle/vle"
	"govle/vle/train"
)

// TestLogs reads both logs back, the event file frame by frame as TensorBoard does.
func TestLogs(t *testing.T) {
	o := quiet()
	o.Dir = t.TempDir()
	held := &train.Held{Objective: train.VQA{}, Data: squares(20, 5), Baseline: 0.4, BaselineName: "question only"}
	o.Evaluate = held.Evaluate
	tr := trainer(t, fresh(t, vle.NewVQA), squares(64, 3), o)
	if err := tr.Fit(context.Background()); err != nil {
		t.Fatal(err)
	}
	rows := func(name string) [][]string {
		f, err := os.Open(filepath.Join(o.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		all, err := csv.NewReader(f).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	steps := rows("log.csv")
	if len(steps) != 5 || steps[0][2] != "loss" {
		t.Fatalf("log.csv: %v", steps)
	}
	if s := rows("scores.csv"); len(s) != 3 || s[1][1] != "vqa accuracy" || s[1][3] != "0.4" || s[1][4] != "question only" {
		t.Errorf("scores.csv: %v", s)
	}
	files, _ := filepath.Glob(filepath.Join(o.Dir, "events.out.tfevents.*"))
	if len(files) != 1 {
		t.Fatalf("event files: %v", files)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var losses []float32
	names := map[string]bool{}
	version := ""
	for len(data) > 0 {
		n := binary.LittleEndian.Uint64(data)
		if got := binary.LittleEndian.Uint32(data[8:]); got != masked(data[:8]) {
			t.Fatal("checksum of a length")
		}
		event := data[12 : 12+n]
		if got := binary.LittleEndian.Uint32(data[12+n:]); got != masked(event) {
			t.Fatal("checksum of an event")
		}
		data = data[16+n:]
		fields(t, event, func(num protowire.Number, b []byte, _ uint64) {
			switch num {
			case 3:
				version = string(b)
			case 5:
				fields(t, b, func(_ protowire.Number, value []byte, _ uint64) {
					var tag string
					var v float32
					fields(t, value, func(num protowire.Number, b []byte, bits uint64) {
						if num == 1 {
							tag = string(b)
						} else if num == 2 {
							v = math.Float32frombits(uint32(bits))
						}
					})
					names[tag] = true
					if tag == "train/loss" {
						losses = append(losses, v)
					}
				})
			}
		})
	}
	if version != "brain.Event:2" || len(losses) != 4 || !names["eval/vqa accuracy"] || !names["eval/vqa accuracy (question only)"] {
		t.Fatalf("version %q, losses %v, names %v", version, losses, names)
	}
	for i, v := range losses {
		if want, err := strconv.ParseFloat(steps[i+1][2], 64); err != nil || float32(want) != v {
			t.Errorf("step %d: loss %g in the events, %s in the table", i+1, v, steps[i+1][2])
		}
	}
}

func masked(b []byte) uint32 {
	c := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return (c>>15 | c<<17) + 0xa282ead8
}

// fields calls f for each field of a message.
func fields(t *testing.T, b []byte, f func(num protowire.Number, bytes []byte, bits uint64)) {
	t.Helper()
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		var v []byte
		var bits uint64
		switch typ {
		case protowire.BytesType:
			v, n = protowire.ConsumeBytes(b)
		case protowire.VarintType:
			bits, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			var x uint32
			x, n = protowire.ConsumeFixed32(b)
			bits = uint64(x)
		case protowire.Fixed64Type:
			bits, n = protowire.ConsumeFixed64(b)
		default:
			t.Fatalf("field type %v", typ)
		}
		if n < 0 {
			t.Fatal(protowire.ParseError(n))
		}
		b = b[n:]
		f(num, v, bits)
	}
}
