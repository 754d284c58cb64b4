package imageproc_test

import (
	"fmt"
	"image"
	"image/color"
	"log"
	"path/filepath"

	"govle/vle/imageproc"
)

// Prepare a picture for a model that reads 32×32 pixels, and ask which part of it
// a patch looks at.
func Example() {
	img, err := imageproc.DecodeFile(filepath.Join("testdata", "pillow", "base_420.jpg"), nil)
	if err != nil {
		log.Fatal(err)
	}
	proc := imageproc.New(32)
	pixels, err := proc.Process(img)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(img.Bounds().Size(), "becomes", pixels.C, pixels.H, pixels.W)
	b := pixels.Geometry.PatchBox(16, 1, 0)
	fmt.Printf("patch (1,0) sees x %.1f to %.1f, y %.1f to %.1f\n", b.X0, b.X1, b.Y0, b.Y1)
	ids, _ := pixels.Geometry.Patches(16, imageproc.Box{X0: 30, Y0: 5, X1: 40, Y1: 30})
	fmt.Println("the box lies in patches", ids)
	// Output:
	// (45,38) becomes 3 32 32
	// patch (1,0) sees x 2.4 to 21.9, y 19.0 to 38.0
	// the box lies in patches [1 3]
}

// Honour a photograph's orientation and show a logo's transparency as white, where
// the reference does neither.
func ExampleDecodeFile() {
	img, err := imageproc.DecodeFile(filepath.Join("testdata", "pillow", "turned_6.jpg"), &imageproc.DecodeOptions{
		Orient:     true,
		Background: color.White,
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(img.Bounds().Size())
	// Output: (38,45)
}

// Read a model's settings, or say what is wrong with them.
func ExampleLoad() {
	_, err := imageproc.Load(filepath.Join("testdata", "badconfig", "std_zero"))
	fmt.Println(err)
	// Output: reading testdata/badconfig/std_zero/preprocessor_config.json: field "image_std" has 0 for channel 1, want a number that is not zero
}

// Prepare several pictures at once.
func ExampleProcessor_ProcessBatch() {
	batch, err := imageproc.New(24).ProcessBatch([]image.Image{
		image.NewGray(image.Rect(0, 0, 40, 30)),
		image.NewGray(image.Rect(0, 0, 30, 50)),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(batch.N, batch.C, batch.H, batch.W, len(batch.Data))
	// Output: 2 3 24 24 3456
}
