package jpeg

import (
	"errors"
	"fmt"
	"io"
)

// scanParams are a scan header's parameters (T.81, B.2.3).
type scanParams struct {
	comps  []*component
	ss, se int  // first and last coefficient, in the file's order
	ah, al uint // successive approximation: the bit before and the bit of this scan
}

// scan reads a scan header and the entropy-coded data that follow.
func (d *decoder) scan(s []byte) error {
	if d.comps == nil {
		return errors.New("a scan before the frame header")
	}
	if d.scans++; d.scans > maxScans {
		return fmt.Errorf("more than %d scans", maxScans)
	}
	p, err := d.scanHeader(s)
	if err != nil {
		return err
	}
	if !d.scanned {
		d.scanned = true
		d.singleScan = !d.progressive && len(p.comps) == len(d.comps)
		for i := range d.comps {
			c := &d.comps[i]
			rows := c.rows
			if d.singleScan {
				rows = c.v
			}
			c.coef = make([]int16, 64*c.stride*rows)
			c.plane = make([]byte, 64*c.stride*c.rows)
		}
	}
	for _, c := range p.comps {
		if c.quant == nil {
			if d.quant[c.tq] == nil {
				return fmt.Errorf("quantisation table %d is missing", c.tq)
			}
			c.quant = d.quant[c.tq]
		}
	}
	d.bits.data = d.data
	d.bits.reset(d.pos)
	if err := d.scanData(&p); err != nil {
		return err
	}
	d.pos = d.bits.pos
	return nil
}

func (d *decoder) scanHeader(s []byte) (p scanParams, err error) {
	if len(s) < 1 || s[0] < 1 || s[0] > 4 || len(s) != 4+2*int(s[0]) {
		return p, fmt.Errorf("a scan header of %d bytes", len(s))
	}
	n := int(s[0])
	tail := s[1+2*n:]
	p.ss, p.se, p.ah, p.al = int(tail[0]), int(tail[1]), uint(tail[2]>>4), uint(tail[2]&15)
	if !d.progressive { // these say nothing in sequential files
		p.ss, p.se, p.ah, p.al = 0, 63, 0, 0
	}
	if p.se < p.ss || p.se > 63 || p.ss == 0 && d.progressive && p.se != 0 || p.ss > 0 && n > 1 || p.al > 13 || p.ah != 0 && p.ah != p.al+1 {
		return p, fmt.Errorf("a progressive scan of coefficients %d to %d, bits %d and %d, of %d components", p.ss, p.se, p.ah, p.al, n)
	}
	for i := range n {
		id, tables := s[1+2*i], s[2+2*i]
		var c *component
		for k := range d.comps {
			if d.comps[k].id == id {
				c = &d.comps[k]
			}
		}
		if c == nil {
			return p, fmt.Errorf("a scan of component %d, which the frame does not have", id)
		}
		for _, o := range p.comps {
			if o == c {
				return p, fmt.Errorf("a scan with component %d twice", id)
			}
		}
		if tables>>4 > 3 || tables&15 > 3 {
			return p, fmt.Errorf("a scan with Huffman tables %d and %d", tables>>4, tables&15)
		}
		c.dc, c.ac = d.dcTab[tables>>4], d.acTab[tables&15]
		needDC := p.ss == 0 && p.ah == 0
		needAC := p.se > 0
		if needDC && c.dc == nil || needAC && c.ac == nil {
			return p, fmt.Errorf("a scan needs Huffman tables %d (DC) and %d (AC), which are missing", tables>>4, tables&15)
		}
		p.comps = append(p.comps, c)
	}
	return p, nil
}

// scanData decodes a scan's MCUs with its restart intervals.
func (d *decoder) scanData(p *scanParams) error {
	b := &d.bits
	mcusX, mcusY := d.mcusX, d.mcusY
	alone := len(p.comps) == 1
	if alone { // an MCU is one block, and padding is left out (T.81, A.2.2)
		mcusX, mcusY = p.comps[0].blocksW, p.comps[0].blocksH
	}
	d.restartState(p)
	left := d.restart
	expect := byte(0)
	skip := false // made-up bits were used: leave blocks zero until a restart
	for my := range mcusY {
		if d.singleScan {
			for _, c := range p.comps {
				clear(c.coef)
			}
		}
		for mx := range mcusX {
			if d.restart > 0 {
				if left == 0 {
					if err := d.findRestart(&expect); err != nil {
						return err
					}
					d.restartState(p)
					left = d.restart
					// libjpeg resumes only where the marker really was.
					skip = b.end
				}
				left--
			}
			if skip {
				continue
			}
			if alone {
				c := p.comps[0]
				row := my
				if d.singleScan {
					row = 0
				}
				d.block(p, c, c.coef[64*(row*c.stride+mx):][:64:64])
			} else {
				for _, c := range p.comps {
					row := my * c.v
					if d.singleScan {
						row = 0
					}
					for v := range c.v {
						at := 64 * ((row+v)*c.stride + mx*c.h)
						for h := range c.h {
							d.block(p, c, c.coef[at+64*h:][:64:64])
						}
					}
				}
			}
			if b.exhausted() {
				if b.atEOF() {
					return io.ErrUnexpectedEOF
				}
				skip = true
			}
		}
		if d.singleScan {
			for _, c := range p.comps {
				if alone {
					c.inverse(c.coef, my, 1)
				} else {
					c.inverse(c.coef, my*c.v, c.v)
				}
			}
		}
	}
	return nil
}

// restartState forgets predictions, as at the start of a scan.
func (d *decoder) restartState(p *scanParams) {
	for _, c := range p.comps {
		c.dcPred = 0
	}
	d.eobRun = 0
}

// findRestart moves behind the restart marker that is due. Where another marker
// stands it does what libjpeg's jpeg_resync_to_restart does: skip those that
// cannot belong here, and stay before those that say that data are missing.
func (d *decoder) findRestart(expect *byte) error {
	b := &d.bits
	want := *expect
	*expect = (want + 1) & 7
	d.pos = b.pos
	for {
		m, err := d.nextMarker()
		if err != nil {
			return err
		}
		if m == markerRST0+want {
			break
		}
		if m >= markerSOF0 {
			if m < markerRST0 || m > markerRST7 || m == markerRST0+(want+1)&7 || m == markerRST0+(want+2)&7 {
				// Data are missing: the marker stays, and blocks stay empty
				// until the next restart is due.
				b.reset(d.pos - 2)
				b.end = true
				return nil
			}
			if m != markerRST0+(want-1)&7 && m != markerRST0+(want-2)&7 {
				break // too far off to mean anything: take it for the one wanted
			}
		}
	}
	b.reset(d.pos)
	return nil
}

// block decodes one block's part in a scan.
func (d *decoder) block(p *scanParams, c *component, coef []int16) {
	switch {
	case !d.progressive:
		d.sequential(c, coef)
	case p.ss == 0 && p.ah == 0:
		c.dcPred += d.bits.difference(c.dc)
		coef[0] = int16(c.dcPred << p.al)
	case p.ss == 0:
		d.bits.fill()
		if d.bits.take(1) != 0 {
			coef[0] |= 1 << p.al
		}
	case p.ah == 0:
		d.acFirst(p, c, coef)
	default:
		d.acRefine(p, c, coef)
	}
}

// sequential decodes a whole block (T.81, F.2.2).
func (d *decoder) sequential(c *component, coef []int16) {
	b := &d.bits
	c.dcPred += b.difference(c.dc)
	block := (*[64]int16)(coef)
	block[0] = int16(c.dcPred)
	table := c.ac
	acc, n := b.acc, b.n
	for k := 1; k < 64; {
		if n < 32 {
			b.acc, b.n = acc, n
			b.fill()
			acc, n = b.acc, b.n
		}
		e := table.look[acc>>(64-lookBits)]
		used := e & 0xff
		if used == 0 {
			b.acc, b.n = acc, n
			s := b.symbol(table)
			acc, n = b.acc, b.n
			e = uint32(s>>4)<<8 | uint32(s&15)<<12
		} else {
			acc <<= used
			n -= int(used)
		}
		k += int(e >> 8 & 15)
		if size := uint(e >> 12 & 15); size != 0 {
			v := extend(int32(acc>>(64-size)), size)
			acc <<= size
			n -= int(size)
			block[zigzag[k]&63] = int16(v)
			k++
			continue
		}
		if v := int16(e >> 16); v != 0 {
			block[zigzag[k]&63] = v
			k++
			continue
		}
		if e>>8&15 != 15 {
			break // end of block
		}
		k++ // sixteen zeros
	}
	b.acc, b.n = acc, n
}
