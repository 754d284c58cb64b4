package imageproc

// Pixels is one picture as the model reads it.
type Pixels struct {
	// Data is [C × H × W] float32: channel by channel (red, green, blue), each
	// row by row from the top.
	Data     []float32
	C, H, W  int
	Geometry Geometry // how the picture was scaled and cropped
}

// Batch is several pictures of one size as the model reads them.
type Batch struct {
	// Data is [N × C × H × W] float32.
	Data       []float32
	N, C, H, W int
	Geometry   []Geometry // of each picture
}

// Item is picture i; its data are part of the batch's.
func (b *Batch) Item(i int) *Pixels {
	n := b.C * b.H * b.W
	return &Pixels{Data: b.Data[i*n : (i+1)*n : (i+1)*n], C: b.C, H: b.H, W: b.W, Geometry: b.Geometry[i]}
}
