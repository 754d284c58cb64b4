package notebook

import (
	"strings"
	"testing"
)

func TestInject(t *testing.T) {
	const defaults = "// defaults\nk := 3\nrate := 0.5\nname, deep := \"a\", true\nvar n int64 = 2\nconst size = 10\nlimit := 30 * time.Second\nids := []string{\"x\"}\nother := f()"
	for _, c := range []struct{ name, param, want, fails string }{
		{"int", "k=5", "k = 5", ""},
		{"int refuses text", "k=five", "", "whole number type int"},
		{"float from whole number", "rate=2", "rate = 2.0", ""},
		{"float", "rate=3e-4", "rate = 3e-4", ""},
		{"float refuses NaN", "rate=NaN", "", "finite"},
		{"string that looks like a number", "name=12", `name = "12"`, ""},
		{"string with quotes", `name=a "b"`, `name = "a \"b\""`, ""},
		{"string with equals sign", "name=a=b", `name = "a=b"`, ""},
		{"empty string", "name=", `name = ""`, ""},
		{"bool", "deep=False", "deep = false", ""},
		{"bool refuses text", "deep=maybe", "", "true or false"},
		{"typed var", "n=0x10", "n = 0x10", ""},
		{"constant", "size=7", "const size = 7", ""},
		{"duration", "limit=1m", "limit = 60000000000 // 1m0s", ""},
		{"duration refuses number", "limit=60", "", "time.Duration"},
		{"slice", `ids=["a","b c"]`, `ids = []string{"a", "b c"}`, ""},
		{"slice refuses text", "ids=a,b", "", "JSON list"},
		{"of unknown type", "other=4", "other = 4", ""},
		{"undeclared int", "fresh=-4", "fresh := -4", ""},
		{"undeclared float", "fresh=1e3", "fresh := 1000.0", ""},
		{"undeclared bool", "fresh=true", "fresh := true", ""},
		{"undeclared string", "fresh=blue", `fresh := "blue"`, ""},
		{"undeclared list of numbers", "fresh=[1, 2.5]", "fresh := []float64{1.0, 2.5}", ""},
		{"undeclared empty list", "fresh=[]", "fresh := []string{}", ""},
		{"text with a bracket", "fresh=[draft] one", `fresh := "[draft] one"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			nb := &Notebook{Minor: 5, Cells: []*Cell{
				{Type: Markdown, Source: "# t"},
				{Type: Code, Source: defaults, Metadata: map[string]any{"tags": []any{"parameters"}}},
				{Type: Code, Source: "use(k)"},
			}}
			p, err := ParseParameter(c.param)
			if err != nil {
				t.Fatal(err)
			}
			err = nb.Inject([]Parameter{p})
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("error %v, wanted %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(nb.Cells) != 4 || !nb.Cells[2].HasTag("injected-parameters") || nb.Cells[2].ID == "" {
				t.Fatalf("the cell is not behind the parameters: %+v", nb.Cells)
			}
			if _, got, _ := strings.Cut(nb.Cells[2].Source, "\n"); got != c.want {
				t.Errorf("injected %q, wanted %q", got, c.want)
			}
		})
	}
}

func TestInjectPlaces(t *testing.T) {
	nb := &Notebook{Cells: []*Cell{{Type: Code, Source: "x"}}}
	one, two := []Parameter{{"a", "1"}}, []Parameter{{"a", "2"}}
	if err := nb.Inject(one); err != nil {
		t.Fatal(err)
	}
	if err := nb.Inject(two); err != nil {
		t.Fatal(err)
	}
	if len(nb.Cells) != 2 || !strings.HasSuffix(nb.Cells[0].Source, "a := 2") || nb.Cells[0].ID != "" {
		t.Errorf("cells %q", nb.Cells[0].Source)
	}
	python := &Notebook{Metadata: map[string]any{"kernelspec": map[string]any{"language": "python"}}}
	if err := python.Inject(one); err == nil || !strings.Contains(err.Error(), "python") {
		t.Errorf("error %v, wanted one that names the language", err)
	}
}

func TestParseParameterRefuses(t *testing.T) {
	for _, s := range []string{"", "a", "=1", "1a=2", "a b=3", "func=1", "_=1"} {
		if p, err := ParseParameter(s); err == nil {
			t.Errorf("%q gave %+v", s, p)
		}
	}
}
