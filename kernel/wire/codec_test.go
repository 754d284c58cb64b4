package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func newCodec(t testing.TB, key string) *Codec {
	t.Helper()
	c, err := NewCodec("hmac-sha256", key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestRoundTrip checks that every part of a message survives.
func TestRoundTrip(t *testing.T) {
	for _, key := range []string{"", "k"} {
		parent := NewHeader("execute_request", "s0", "u0")
		m := &Message{
			Identities: [][]byte{[]byte("peer"), {}},
			Header:     Header{MsgID: "1", Session: "s", Username: "u", Date: "2026-01-02T03:04:05Z", MsgType: "comm_msg", Version: "5.5", SubshellID: "sub"},
			Parent:     parent,
			Metadata:   json.RawMessage(`{"a":1}`),
			Content:    json.RawMessage(`{"text":"日本 <&>"}`),
			Buffers:    [][]byte{{0, 1}, {}},
		}
		frames, err := newCodec(t, key).Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := newCodec(t, key).Decode(frames)
		if err != nil {
			t.Fatalf("key %q: %v", key, err)
		}
		if got.Header.MsgType != "comm_msg" || got.Header.SubshellID != "sub" || got.Parent.MsgID != parent.MsgID ||
			string(got.Metadata) != `{"a":1}` || string(got.Content) != `{"text":"日本 <&>"}` ||
			len(got.Buffers) != 2 || !bytes.Equal(got.Buffers[0], []byte{0, 1}) || len(got.Identities) != 2 {
			t.Errorf("key %q: got %+v", key, got)
		}
	}
}

// TestSignature compares with a signature computed by Python's hmac module.
func TestSignature(t *testing.T) {
	sum := newCodec(t, "secret").sign([][]byte{[]byte(`{"a":1}`), []byte("{}"), []byte("{}"), []byte(`{"b":"x"}`)})
	const want = "6cdacbf592ac7592d73996afad1502159f784918d380e40299fdd725ecd563e1"
	if got := fmt.Sprintf("%x", sum); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

// TestHeaderGoesBackUnchanged checks that unknown fields and their order survive.
func TestHeaderGoesBackUnchanged(t *testing.T) {
	const in = `{"version":"9.1","msg_id":"1","msg_type":"x_request","new_field":[1,2],"session":"s","username":null}`
	var h Header
	if err := json.Unmarshal([]byte(in), &h); err != nil {
		t.Fatal(err)
	}
	if out, err := json.Marshal(h); err != nil || string(out) != in {
		t.Errorf("came back as %s, %v", out, err)
	}
	var none Header
	if err := json.Unmarshal([]byte(" { } "), &none); err != nil || !none.IsZero() {
		t.Errorf("{} is %+v, %v", none, err)
	}
	if out, _ := json.Marshal(Header{}); string(out) != "{}" {
		t.Errorf("no header is %s", out)
	}
}

// TestReplay checks that a message is refused the second time, however much came
// between, up to the window.
func TestReplay(t *testing.T) {
	c := newCodec(t, "k")
	frames := make([][][]byte, replayWindow+10)
	for i := range frames {
		var err error
		if frames[i], err = c.Encode(&Message{Header: Header{MsgID: fmt.Sprint(i), MsgType: "x"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decode(frames[i]); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	for _, i := range []int{len(frames) - 1, len(frames) / 2, 10} {
		if _, err := c.Decode(frames[i]); !errors.Is(err, ErrReplay) {
			t.Errorf("message %d again: %v, want ErrReplay", i, err)
		}
	}
	if len(c.seen) != replayWindow || len(c.ring) != replayWindow {
		t.Errorf("%d and %d signatures are kept, want %d", len(c.seen), len(c.ring), replayWindow)
	}
	unsigned := newCodec(t, "")
	for range 2 {
		if _, err := unsigned.Decode(frames[0]); err != nil {
			t.Errorf("unsigned: %v", err)
		}
	}
}

// TestDecodeErrors checks what damage is called.
func TestDecodeErrors(t *testing.T) {
	good, err := newCodec(t, "k").Encode(&Message{Header: Header{MsgID: "1", MsgType: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	change := func(i int, b string) [][]byte {
		f := append([][]byte(nil), good...)
		f[i] = []byte(b)
		return f
	}
	unsigned := func(parts ...string) [][]byte {
		f := [][]byte{[]byte("<IDS|MSG>"), {}}
		for _, p := range parts {
			f = append(f, []byte(p))
		}
		return f
	}
	const head = `{"msg_id":"1","msg_type":"x"}`
	for _, tt := range []struct {
		name, key string
		frames    [][]byte
		want      error
	}{
		{"no frames", "k", nil, ErrMalformed},
		{"no delimiter", "k", change(0, "IDS"), ErrMalformed},
		{"delimiter too late", "k", append(make([][]byte, 20), good...), ErrMalformed},
		{"short", "k", good[:5], ErrMalformed},
		{"signature empty", "k", change(1, ""), ErrSignature},
		{"signature not hex", "k", change(1, strings.Repeat("g", 64)), ErrSignature},
		{"signature of another key", "q", good, ErrSignature},
		{"header changed", "k", change(2, `{}`), ErrSignature},
		{"content changed", "k", change(5, `{"a":1}`), ErrSignature},
		{"header no JSON", "", unsigned("x", "{}", "{}", "{}"), ErrMalformed},
		{"header a number", "", unsigned("7", "{}", "{}", "{}"), ErrMalformed},
		{"header without type", "", unsigned(`{"msg_id":"1"}`, "{}", "{}", "{}"), ErrMalformed},
		{"parent a list", "", unsigned(head, "[]", "{}", "{}"), ErrMalformed},
		{"metadata null", "", unsigned(head, "{}", "null", "{}"), ErrMalformed},
		{"content cut", "", unsigned(head, "{}", "{}", `{"a":`), ErrMalformed},
		{"too many buffers", "", append(unsigned(head, "{}", "{}", "{}"), make([][]byte, maxBuffers+1)...), ErrMalformed},
	} {
		if _, err := newCodec(t, tt.key).Decode(tt.frames); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := NewCodec("hmac-md5", "k"); err == nil {
		t.Error("scheme hmac-md5 is accepted")
	}
}

// FuzzDecode feeds arbitrary frames: each line of the input is one. What decodes
// must encode and decode to the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("id\n<IDS|MSG>\n\n{\"msg_id\":\"1\",\"msg_type\":\"x\"}\n{}\n{}\n{\"a\":[1,\"é\"]}\nbuffer"))
	f.Add([]byte("<IDS|MSG>\n\n{\"msg_type\":\"x\",\"subshell_id\":\"s\"}\n null \n{}\n{}"))
	f.Add([]byte("<IDS|MSG>\nff\n[]\n{}\n{}\n{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		newCodec(t, "key").Decode(bytes.Split(data, []byte("\n"))) // must not panic
		c := newCodec(t, "")
		m, err := c.Decode(bytes.Split(data, []byte("\n")))
		if err != nil {
			return
		}
		frames, err := c.Encode(m)
		if err != nil {
			t.Fatalf("%+v does not encode: %v", m, err)
		}
		again, err := c.Decode(frames)
		if err != nil {
			t.Fatalf("%q does not decode again: %v", frames, err)
		}
		if !bytes.Equal(again.Content, m.Content) || again.Header.MsgType != m.Header.MsgType || again.Parent.MsgID != m.Parent.MsgID || len(again.Buffers) != len(m.Buffers) {
			t.Errorf("%+v came back as %+v", m, again)
		}
	})
}
