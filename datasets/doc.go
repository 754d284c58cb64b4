// Package datasets makes and reads the pictures, questions and captions that
// models are trained and tried on. It knows no model: what it gives are images,
// texts, boxes and labels.
//
// Each data set has a package of its own: vqa (VQAv2), easyvqa, vcr, captions,
// sortofclevr and scenes, the generator of this project; metrics has the official
// figures. They all give a [Source] of [Question], [Choice] or [Caption] values.
// For training, hand the source to a [Loader], which shuffles by a seed, batches,
// and says where it stands so that a run can go on later. To look at a batch in a
// notebook, make a [Grid] of it.
//
// For a picture that the embedded model understands, draw a [Shape].
package datasets
