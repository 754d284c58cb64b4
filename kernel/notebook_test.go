package kernel

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"govle/kernel/client"
	"govle/kernel/notebook"
	"govle/kernel/wire"
)

// TestLateOutputInNotebook runs notebooks whose goroutines print after the end of
// their cell: what they print must stand in that cell.
func TestLateOutputInNotebook(t *testing.T) {
	for _, tt := range []struct {
		name  string
		grace time.Duration
		cells []string
		want  []string // stdout, cell by cell
	}{
		{"while another cell runs", 0, []string{"print one\nlater 100ms", "print two\nsleep 300ms"}, []string{"one\nlate\n", "two\n"}},
		{"after the last cell", 0, []string{"print one\nlater 100ms"}, []string{"one\nlate\n"}},
		{"each puts the end off", 200 * time.Millisecond, []string{"later 150ms\nlater 300ms\nlater 450ms"}, []string{"late\nlate\nlate\n"}},
		{"no grace", -1, []string{"later 300ms"}, []string{""}},
		{"of a cell that failed", 0, []string{"later 100ms\nerror no", "print never"}, []string{"late\n", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nb := &notebook.Notebook{}
			for _, source := range tt.cells {
				nb.Cells = append(nb.Cells, &notebook.Cell{Type: notebook.Code, Source: source})
			}
			out := t.TempDir() + "/out.ipynb"
			err := notebook.Run(t.Context(), nb, notebook.RunOptions{Spec: fakeSpec(t, "message"), Grace: tt.grace, Save: out})
			if failing := strings.Contains(tt.cells[0], "error"); (err != nil) != failing {
				t.Fatalf("error %v", err)
			}
			saved, err := notebook.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			for i := range tt.cells {
				text := ""
				for _, o := range saved.Cells[i].Outputs {
					if o.Type == notebook.Stream {
						text += o.Text
					}
				}
				if text != tt.want[i] {
					t.Errorf("cell %d holds %q, want %q", i+1, text, tt.want[i])
				}
			}
		})
	}
}

// TestHandleLate checks that a client loses nothing of what arrives around the
// end of a request: each message is the request's or late.
func TestHandleLate(t *testing.T) {
	tk := startKernel(t)
	c := tk.connect(t)
	const cells = 200
	var count atomic.Int64
	take := func(m *wire.Message) {
		if m.Header.MsgType == "stream" {
			count.Add(int64(strings.Count(string(m.Content), "late")))
		}
	}
	c.HandleLate(take)
	for range cells {
		if _, err := c.Execute(t.Context(), "later 0s", client.ExecuteOptions{}, take); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all late output is there", func() bool { return count.Load() == cells })
}
