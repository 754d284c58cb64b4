// Package scenes draws pictures with several objects and writes what can be
// asked about them: captions, exact boxes, questions of nine types with balanced
// answers, and multiple choice in the manner of VCR with object tags and
// rationales.
//
// For most uses, make a [Generator] with [New] and take its Questions, Captions
// or Choices of a [Split] as a data set. Everything follows from the seed, the
// split and the number of a scene, so nothing is stored and a data set has any
// length; scenes of different splits have different numbers and so never meet.
//
// Lengths are fractions of the picture's side. At 64×64 pixels, which is what
// the sizes were chosen for, small objects are 12 to 14 pixels across and large
// ones 19 to 22, with two pixels at least between any two. With patches of 8×8, a
// small object so covers parts of four patches as a rule.
package scenes
