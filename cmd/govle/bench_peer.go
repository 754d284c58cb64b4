package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// benchPeer is a Python process that does what it is told by lines of JSON.
type benchPeer struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err strings.Builder
	// ended says that it was seen to have ended; the next case starts another.
	ended bool
}

// peerReply is one line of a peer's answers.
type peerReply struct {
	Error        string    `json:"error"`
	Seconds      []float64 `json:"seconds"`
	Values       []float64 `json:"values"`
	Bytes        float64   `json:"bytes"`
	Python       string    `json:"python"`
	Torch        string    `json:"torch"`
	Transformers string    `json:"transformers"`
	NumPy        string    `json:"numpy"`
}

// errNoPeer says that there is no Python side; a case then has govle's alone.
var errNoPeer = errors.New("no PyTorch to compare with (make bench-peers installs it)")

// findPeer starts the first peer to see whether there is one.
func (b *bench) findPeer() {
	if _, err := exec.LookPath(b.opts.python); err != nil {
		b.noPeer = errNoPeer
		return
	}
	p, err := b.peer("torch")
	if err != nil {
		b.noPeer = err
		return
	}
	r, err := p.ask(map[string]any{"op": "hello"})
	if err != nil {
		b.noPeer = err
		return
	}
	b.version = fmt.Sprintf("PyTorch %s on the CPU, transformers %s, numpy %s, Python %s", r.Torch, r.Transformers, r.NumPy, r.Python)
}

// peer returns the process of that name for the case's number of threads, started when it is first asked for.
func (b *bench) peer(name string) (*benchPeer, error) {
	if b.noPeer != nil {
		return nil, b.noPeer
	}
	threads := fmt.Sprint(b.threads)
	name += "/" + threads
	if p := b.peers[name]; p != nil && !p.ended {
		return p, nil
	}
	p := &benchPeer{cmd: exec.CommandContext(b.ctx, b.opts.python, b.opts.script)}
	p.cmd.Env = os.Environ()
	for _, name := range []string{"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"} {
		p.cmd.Env = append(p.cmd.Env, name+"="+threads)
	}
	p.cmd.Env = append(p.cmd.Env, "TRANSFORMERS_OFFLINE=1", "CUDA_VISIBLE_DEVICES=", "PYTHONWARNINGS=ignore", "TRANSFORMERS_VERBOSITY=error")
	p.cmd.Stderr = &p.err
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReaderSize(out, 1<<20)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", b.opts.python, err)
	}
	b.peers[name] = p
	return p, nil
}

// ask sends one request and waits for its answer.
func (p *benchPeer) ask(request map[string]any) (*peerReply, error) {
	line, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return nil, fmt.Errorf("the Python side ended: %w: %s", err, p.lastWords())
	}
	answer, err := p.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the Python side ended: %w: %s", err, p.lastWords())
	}
	r := &peerReply{}
	if err := json.Unmarshal(answer, r); err != nil {
		return nil, fmt.Errorf("the Python side answered %q: %w", answer, err)
	}
	if r.Error != "" {
		return nil, fmt.Errorf("the Python side: %s", r.Error)
	}
	return r, nil
}

// lastWords ends the process and returns the last line that it wrote to its
// standard error, which is complete only then.
func (p *benchPeer) lastWords() string {
	p.close()
	lines := strings.Split(strings.TrimSpace(p.err.String()), "\n")
	return lines[len(lines)-1]
}

func (p *benchPeer) close() {
	p.ended = true
	p.in.Close()
	p.cmd.Wait()
}

func (b *bench) closePeers() {
	for name, p := range b.peers {
		p.close()
		delete(b.peers, name)
	}
}

// peerSide sets a peer up and returns it as a side of a case. Each kind of
// PyTorch side (peer) is a process of its own.
func (b *bench) peerSide(peer, name string, request map[string]any) (benchSide, error) {
	p, err := b.peer(peer)
	if err != nil {
		return benchSide{}, err
	}
	request["op"] = "setup"
	if _, err := p.ask(request); err != nil {
		return benchSide{}, fmt.Errorf("%s: %w", name, err)
	}
	return benchSide{
		name: name,
		time: func(n int) ([]float64, error) {
			r, err := p.ask(map[string]any{"op": "time", "n": n})
			if err != nil {
				return nil, err
			}
			return r.Seconds, nil
		},
		result: func() ([]float64, error) {
			r, err := p.ask(map[string]any{"op": "result"})
			if err != nil {
				return nil, err
			}
			return r.Values, nil
		},
		close: func() {
			// Gives the memory of a large model back before the next case.
			p.close()
			for k, v := range b.peers {
				if v == p {
					delete(b.peers, k)
				}
			}
		},
	}, nil
}
