package tokenizer

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// benchTexts are the recorded short sentences.
func benchTexts(b *testing.B) []string {
	var golden struct{ Single []struct{ Text string } }
	data, err := os.ReadFile(shared(b, "data", "deberta-v3-tokenizer", "golden_slow_encodings.json"))
	if err != nil {
		b.Fatal(err)
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		b.Fatal(err)
	}
	var texts []string
	for _, row := range golden.Single {
		texts = append(texts, row.Text)
	}
	return texts
}

// BenchmarkEncode encodes short sentences one by one on one thread.
func BenchmarkEncode(b *testing.B) {
	texts := benchTexts(b)
	tok := loadDeBERTa(b)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if _, err := tok.Encode(texts[i%len(texts)], Options{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sentences/s")
}

// BenchmarkEncodeLong encodes one text of about 100,000 words.
func BenchmarkEncodeLong(b *testing.B) {
	text := strings.Join(benchTexts(b), " ")
	text = strings.Repeat(text+" ", 1+100_000/len(strings.Fields(text)))
	tok := loadDeBERTa(b)
	b.SetBytes(int64(len(text)))
	b.ResetTimer()
	for range b.N {
		if _, err := tok.Encode(text, Options{MaxLength: 512, Truncation: LongestFirst}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad reads a model of 128,000 pieces.
func BenchmarkLoad(b *testing.B) {
	for range b.N {
		loadDeBERTa(b)
	}
}
