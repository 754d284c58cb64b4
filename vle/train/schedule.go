package train

import (
	"fmt"
	"math"
)

// ScheduleKind names how the learning rate falls after the warm-up.
type ScheduleKind string

// The kinds of schedule. The empty kind is Linear.
const (
	Linear     ScheduleKind = "linear"
	Polynomial ScheduleKind = "polynomial"
	Cosine     ScheduleKind = "cosine"
	Constant   ScheduleKind = "constant"
)

// Schedule says how the learning rate changes from step to step, as the
// schedules of transformers do: it rises from 0 in a line during the warm-up and
// then falls until the last step.
type Schedule struct {
	Kind ScheduleKind `toml:"kind" json:"kind,omitempty"`
	// Warmup is the number of warm-up steps, or, below 1, their share of all
	// steps (rounded down).
	Warmup float64 `toml:"warmup" json:"warmup,omitempty"`
	// Power is the exponent of Polynomial; 0 means 1.
	Power float64 `toml:"power" json:"power,omitempty"`
	// End is the learning rate that Polynomial falls to, for a parameter whose
	// learning rate is the base.
	End float64 `toml:"end" json:"end,omitempty"`
}

// check reports a setting that no schedule can have.
func (s Schedule) check() error {
	switch s.Kind {
	case "", Linear, Polynomial, Cosine, Constant:
	default:
		return fmt.Errorf("schedule %q is unknown: use %s, %s, %s or %s", s.Kind, Linear, Polynomial, Cosine, Constant)
	}
	if !(s.Warmup >= 0) || !(s.Power >= 0) || !(s.End >= 0) {
		return fmt.Errorf("schedule: warmup %g, power %g and end %g must not be negative", s.Warmup, s.Power, s.End)
	}
	return nil
}

// WarmupSteps returns the number of warm-up steps in a run of total steps.
func (s Schedule) WarmupSteps(total int) int {
	if s.Warmup < 1 {
		return int(s.Warmup * float64(total))
	}
	return int(s.Warmup)
}

// Factor returns what the learning rates are multiplied with at a step, counted
// from 0, of a run of total steps whose base learning rate is base. Past total,
// Polynomial stays at its end and Cosine rises again, as in transformers.
func (s Schedule) Factor(step, total int, base float64) float64 {
	warm := s.WarmupSteps(total)
	if step < warm {
		return float64(step) / float64(max(1, warm))
	}
	progress := float64(step-warm) / float64(max(1, total-warm))
	switch s.Kind {
	case Constant:
		return 1
	case Cosine:
		return max(0, 0.5*(1+math.Cos(math.Pi*progress)))
	case Polynomial:
		end := s.End / base
		if step > total {
			return end
		}
		power := s.Power
		if power == 0 {
			power = 1
		}
		return (1-end)*math.Pow(1-progress, power) + end
	}
	return max(0, 1-progress)
}
