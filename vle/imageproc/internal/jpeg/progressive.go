package jpeg

// acFirst decodes the first scan of a band of AC coefficients (T.81, G.1.2.2).
func (d *decoder) acFirst(p *scanParams, c *component, coef []int16) {
	if d.eobRun > 0 {
		d.eobRun--
		return
	}
	b := &d.bits
	for k := p.ss; k <= p.se; k++ {
		run, size, v := b.coefficient(c.ac)
		if size == 0 {
			if run < 15 {
				d.eobRun = 1<<run - 1
				if run > 0 {
					b.fill()
					d.eobRun += int(b.take(uint(run)))
				}
				return
			}
			k += 15
			continue
		}
		k += run
		coef[zigzag[k]] = int16(v << p.al)
	}
}

// acRefine adds one bit to a band of AC coefficients (T.81, G.1.2.3): to those
// already known, and new ones in between.
func (d *decoder) acRefine(p *scanParams, c *component, coef []int16) {
	b := &d.bits
	bit := int16(1) << p.al
	k := p.ss
	if d.eobRun == 0 {
		for ; k <= p.se; k++ {
			run, size, v := b.coefficient(c.ac)
			var fresh int16
			if size == 0 {
				if run < 15 {
					d.eobRun = 1 << run
					if run > 0 {
						b.fill()
						d.eobRun += int(b.take(uint(run)))
					}
					break
				}
			} else { // only ±1 may come; of anything longer, the sign counts
				fresh = bit
				if v < 0 {
					fresh = -bit
				}
			}
			for ; k <= p.se; k++ {
				at := &coef[zigzag[k]]
				if *at != 0 {
					b.refine(at, bit)
				} else {
					if run == 0 {
						break
					}
					run--
				}
			}
			if fresh != 0 {
				coef[zigzag[k]] = fresh
			}
		}
	}
	if d.eobRun > 0 {
		for ; k <= p.se; k++ {
			if at := &coef[zigzag[k]]; *at != 0 {
				b.refine(at, bit)
			}
		}
		d.eobRun--
	}
}

// refine reads a correction bit for a coefficient already known.
func (b *bitReader) refine(at *int16, bit int16) {
	if b.n < 1 {
		b.fill()
	}
	if b.take(1) != 0 && *at&bit == 0 {
		if *at >= 0 {
			*at += bit
		} else {
			*at -= bit
		}
	}
}

// coefficient decodes a run of zeros and the value after it; size is the value's
// length in bits, 0 for the symbols that carry no value.
func (b *bitReader) coefficient(h *huffman) (run int, size uint, v int32) {
	if b.n < 32 {
		b.fill()
	}
	e := h.look[b.acc>>(64-lookBits)]
	if n := e & 0xff; n != 0 {
		b.acc <<= n
		b.n -= int(n)
		if v := int32(e) >> 16; v != 0 {
			return int(e >> 8 & 15), 1, v
		}
		run, size = int(e>>8&15), uint(e>>12&15)
	} else {
		s := b.symbol(h)
		run, size = int(s>>4), uint(s&15)
	}
	if size != 0 {
		v = extend(b.take(size), size)
	}
	return run, size, v
}
