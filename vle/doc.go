// Package vle is the VLE family of vision-language models (iflytek/VLE): a
// DeBERTa-v3 text encoder, a CLIP vision transformer and a co-attention fusion
// of the two, with heads for visual question answering and its relatives.
//
// For most uses, call [Embedded] (a small model inside the binary) or
// [OpenVQA] (any VLE folder in Hugging Face layout) and ask:
//
//	p, err := vle.OpenVQA("vle-base-for-vqa")
//	a, err := p.Answer(picture, "What colour is the sofa?", 5)
//	fmt.Println(a)
//
// Below the pipelines are the models: [Model] is the body, [VQA] and the
// other heads hold one. Their Forward takes a *nn.Run, which is either an
// inference run (no graph, buffers reused) or a graph run for training; both go
// through the same code.
package vle
