package metrics

// Prior is the baseline that never looks at a picture: it answers each question
// with the answer that training questions of the same words had most often, and a
// question it has not met with the answer most frequent over all. A model that
// does not beat it has learnt nothing from pictures. Its zero value is ready.
type Prior struct {
	byQuestion map[string]map[string]int
	all        map[string]int
}

// Fit counts one training question.
func (p *Prior) Fit(question, answer string) {
	if p.all == nil {
		p.byQuestion, p.all = map[string]map[string]int{}, map[string]int{}
	}
	m := p.byQuestion[question]
	if m == nil {
		m = map[string]int{}
		p.byQuestion[question] = m
	}
	m[answer]++
	p.all[answer]++
}

// Answer returns the prior's answer, "" if nothing was fitted.
func (p *Prior) Answer(question string) string {
	if m := p.byQuestion[question]; m != nil {
		return mostFrequent(m)
	}
	return p.Majority()
}

// Majority returns the answer most frequent over all: the baseline that does
// not even read the question. It is "" if nothing was fitted.
func (p *Prior) Majority() string { return mostFrequent(p.all) }

// mostFrequent breaks ties by the alphabet, so that a run can be repeated.
func mostFrequent(m map[string]int) string {
	best, most := "", 0
	for a, n := range m {
		if n > most || n == most && a < best {
			best, most = a, n
		}
	}
	return best
}
