// Package parity holds the whole of govle against recorded outputs of the
// reference implementation: tokenizer, pictures, checkpoints, every
// intermediate result and gradient of every head, positions, pipelines, a model
// of real size, and a trained model's answers.
//
// For most uses, call [Run] with a folder of recordings:
//
//	summary, err := parity.Run(ctx, "golden", os.Stdout, parity.Options{})
//	if err != nil || summary.Missed > 0 {
//		os.Exit(1)
//	}
//
// It writes a line for each case: its name, the largest error, the tolerance
// and the verdict, and below a case that missed, what did. Nothing is known
// beforehand about seeds, sizes or configurations: everything comes from the
// files, and any folder of the layout may be given, or any folder inside one. A
// file of recordings that no kind of case knows is listed as not supported yet; a
// file that is missing is a miss that names it.
//
// Numbers may be off by 2e-5 + 1e-4·|recorded|, those at real size by 1e-4,
// gradients by 1e-4 of the largest one in their tensor; ids, bytes and texts not
// at all.
//
// # Recording a folder of one's own
//
// Run the reference (or any other implementation that is to be followed) and
// write what it computes under these names. Arrays are .npz files of float32 and
// int64 arrays, row-major, a scalar as shape (1,); a file X.jsonl has one JSON
// object a line. Every folder is optional.
//
//	tokenizer/X.jsonl         text; tokens, ids, token_type_ids, special_tokens_mask, decode,
//	                          decode_skip_special of the slow tokenizer; spm: {normalized,
//	                          pieces, ids, begin, end, surface, score} of sentencepiece; fast:
//	                          {offsets} and fast_same_ids of the fast one
//	tokenizer/X.model, X_hf/  the model, and the folder that save_pretrained writes
//	tokenizer/X_batch.jsonl   kind (single, pair, batch), a, b, kwargs; slow, fast: the result
//	tokenizer/X_vocab.jsonl   id, piece, score, type; X_info.json: len and the special ids
//	image/index.json          list of file, decoded_png, decoded_rgb_sha256, and outputs: size,
//	                          crop, shape, sha256_f32, sha256_u8_chw, npy or npz (pos, val, u8)
//	image/inputs/             the files; image/resize/index.json: file, w, h, filter of src.png
//	model-KIND/ckpt-HEAD/     config.json, model.safetensors and other files of the same weights
//	model-KIND/HEAD/          HEAD is base, vqa, itm, pbc, mlm, vcr_q2a or vcr_qa2r:
//	  params.json             name: {shape}
//	  case_C.npz, case_C.json in.input_ids, in.attention_mask, in.token_type_ids, in.pixel_values;
//	                          mid.NAME by the names that a watched run shows; out.logits, out.loss
//	                          (base: out.pooler_output, out.text_embeds, …); labels and boxes in
//	                          the .json; for choices .0, .1, … behind the inputs' names and after
//	                          mid. and out.
//	  case_C_fp16_weights.npz the same inputs with model.fp16.safetensors (bf16 likewise)
//	  grad_C.npz, grad_C.norms.json  gradients by parameter: elements; grads: {name: {l2, sum,
//	                          absmax} or null}; for base, grad_weight.npz has w of the loss
//	                          sum(pooled · w)
//	*/position/               extend.npz, relative_position.npz, activations.npz
//	pipelines/                inputs/, processor-KIND/ and, by the model's KIND: vqa.jsonl, itm.jsonl,
//	                          pbc.jsonl (with overlay/), vcr.jsonl; patch_box.jsonl, build_text.jsonl,
//	                          related_box.jsonl
//	training/X.json, X.npz    start_checkpoint, settings, groups and log of a training run; its
//	                          inputs, logits and parameters by step; schedules.json: base_lr,
//	                          lr_per_step
//	training/losses.npz       logits, targets and their losses; quirks.json: missing_keys and
//	                          unexpected_keys of a head's weights in another model
//	realsize/HEAD_SIZE_PX.*   .json: the seeds of [Formula], first_values_check; .npz: input_ids,
//	                          attention_mask, logits, logits_f64, X.pos, X.val, X.meanstd
//	archs/SIZE.CLASS.json     state_dict: {name: {shape, param}}, n_params, beside
//	                          SIZE.config.json; counts.json
//	easyvqa/                  a model folder with predictions.jsonl: question, image_id, answer,
//	                          logits, in the order of easy-vqa's test/questions.json
//
// To add a kind of case, write a file with a finder and name it in kinds.
package parity
