// Package viz draws what people would rather look at than read: an answer
// distribution, or where in a picture a word looks.
//
// Each picture kind is one file with one constructor that takes plain numbers
// and images and fills in sensible defaults; the knobs are exported fields of
// the result. For most uses, call [NewTopK] or [NewAttention], change a field
// or two, and leave the value as the last expression of a notebook cell: its
// MIMEBundle method shows it inline. Outside a notebook, [TopK.WritePNG] and
// [TopK.WriteSVG] (and their like on every kind) write files.
//
// The package draws with gonum/plot and knows neither models nor kernels.
package viz
