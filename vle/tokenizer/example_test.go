package tokenizer_test

import (
	"fmt"
	"log"
	"testing/fstest"

	"govle/vle/tokenizer"
	"govle/vle/tokenizer/internal/spmtest"
)

// checkpoint stands in for a folder with a real spm.model, for which a program
// calls tokenizer.Load.
var checkpoint = fstest.MapFS{"spm.model": {Data: spmtest.DeBERTa().Bytes()}}

func Example() {
	tok, err := tokenizer.LoadFS(checkpoint, ".")
	if err != nil {
		log.Fatal(err)
	}
	const text = "what is on the grass?"
	enc, err := tok.Encode(text, tokenizer.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for i, token := range enc.Tokens {
		at := enc.ByteOffsets[i]
		fmt.Printf("%2d %-7s %q\n", enc.IDs[i], token, text[at.Start:at.End])
	}
	fmt.Println(tok.Decode(enc.IDs, true))
	// Output:
	//  1 [CLS]   ""
	//  8 ▁what   "what"
	//  9 ▁is     " is"
	// 10 ▁on     " on"
	//  4 ▁the    " the"
	// 12 ▁grass  " grass"
	//  7 ?       "?"
	//  2 [SEP]   ""
	// what is on the grass?
}

func ExampleTokenizer_EncodeBatch() {
	tok, err := tokenizer.LoadFS(checkpoint, ".")
	if err != nil {
		log.Fatal(err)
	}
	questions := []string{"what is the color?", "is the dog on the grass?"}
	batch, err := tok.EncodeBatch(questions, nil, tokenizer.Options{Padding: tokenizer.PadLongest})
	if err != nil {
		log.Fatal(err)
	}
	for _, enc := range batch {
		fmt.Println(enc.IDs, enc.AttentionMask)
	}
	// Output:
	// [1 8 9 4 20 7 2 0 0] [1 1 1 1 1 1 1 0 0]
	// [1 9 4 11 10 4 12 7 2] [1 1 1 1 1 1 1 1 1]
}

func ExampleTokenizer_EncodePair() {
	tok, err := tokenizer.LoadFS(checkpoint, ".")
	if err != nil {
		log.Fatal(err)
	}
	enc, err := tok.EncodePair("what is on the grass?", "a [MASK]", tokenizer.Options{
		MaxLength:  9,
		Truncation: tokenizer.OnlyFirst,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(enc.Tokens, enc.TypeIDs, enc.Truncated)
	// Output: [[CLS] ▁what ▁is ▁on ▁the [SEP] ▁a [MASK] [SEP]] [0 0 0 0 0 0 1 1 1] 2
}
