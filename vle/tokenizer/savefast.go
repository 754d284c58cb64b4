package tokenizer

import "encoding/base64"

// object is a JSON object.
type object = map[string]any

// fast is what tokenizer.json holds for this tokenizer: the same pieces and the
// steps that Hugging Face's converter puts around them.
func (t *Tokenizer) fast() object {
	vocab := make([][2]any, t.model.Size())
	for id := range vocab {
		vocab[id] = [2]any{t.model.Piece(id), float64(t.model.Score(id))}
	}
	var added []object
	for id := range t.VocabSize() {
		if !t.IsSpecial(id) && id < t.model.Size() {
			continue
		}
		text := t.Token(id)
		token := object{
			"id": id, "content": text, "special": t.IsSpecial(id),
			"single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
		}
		added = append(added, token)
	}

	var normalizers []object
	if t.config.lowerCase {
		normalizers = append(normalizers, object{"type": "Lowercase"})
	}
	normalizers = append(normalizers, object{"type": "Strip", "strip_left": true, "strip_right": true})
	if m := t.model.Charsmap(); m != "" {
		normalizers = append(normalizers, object{"type": "Precompiled", "precompiled_charsmap": base64.StdEncoding.EncodeToString([]byte(m))})
	}
	normalizers = append(normalizers, object{"type": "Replace", "pattern": object{"Regex": " {2,}"}, "content": " "})

	metaspace := object{"type": "Metaspace", "replacement": "▁", "add_prefix_space": true}
	var words []object
	if t.config.splitPunct {
		words = append(words, object{"type": "Punctuation", "behavior": "Isolated"})
	}
	words = append(words, metaspace)

	cls, sep := t.Token(t.clsID), t.Token(t.sepID)
	special := func(text string, typ int) object {
		return object{"SpecialToken": object{"id": text, "type_id": typ}}
	}
	sequence := func(name string, typ int) object {
		return object{"Sequence": object{"id": name, "type_id": typ}}
	}
	single := []object{special(cls, 0), sequence("A", 0), special(sep, 0)}
	return object{
		"version": "1.0", "truncation": nil, "padding": nil,
		"added_tokens":  added,
		"normalizer":    object{"type": "Sequence", "normalizers": normalizers},
		"pre_tokenizer": object{"type": "Sequence", "pretokenizers": words},
		"post_processor": object{
			"type":   "TemplateProcessing",
			"single": single,
			"pair":   append(single[:len(single):len(single)], sequence("B", 1), special(sep, 1)),
			"special_tokens": object{
				cls: object{"id": cls, "ids": []int{t.clsID}, "tokens": []string{cls}},
				sep: object{"id": sep, "ids": []int{t.sepID}, "tokens": []string{sep}},
			},
		},
		"decoder": metaspace,
		"model":   object{"type": "Unigram", "unk_id": t.unkID, "vocab": vocab},
	}
}
