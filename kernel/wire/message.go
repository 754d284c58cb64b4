// Package wire is the Jupyter messaging protocol as bytes: messages, their
// signatures, the replay guard and the connection file. It starts no goroutines
// and opens no sockets.
//
// For most uses, make a [Codec] from the connection file's key and call
// [Codec.Encode] and [Codec.Decode] on the frames of one ZeroMQ message.
package wire

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ProtocolVersion is the version of the messaging protocol that messages made
// here carry. 5.5 is 5.4 with supported features and subshells (JEP 91).
const ProtocolVersion = "5.5"

// Header identifies one message. A header that was received keeps the exact
// JSON object it came as, fields unknown here included, so that it goes back
// unchanged as a parent header.
type Header struct {
	// MsgID is unique per message.
	MsgID string
	// Session names the client or kernel that sent the message.
	Session string
	// Username is who sent it; informative only.
	Username string
	// Date is when the message was made, ISO 8601.
	Date string
	// MsgType is the kind of message, "execute_request" and the like.
	MsgType string
	// Version is the protocol version of the sender.
	Version string
	// SubshellID names the subshell that a shell request is for (JEP 91);
	// empty for the parent shell.
	SubshellID string

	raw json.RawMessage
}

// headerJSON is Header as the protocol spells it.
type headerJSON struct {
	MsgID      string  `json:"msg_id"`
	Session    string  `json:"session"`
	Username   string  `json:"username"`
	Date       string  `json:"date,omitempty"`
	MsgType    string  `json:"msg_type"`
	Version    string  `json:"version"`
	SubshellID *string `json:"subshell_id,omitempty"`
}

// NewHeader returns a header with a fresh message ID and the present time.
func NewHeader(msgType, session, username string) Header {
	return Header{
		MsgID:    NewID(),
		Session:  session,
		Username: username,
		Date:     time.Now().UTC().Format("2006-01-02T15:04:05.000000Z07:00"),
		MsgType:  msgType,
		Version:  ProtocolVersion,
	}
}

// NewID returns 128 random bits as 32 hexadecimal digits.
func NewID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

// IsZero reports whether h is no header at all ({} on the wire).
func (h Header) IsZero() bool { return h.MsgID == "" && h.MsgType == "" && len(h.raw) == 0 }

// MarshalJSON returns the object that h was decoded from, if it was, else h in
// the protocol's spelling; the zero Header is {}.
func (h Header) MarshalJSON() ([]byte, error) {
	switch {
	case len(h.raw) > 0:
		return h.raw, nil
	case h.IsZero():
		return []byte("{}"), nil
	}
	j := headerJSON{MsgID: h.MsgID, Session: h.Session, Username: h.Username, Date: h.Date, MsgType: h.MsgType, Version: h.Version}
	if h.SubshellID != "" {
		j.SubshellID = &h.SubshellID
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads a header object; {} gives the zero Header.
func (h *Header) UnmarshalJSON(data []byte) error {
	var j headerJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*h = Header{MsgID: j.MsgID, Session: j.Session, Username: j.Username, Date: j.Date, MsgType: j.MsgType, Version: j.Version}
	if j.SubshellID != nil {
		h.SubshellID = *j.SubshellID
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' && !isEmptyObject(trimmed) {
		h.raw = bytes.Clone(trimmed)
	}
	return nil
}

// isEmptyObject reports whether the JSON object has no members.
func isEmptyObject(object []byte) bool {
	return len(bytes.TrimSpace(bytes.Trim(object, "{}"))) == 0
}

// Message is one Jupyter message.
type Message struct {
	// Identities are the routing frames in front of the delimiter: on a ROUTER
	// socket the peer's identity, on iopub the topic.
	Identities [][]byte
	// Header identifies this message.
	Header Header
	// Parent is the header of the request that this message answers or belongs
	// to; the zero Header when there is none.
	Parent Header
	// Metadata is a JSON object; nil stands for {}.
	Metadata json.RawMessage
	// Content is a JSON object; nil stands for {}.
	Content json.RawMessage
	// Buffers are binary attachments.
	Buffers [][]byte
}

// Unmarshal decodes the message's content into v. The error names the message
// type.
func (m *Message) Unmarshal(v any) error {
	content := m.Content
	if len(content) == 0 {
		content = []byte("{}")
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("content of %s: %w", m.Header.MsgType, err)
	}
	return nil
}

// Errors that Decode wraps.
var (
	// ErrSignature says that a message was signed with another key or altered.
	ErrSignature = errors.New("wrong message signature")
	// ErrReplay says that a message with this very signature was seen before.
	ErrReplay = errors.New("message was received before")
	// ErrMalformed says that the frames are no Jupyter message.
	ErrMalformed = errors.New("malformed message")
)
