// Package imageproc prepares pictures for the model exactly as the reference
// does: decode, scale with Pillow's arithmetic, crop the centre, normalise.
//
// For most uses:
//
//	proc, err := imageproc.Load("path/to/vle-base-for-vqa")
//	img, err := imageproc.DecodeFile("cat.jpg", nil)
//	pixels, err := proc.Process(img) // pixels.Data is [3 × H × W] float32
//
// pixels.Geometry then says which rectangle of the picture each patch of the
// model looks at.
//
// Decoding gives what Pillow's open and convert("RGB") give: alpha dropped,
// EXIF orientation ignored, 16-bit grey clipped, first frame of animations;
// [DecodeOptions] honours the orientation or lays the picture over a colour.
package imageproc
