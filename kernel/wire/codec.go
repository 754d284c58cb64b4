package wire

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
)

// delimiter separates routing identities from the message proper.
var delimiter = []byte("<IDS|MSG>")

const (
	// maxIdentities bounds the routing frames of a message.
	maxIdentities = 16
	// maxBuffers bounds the binary attachments of a message.
	maxBuffers = 4096
	// replayWindow is how many signatures are remembered, as many as
	// jupyter_client remembers.
	replayWindow = 1 << 16
)

// Codec turns messages into signed frames and back. It is safe for concurrent
// use. One Codec serves all channels of a kernel, so that a message seen on one
// channel cannot be replayed on another.
type Codec struct {
	key []byte

	mu   sync.Mutex
	seen map[[sha256.Size]byte]struct{}
	ring [][sha256.Size]byte // the keys of seen, oldest at next once full
	next int
}

// NewCodec returns a Codec for the scheme and key of a connection file. The only
// scheme is "hmac-sha256"; with an empty key messages are neither signed nor
// checked, whatever the scheme.
func NewCodec(scheme, key string) (*Codec, error) {
	if key != "" && scheme != "" && scheme != "hmac-sha256" {
		return nil, fmt.Errorf("signature scheme %q is not supported: use hmac-sha256", scheme)
	}
	return &Codec{key: []byte(key), seen: make(map[[sha256.Size]byte]struct{})}, nil
}

// Encode returns the frames of m: identities, delimiter, signature, header,
// parent header, metadata, content, buffers. The error is a JSON error.
func (c *Codec) Encode(m *Message) ([][]byte, error) {
	header, err := json.Marshal(m.Header)
	if err != nil {
		return nil, fmt.Errorf("encoding the header of %s: %w", m.Header.MsgType, err)
	}
	parent, err := json.Marshal(m.Parent)
	if err != nil {
		return nil, fmt.Errorf("encoding the parent header of %s: %w", m.Header.MsgType, err)
	}
	frames := make([][]byte, 0, len(m.Identities)+6+len(m.Buffers))
	frames = append(frames, m.Identities...)
	frames = append(frames, delimiter, nil, header, parent, objectOr(m.Metadata), objectOr(m.Content))
	at := len(m.Identities) + 1
	if len(c.key) > 0 {
		sum := c.sign(frames[at+1 : at+5])
		frames[at] = hex.AppendEncode(nil, sum[:])
	}
	return append(frames, m.Buffers...), nil
}

// objectOr returns the JSON, or {} when there is none.
func objectOr(raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return []byte("{}")
	}
	return raw
}

// sign returns the HMAC-SHA256 of the four JSON frames.
func (c *Codec) sign(frames [][]byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, c.key)
	for _, f := range frames {
		mac.Write(f)
	}
	mac.Sum(sum[:0])
	return sum
}

// Decode checks and parses the frames of one received message. The error wraps
// ErrMalformed, ErrSignature or ErrReplay. The message shares memory with frames.
func (c *Codec) Decode(frames [][]byte) (*Message, error) {
	at := -1
	for i, f := range frames {
		if bytes.Equal(f, delimiter) {
			at = i
			break
		}
		if i == maxIdentities {
			break
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("%w: no <IDS|MSG> among the first %d of %d frames", ErrMalformed, min(len(frames), maxIdentities+1), len(frames))
	}
	body := frames[at+1:]
	if len(body) < 5 {
		return nil, fmt.Errorf("%w: %d frames after the delimiter, want at least 5", ErrMalformed, len(body))
	}
	if n := len(body) - 5; n > maxBuffers {
		return nil, fmt.Errorf("%w: %d buffers, at most %d are accepted", ErrMalformed, n, maxBuffers)
	}
	if len(c.key) > 0 {
		if err := c.verify(body[0], body[1:5]); err != nil {
			return nil, err
		}
	}
	m := &Message{Identities: frames[:at:at], Metadata: body[3], Content: body[4], Buffers: body[5:]}
	for _, part := range []struct {
		name string
		data []byte
		into any
	}{{"header", body[1], &m.Header}, {"parent_header", body[2], &m.Parent}} {
		if err := json.Unmarshal(part.data, part.into); err != nil {
			return nil, fmt.Errorf("%w: %s: %v", ErrMalformed, part.name, err)
		}
	}
	if m.Header.MsgType == "" {
		return nil, fmt.Errorf("%w: header has no msg_type", ErrMalformed)
	}
	for i, name := range []string{"metadata", "content"} {
		if data := body[3+i]; !isObject(data) {
			return nil, fmt.Errorf("%w: %s of %s is not a JSON object", ErrMalformed, name, m.Header.MsgType)
		}
	}
	return m, nil
}

// isObject reports whether data is one valid JSON object.
func isObject(data []byte) bool {
	trimmed := bytes.TrimSpace(data)
	return len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(trimmed)
}

// verify compares the signature in constant time and refuses one seen before.
func (c *Codec) verify(signature []byte, frames [][]byte) error {
	var got [sha256.Size]byte
	if hex.DecodedLen(len(signature)) != len(got) {
		return fmt.Errorf("%w: %d characters, want %d", ErrSignature, len(signature), 2*len(got))
	}
	if _, err := hex.Decode(got[:], signature); err != nil {
		return fmt.Errorf("%w: %v", ErrSignature, err)
	}
	want := c.sign(frames)
	if !hmac.Equal(got[:], want[:]) {
		return ErrSignature
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, dup := c.seen[got]; dup {
		return ErrReplay
	}
	if len(c.ring) < replayWindow {
		c.ring = append(c.ring, got)
	} else {
		delete(c.seen, c.ring[c.next])
		c.ring[c.next] = got
		c.next = (c.next + 1) % replayWindow
	}
	c.seen[got] = struct{}{}
	return nil
}
