package widget

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"strings"
	"sync"
	"testing"
	"time"

	"govle/kernel/display"
)

// page is the other end of the comms: it keeps what widgets send.
type page struct {
	mu       sync.Mutex
	messages []display.Message
}

func (p *page) Publish(m display.Message) error {
	if _, err := json.Marshal(m.Content); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = append(p.messages, m)
	return nil
}

func (p *page) Input(string, bool) (string, error) { return "", errors.New("nobody answers") }

// take returns what was sent since the last take.
func (p *page) take() []display.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.messages
	p.messages = nil
	return m
}

// connect makes a page the front of this process.
func connect(t testing.TB) *page {
	t.Helper()
	p := new(page)
	display.Connect(p)
	return p // tests run one after the other, and each connects its own
}

// deliver sends a message as the page would, through JSON.
func deliver(t testing.TB, kind, id string, data map[string]any) {
	t.Helper()
	content := map[string]any{"comm_id": id, "data": data}
	b, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	content = nil
	if err := json.Unmarshal(b, &content); err != nil {
		t.Fatal(err)
	}
	display.Deliver(display.Message{Kind: kind, Content: content})
	settle()
}

// settle waits until what was delivered is handled.
func settle() {
	done := make(chan struct{})
	models.inbox.add("", func() { close(done) })
	<-done
}

// move sends the page's change of a part of a widget's state.
func move(t testing.TB, w Widget, key string, value any) {
	t.Helper()
	deliver(t, "comm_msg", w.ModelID(), map[string]any{"method": "update", "state": map[string]any{key: value}, "buffer_paths": []any{}})
}

// dataOf returns the data of a comm message.
func dataOf(m display.Message) map[string]any {
	data, _ := m.Content["data"].(map[string]any)
	return data
}

// wait waits for a value.
func wait[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(5 * time.Second):
		t.Fatal("the callback was not called")
	}
	panic("unreachable")
}

// TestOpen checks the comms that a widget opens: what it refers to comes first, and
// every model names its class and view.
func TestOpen(t *testing.T) {
	p := connect(t)
	s := NewIntSlider(0, 10, 5).Describe("n")
	known := map[string]bool{}
	var classes []string
	for _, m := range p.take() {
		if m.Kind != "comm_open" {
			continue
		}
		if m.Content["target_name"] != "jupyter.widget" || m.Metadata["version"] != "2.1.0" {
			t.Errorf("opened with %v and %v", m.Content["target_name"], m.Metadata)
		}
		state := dataOf(m)["state"].(map[string]any)
		for key, value := range state {
			if ref, ok := value.(string); ok && strings.HasPrefix(ref, "IPY_MODEL_") && !known[ref] {
				t.Errorf("%s refers to a model that the page does not know yet", key)
			}
		}
		for _, key := range []string{"_model_module", "_model_module_version", "_model_name", "_view_module", "_view_module_version", "_view_name"} {
			if s, _ := state[key].(string); s == "" {
				t.Errorf("%v has no %s", state["_model_name"], key)
			}
		}
		known["IPY_MODEL_"+m.Content["comm_id"].(string)] = true
		classes = append(classes, state["_model_name"].(string))
	}
	if got := strings.Join(classes, " "); got != "LayoutModel SliderStyleModel IntSliderModel" {
		t.Errorf("opened %s", got)
	}
	view, _ := s.MIMEBundle()["application/vnd.jupyter.widget-view+json"].(map[string]any)
	if view["model_id"] != s.ModelID() || view["version_major"] != 2 {
		t.Errorf("view %v", view)
	}
}

// TestSlider checks a change from either side.
func TestSlider(t *testing.T) {
	p := connect(t)
	s := NewIntSlider(0, 10, 50)
	if s.Value() != 10 {
		t.Errorf("it stands at %d, want the end of its range", s.Value())
	}
	got := make(chan int, 10)
	s.OnChange(func(v int) { got <- v })
	p.take()
	move(t, s, "value", 7)
	if v := wait(t, got); v != 7 || s.Value() != 7 {
		t.Errorf("the callback got %d, Value is %d", v, s.Value())
	}
	sent := p.take()
	if len(sent) != 1 || dataOf(sent[0])["method"] != "echo_update" || fmt.Sprint(dataOf(sent[0])["state"]) != "map[value:7]" {
		t.Errorf("answered %v", sent)
	}
	s.SetValue(-3)
	if sent := p.take(); len(sent) != 1 || dataOf(sent[0])["method"] != "update" || fmt.Sprint(dataOf(sent[0])["state"]) != "map[value:0]" {
		t.Errorf("SetValue sent %v", sent)
	}
	select {
	case v := <-got:
		t.Errorf("SetValue called back with %d", v)
	case <-time.After(20 * time.Millisecond):
	}

	f := NewFloatSlider(1, 0, 0.25)
	floats := make(chan float64, 1)
	f.OnChange(func(v float64) { floats <- v })
	move(t, f, "value", 0.5)
	if v := wait(t, floats); v != 0.5 {
		t.Errorf("the callback got %v", v)
	}
	move(t, f, "unknown", "x") // ignored
	move(t, f, "value", "text")
	if v := wait(t, floats); v != 0 {
		t.Errorf("a value that is no number is read as %v", v)
	}
}

// TestLastPositionCounts checks that a slow callback skips positions but not the
// last.
func TestLastPositionCounts(t *testing.T) {
	connect(t)
	s := NewIntSlider(0, 1000, 0)
	var seen []int
	entered, release, last := make(chan bool, 1), make(chan bool), make(chan bool)
	s.OnChange(func(v int) {
		seen = append(seen, v)
		if v == 1 {
			entered <- true
			<-release
		}
		if v == 500 {
			close(last)
		}
	})
	move(t, s, "value", 1)
	wait(t, entered)
	for v := 2; v <= 500; v++ {
		move(t, s, "value", v)
	}
	close(release)
	wait(t, last)
	if fmt.Sprint(seen) != "[1 500]" {
		t.Errorf("called with %v, want [1 500]", seen)
	}
}

// TestControls checks what each control does with what the page sends.
func TestControls(t *testing.T) {
	connect(t)
	got := make(chan string, 10)
	d := NewDropdown("red", "green", "blue").Describe("colour")
	d.OnChange(func(o string) { got <- o })
	move(t, d, "index", 2)
	if v := wait(t, got); v != "blue" || d.Index() != 2 {
		t.Errorf("dropdown: %s, index %d", v, d.Index())
	}
	if err := d.Choose("green"); err != nil || d.Value() != "green" {
		t.Errorf("chose %s, %v", d.Value(), err)
	}
	if err := d.Choose("pink"); err == nil || !strings.Contains(err.Error(), "blue") {
		t.Errorf("choosing what is not there: %v", err)
	}
	c := NewCheckbox("shuffle", true)
	c.OnChange(func(on bool) { got <- fmt.Sprint(on) })
	move(t, c, "value", false)
	if v := wait(t, got); v != "false" || c.Value() {
		t.Errorf("checkbox: %s", v)
	}
	x := NewText("a").Placeholder("name")
	x.OnChange(func(s string) { got <- "typed " + s })
	x.OnSubmit(func(s string) { got <- "sent " + s })
	move(t, x, "value", "ab")
	if v := wait(t, got); v != "typed ab" {
		t.Errorf("text: %s", v)
	}
	deliver(t, "comm_msg", x.ModelID(), map[string]any{"method": "custom", "content": map[string]any{"event": "submit"}})
	if v := wait(t, got); v != "sent ab" {
		t.Errorf("text: %s", v)
	}
	b := NewButton("go").Style(Success)
	b.OnClick(func(b *Button) { got <- "clicked" })
	for range 2 {
		deliver(t, "comm_msg", b.ModelID(), map[string]any{"method": "custom", "content": map[string]any{"event": "click"}})
	}
	for range 2 {
		if v := wait(t, got); v != "clicked" {
			t.Errorf("button: %s", v)
		}
	}
}

// TestCallbackPanics checks that a panic ends only its own call.
func TestCallbackPanics(t *testing.T) {
	connect(t)
	b := NewButton("x")
	got := make(chan int, 2)
	n := 0
	b.OnClick(func(*Button) {
		n++
		got <- n
		if n == 1 {
			panic("a test panics on purpose")
		}
	})
	for want := 1; want <= 2; want++ {
		deliver(t, "comm_msg", b.ModelID(), map[string]any{"method": "custom", "content": map[string]any{"event": "click"}})
		if v := wait(t, got); v != want {
			t.Errorf("call %d, want %d", v, want)
		}
	}
}

// TestPageOpenedAgain checks request_states over the control comm, and
// request_state of one model, with binary parts.
func TestPageOpenedAgain(t *testing.T) {
	p := connect(t)
	img, err := NewImage(image.NewGray(image.Rect(0, 0, 2, 2)))
	if err != nil {
		t.Fatal(err)
	}
	closed := NewCheckbox("gone", true)
	closed.Close()
	p.take()
	display.Deliver(display.Message{Kind: "comm_open", Content: map[string]any{"comm_id": "ctl", "target_name": "jupyter.widget.control"}})
	settle()
	deliver(t, "comm_msg", "ctl", map[string]any{"method": "request_states"})
	sent := p.take()
	if len(sent) != 1 {
		t.Fatalf("%d answers", len(sent))
	}
	data := dataOf(sent[0])
	states := data["states"].(map[string]any)
	if data["method"] != "update_states" || states[img.ModelID()] == nil || states[closed.ModelID()] != nil {
		t.Errorf("answer %v", data["method"])
	}
	found := false
	for i, path := range data["buffer_paths"].([][]string) {
		if path[0] == img.ModelID() && path[1] == "value" && strings.HasPrefix(string(sent[0].Buffers[i]), "\x89PNG") {
			found = true
		}
	}
	if !found {
		t.Errorf("the picture's bytes are not named by %v", data["buffer_paths"])
	}
	if state := states[img.ModelID()].(map[string]any)["state"].(map[string]any); state["value"] != nil || state["format"] != "png" {
		t.Errorf("the picture's state is %v", state)
	}
	deliver(t, "comm_msg", img.ModelID(), map[string]any{"method": "request_state"})
	if sent := p.take(); len(sent) != 1 || len(sent[0].Buffers) != 1 || dataOf(sent[0])["method"] != "update" {
		t.Errorf("request_state is answered with %v", sent)
	}
	display.Deliver(display.Message{Kind: "comm_open", Content: map[string]any{"comm_id": "x", "target_name": "other"}})
	settle()
	if sent := p.take(); len(sent) != 1 || sent[0].Kind != "comm_close" || sent[0].Content["comm_id"] != "x" {
		t.Errorf("an unknown target is answered with %v", sent)
	}
	deliver(t, "comm_msg", "nobody", map[string]any{"method": "update", "state": 5})
	deliver(t, "comm_close", img.ModelID(), nil)
	if err := img.Set(image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Error(err)
	}
	if sent := p.take(); len(sent) != 0 {
		t.Errorf("a widget that the page closed sent %v", sent)
	}
}

// TestStatic checks the HTML and text forms, which escape what people wrote.
func TestStatic(t *testing.T) {
	connect(t)
	progress := NewFloatProgress(4).Describe("epoch")
	progress.SetValue(1)
	out := NewOutput()
	fmt.Fprintf(out, "a < b\n")
	out.Show(display.HTML("<i>shown</i>"))
	for _, tt := range []struct {
		w           Widget
		html, plain string
	}{
		{NewIntSlider(0, 9, 3).Describe("<n>"), `min="0" max="9" step="1" value="3"`, "<n>: 3"},
		{NewIntSlider(0, 9, 3).Describe("<n>"), "&lt;n&gt;", "<n>: 3"},
		{NewFloatSlider(0, 1, 0.5), `value="0.5"`, "0.5"},
		{progress, `<progress max="4" value="1"></progress><span>25%</span>`, "epoch: 25%"},
		{NewDropdown("x<", "y"), "<option selected>x&lt;</option><option>y</option>", "x<"},
		{NewCheckbox("on", true), "disabled checked> on", "on: true"},
		{NewText(`"q"`), `value="&#34;q&#34;"`, `"q"`},
		{NewButton("go"), "<button disabled>go</button>", "[go]"},
		{NewHTML("<b>x</b>"), "<b>x</b>", "x"},
		{out, "<pre>a &lt; b\n</pre><i>shown</i>", "a < b\nshown"},
		{NewHBox(NewButton("a"), NewButton("b")), "flex-direction:row", "[a]  [b]"},
		{NewVBox(NewButton("a"), NewButton("b")), "flex-direction:column", "[a]\n[b]"},
	} {
		b := tt.w.MIMEBundle()
		if s, _ := b["text/html"].(string); !strings.Contains(s, tt.html) {
			t.Errorf("%T: HTML %s lacks %s", tt.w, s, tt.html)
		}
		if b["text/plain"] != tt.plain {
			t.Errorf("%T: text %q, want %q", tt.w, b["text/plain"], tt.plain)
		}
	}
}

// TestProgressIsNotDrawnTooOften checks the limit, and that the end is drawn.
func TestProgressIsNotDrawnTooOften(t *testing.T) {
	p := connect(t)
	bar := NewFloatProgress(100_000)
	opened := p.take()
	if view := dataOf(opened[len(opened)-1])["state"].(map[string]any)["_view_name"]; view != "ProgressView" {
		t.Errorf("the view is %v, which no page has", view)
	}
	start := time.Now()
	for i := range 100_001 {
		bar.SetValue(float64(i))
	}
	sent := p.take()
	if most := int(time.Since(start)/progressInterval) + 2; len(sent) > most {
		t.Errorf("drawn %d times, at most %d are allowed", len(sent), most)
	}
	if last := dataOf(sent[len(sent)-1])["state"].(map[string]any)["value"]; last != 100_000.0 || bar.Value() != 100_000 {
		t.Errorf("the last value drawn is %v", last)
	}
}

// TestOutput checks what the page gets, and that the text is bounded.
func TestOutput(t *testing.T) {
	p := connect(t)
	out := NewOutput()
	p.take()
	fmt.Fprint(out, "one ")
	fmt.Fprint(out, "two")
	sent := p.take()
	items := dataOf(sent[len(sent)-1])["state"].(map[string]any)["outputs"].([]map[string]any)
	if len(items) != 1 || items[0]["text"] != "one two" {
		t.Errorf("outputs %v", items)
	}
	for range 100 {
		fmt.Fprint(out, strings.Repeat("é", 10_000))
	}
	sent = p.take()
	items = dataOf(sent[len(sent)-1])["state"].(map[string]any)["outputs"].([]map[string]any)
	if text := items[0]["text"].(string); len(text) > maxOutput || len(text) < maxOutput-4 {
		t.Errorf("%d bytes are kept, want %d", len(text), maxOutput)
	}
	out.Clear()
	sent = p.take()
	if got := dataOf(sent[0])["state"].(map[string]any)["outputs"]; fmt.Sprint(got) != "[]" {
		t.Errorf("after Clear: %v", got)
	}
}
