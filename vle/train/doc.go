// Package train trains the models of package vle: from scratch, fine-tuning and
// pre-training on several objectives at once, from a notebook cell or a program.
//
// For most uses, call [New] with a model, the data and options, and [Trainer.Fit]:
//
//	tr, err := train.New(model, data, train.Options{Objective: train.VQA{}, Epochs: 3, Dir: "run"})
//	if err != nil {
//		return err
//	}
//	err = tr.Fit(ctx)
//
// Fit stops between two steps when ctx is cancelled, and another call goes on
// where it stopped. With a Dir it keeps the last and the best checkpoint there,
// each a model folder in Hugging Face layout with the optimiser's state beside
// the weights; Options.Resume goes on from the last.
//
// A run follows from its options and its data alone. Each step's examples are
// cut into Options.Shards parts whose gradients are computed side by side and
// summed in order, and every random choice is a function of the seed and of
// what it is for, so neither the number of processors nor an interruption
// changes a bit of the losses.
//
// The optimiser is the AdamW of transformers 4 with the parameter groups of the
// VLE reference; see [AdamW] and [GroupOptions].
package train
