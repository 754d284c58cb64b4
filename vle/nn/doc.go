// Package nn holds the building blocks of VLE as layers over whole matrices:
// a sequence is one [tokens × hidden] matrix, a batch is the sequences one
// below the other, and a [Layout] says which rows belong to which item.
//
// There is one implementation for inference and for training. Every layer's
// Forward takes a [*Run]. An inference run ([NewRun]) computes values only:
// no graph is kept and buffers come from a pool and go back to it. A graph run
// ([NewGraphRun]) makes a spago operator of each step, so that ag.Backward
// fills the gradients of the layers' parameters.
//
// Each differentiable step is a struct that implements spago's
// ag.AutoGradFunction ([Affine], [Normalize], [Activate], [Gather],
// [MeanRows], [Attend], [Disentangled], …): code written for spago can use
// them without this package's layers, with ag.NewOperator(&nn.Affine{…}).Run().
//
// Shapes are the caller's business: a layer given a matrix of the wrong size
// panics before an operator is made, naming the operator and both shapes.
package nn
