// Package tokenizer turns text into the token ids of a DeBERTa-v3 model and
// back: a SentencePiece unigram model (spm.model) with the conventions of
// Hugging Face's DebertaV2Tokenizer on top.
//
// For most uses, call [Load] with a checkpoint folder, then
// [Tokenizer.Encode]:
//
//	tok, err := tokenizer.Load("vle-base-for-vqa")
//	enc, err := tok.Encode("What is on the grass?", tokenizer.Options{})
//	// enc.IDs = [CLS] ▁What ▁is ▁on ▁the ▁grass ? [SEP]
//
// Ids are those of the slow (Python) DebertaV2Tokenizer of transformers
// 4.27, which VLE was trained and published with; offsets are those that the
// fast tokenizer reports. A Tokenizer does not change after loading and may
// be used by many goroutines at once.
package tokenizer
