package kernel

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"govle/kernel/internal/zmtp"
	"govle/kernel/wire"
)

// How output flows to front ends.
const (
	// streamDelay is how long printed text is gathered before it is sent.
	streamDelay = 20 * time.Millisecond
	// streamBatch is how much text is sent at once at most, about.
	streamBatch = 64 << 10
	// streamBurst bytes are printed and shown as fast as front ends take them; then a cell
	// that goes on is slowed to streamRate bytes a second. Nothing is
	// lost by this.
	streamBurst = 64 << 20
	streamRate  = 32 << 20
	// streamAhead is how far output may run ahead of a front end.
	streamAhead = 32 << 20
	// stallLimit is how long output waits for a front end that takes nothing;
	// then printed text is dropped until it reads again, and it is told so.
	stallLimit = 2 * time.Second
	// Messages that nobody was subscribed for are kept for the first subscriber,
	// and status messages a short time for any: a front end may send its first
	// request before its subscription is in force, and waits for idle.
	keepUnheard  = 1000
	keepBytes    = 64 << 20
	unheardAge   = 10 * time.Second
	keepStatuses = 100
	statusAge    = time.Second
)

// publisher is the iopub socket: every message goes to every subscriber, in one
// order, through a queue for each.
type publisher struct {
	k     *server
	ahead int // streamAhead, less in tests

	mu          sync.Mutex
	subscribers map[*zmtp.Conn]*subscriber
	unheard     []published // while there are no subscribers
	statuses    []published
	text        streamText

	rateMu sync.Mutex
	tokens float64
	filled time.Time
}

// published is a message that may be sent again.
type published struct {
	frames [][]byte
	at     time.Time
	keep   time.Duration // for how long
}

// subscriber is one front end.
type subscriber struct {
	topics  []string
	stalled bool // does not read: printed text is dropped
	dropped int  // bytes of it
}

// streamText is printed text that was not sent yet.
type streamText struct {
	parent wire.Header
	name   string
	text   []byte
	timer  *time.Timer
}

func newPublisher(k *server) *publisher {
	return &publisher{k: k, ahead: streamAhead, subscribers: make(map[*zmtp.Conn]*subscriber), tokens: streamBurst, filled: time.Now()}
}

// publish sends a message after what was printed before it.
func (p *publisher) publish(m *wire.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flush(true)
	p.send(m)
}

// show is publish for what a cell shows: it is held to the rate of printed text.
func (p *publisher) show(m *wire.Message) {
	p.limit(len(m.Content))
	p.awaitReaders()
	p.publish(m)
}

// stream gathers printed text and sends it in batches. It blocks to hold the
// rate limit, and a short while for front ends that are far behind.
func (p *publisher) stream(parent wire.Header, name, text string) {
	p.limit(len(text))
	p.awaitReaders()
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.text
	if len(t.text) > 0 && (t.name != name || t.parent.MsgID != parent.MsgID) {
		p.flush(true)
	}
	t.parent, t.name = parent, name
	t.text = append(t.text, text...)
	if len(t.text) >= streamBatch {
		p.flush(false)
	} else if t.timer == nil && len(t.text) > 0 {
		t.timer = time.AfterFunc(streamDelay, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			t.timer = nil
			p.flush(false)
		})
	}
}

// flush sends the gathered text. Unless all is set, a character whose last bytes
// have not come yet stays.
func (p *publisher) flush(all bool) {
	t := &p.text
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	n := len(t.text)
	if !all {
		n -= partialRune(t.text)
	}
	if n == 0 {
		return
	}
	text := strings.ToValidUTF8(string(t.text[:n]), "\uFFFD")
	t.text = append(t.text[:0], t.text[n:]...)
	if cap(t.text) > 4*streamBatch {
		t.text = bytes.Clone(t.text) // after a large print, let its memory go
	}
	p.send(p.k.message("stream", t.parent, map[string]string{"name": t.name, "text": text}))
}

// partialRune returns the number of bytes at the end of b that begin a character
// and do not end it.
func partialRune(b []byte) int {
	for n := 1; n <= min(len(b), utf8.UTFMax-1); n++ {
		if tail := b[len(b)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// limit waits until n more bytes may be printed.
func (p *publisher) limit(n int) {
	p.rateMu.Lock()
	defer p.rateMu.Unlock()
	now := time.Now()
	p.tokens = min(streamBurst, p.tokens+now.Sub(p.filled).Seconds()*streamRate) - float64(n)
	p.filled = now
	if p.tokens >= 0 {
		return
	}
	select {
	case <-time.After(time.Duration(-p.tokens / streamRate * float64(time.Second))):
	case <-p.k.stopping:
	}
}

// awaitReaders waits for front ends that are streamAhead behind. One that takes
// nothing for stallLimit is not waited for again until it has caught up.
func (p *publisher) awaitReaders() {
	p.mu.Lock()
	var behind []*zmtp.Conn
	for c, s := range p.subscribers {
		if !s.stalled && c.Pending() >= p.ahead {
			behind = append(behind, c)
		}
	}
	p.mu.Unlock()
	for _, c := range behind {
		for before := c.Pending(); !c.WaitBelow(p.ahead, stallLimit); {
			now := c.Pending()
			if now < before {
				before = now
				continue
			}
			p.mu.Lock()
			if s := p.subscribers[c]; s != nil {
				s.stalled = true
			}
			p.mu.Unlock()
			p.k.log.Warn("a front end does not read its output; text is dropped until it does")
			break
		}
	}
}

// send encodes a message and queues it for every subscriber; p.mu is held.
func (p *publisher) send(m *wire.Message) {
	topic := "kernel." + p.k.session + "." + m.Header.MsgType
	m.Identities = [][]byte{[]byte(topic)}
	frames, err := p.k.codec.Encode(m)
	if err != nil {
		p.k.log.Warn("message dropped", "error", err)
		return
	}
	now := time.Now()
	if len(p.subscribers) == 0 {
		p.unheard = keep(p.unheard, published{frames, now, unheardAge}, keepUnheard)
	} else if m.Header.MsgType == "status" {
		p.statuses = keep(p.statuses, published{frames, now, statusAge}, keepStatuses)
	}
	for c, s := range p.subscribers {
		if !s.wants(topic) {
			continue
		}
		if s.stalled && c.Pending() < p.ahead/2 {
			p.catchUp(c, s, m.Parent)
		}
		if s.stalled && m.Header.MsgType == "stream" {
			s.dropped += len(m.Content)
			continue
		}
		c.Send(frames) // its errors close the connection, which removes it
	}
}

// keep appends to a list of at most limit messages and keepBytes, of which the
// oldest go first.
func keep(list []published, m published, limit int) []published {
	list = append(list, m)
	from := max(0, len(list)-limit)
	for i, size := len(list)-1, 0; i >= from; i-- {
		for _, f := range list[i].frames {
			size += len(f)
		}
		if size > keepBytes {
			from = i + 1
		}
	}
	return slices.Delete(list, 0, from)
}

// catchUp tells a front end that reads again what it missed.
func (p *publisher) catchUp(c *zmtp.Conn, s *subscriber, parent wire.Header) {
	note := fmt.Sprintf("\n[%d bytes of output were dropped because this front end did not read them]\n", s.dropped)
	s.stalled, s.dropped = false, 0
	m := p.k.message("stream", parent, map[string]string{"name": "stderr", "text": note})
	m.Identities = [][]byte{[]byte("kernel." + p.k.session + ".stream")}
	if frames, err := p.k.codec.Encode(m); err == nil {
		c.Send(frames)
	}
}

// wants reports whether the subscriber asked for the topic.
func (s *subscriber) wants(topic string) bool {
	for _, t := range s.topics {
		if strings.HasPrefix(topic, t) {
			return true
		}
	}
	return false
}

// subscription handles a (un)subscription: 1 or 0, then the topic. A new
// subscriber is welcomed (JEP 65), then gets what it may have missed.
func (p *publisher) subscription(c *zmtp.Conn, frames [][]byte) {
	if len(frames) != 1 || len(frames[0]) == 0 || len(frames[0]) > 1024 {
		return
	}
	on, topic := frames[0][0] == 1, string(frames[0][1:])
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.subscribers[c]
	if !on {
		if s != nil {
			for i, t := range s.topics {
				if t == topic {
					s.topics = append(s.topics[:i], s.topics[i+1:]...)
					break
				}
			}
		}
		return
	}
	first := s == nil
	if first {
		s = &subscriber{}
		p.subscribers[c] = s
	}
	if len(s.topics) >= 1000 {
		return
	}
	s.topics = append(s.topics, topic)
	welcome := p.k.message("iopub_welcome", wire.Header{}, map[string]string{"subscription": topic})
	welcome.Identities = [][]byte{[]byte(topic)}
	if frames, err := p.k.codec.Encode(welcome); err == nil {
		c.Send(frames)
	}
	if !first {
		return
	}
	now := time.Now()
	missed := slices.Concat(p.unheard, p.statuses)
	slices.SortStableFunc(missed, func(a, b published) int { return a.at.Compare(b.at) })
	for _, m := range missed {
		if now.Sub(m.at) < m.keep && s.wants(string(m.frames[0])) {
			c.Send(m.frames)
		}
	}
	p.unheard = nil
}

// remove forgets a front end that is gone.
func (p *publisher) remove(c *zmtp.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.subscribers, c)
}

// flushText sends the text gathered so far.
func (p *publisher) flushText() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flush(true)
}
