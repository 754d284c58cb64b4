package main

import (
	"github.com/spf13/pflag"

	"govle/vle"
	"govle/vle/nn"
)

// precisionFlag is the flag --precision of the commands that open a model.
type precisionFlag struct{ nn.Precision }

var _ pflag.Value = (*precisionFlag)(nil)

func (p *precisionFlag) add(f *pflag.FlagSet) {
	f.Var(p, "precision", "`f32`, bf16 or int8: how the weights of linear layers are kept; int8 is about three times as fast, and rounds")
}

// Set reads the flag.
func (p *precisionFlag) Set(s string) (err error) {
	p.Precision, err = nn.ParsePrecision(s)
	return err
}

// Type names what the flag takes.
func (p *precisionFlag) Type() string { return "precision" }

// apply keeps the model's weights as the flag says. In float32 they stay as they
// lie in the file.
func (p *precisionFlag) apply(m vle.Parameterized) {
	if p.Precision != nn.Float32 {
		vle.PackWith(m, vle.PackOptions{Precision: p.Precision})
	}
}
