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
// Resizing, the values and, for JPEG, PNG, GIF, BMP, TIFF and WebP, the decoded
// pixels are Pillow's to the bit; testdata/pillow/make.py says how that is tested.
// Not read are arithmetic, lossless and 12-bit JPEG, JPEG and YCbCr inside TIFF,
// and BigTIFF: these give an error that says so.
//
// Decoding gives what Pillow's open and convert("RGB") give: alpha dropped,
// EXIF orientation ignored, 16-bit grey clipped, first frame of animations;
// [DecodeOptions] honours the orientation or lays the picture over a colour.
package imageproc
