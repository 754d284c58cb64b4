// Package metrics computes the figures that visual-language work is reported
// in, as their official programs compute them: VQA accuracy, VCR's Q2A, QA2R
// and Q2AR, image–text matching and retrieval, patch-box pointing, masked
// words, and the baselines that stand beside a score.
//
// For the accuracy of VQA answers, add each answer to a [VQA] and read its
// [VQAResult]; for what a score is worth, fit a [Prior] on the training
// questions and score that too.
//
// Scores are fractions of 1 unless a comment says per cent.
package metrics
