package vle

import "govle/vle/imageproc"

// Inputs returns what the model reads of a question, one batch of one item for
// each choice, without the picture: what [VCRPipeline.Choose] gives the model,
// for training it on the same. Its arguments are those of Choose, with the
// geometry that the image processor returned for the picture. Of the pipeline's
// model the configuration and the task are read.
func (p *VCRPipeline) Inputs(q *VCRQuestion, answer int, g imageproc.Geometry) ([]*Batch, error) {
	return p.batches(q, answer, g)
}
