package viz_test

import (
	"fmt"
	"image"
	"log"

	"gonum.org/v1/gonum/mat"

	"govle/viz"
)

func ExampleNewTopK() {
	answers, err := viz.NewTopK("is it raining?", []string{"no", "yes"}, []float64{0.93, 0.07})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answers)
	// Output:
	// is it raining?
	//  93.0 %  no
	//   7.0 %  yes
}

func ExampleNewAttention() {
	picture := image.NewGray(image.Rect(0, 0, 64, 64))
	weights := mat.NewDense(2, 2, []float64{0.1, 0.6, 0.1, 0.2})
	where, err := viz.NewAttention(picture, []string{"shape"}, []mat.Matrix{weights})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(where)
	// Output:
	// shape: most at row 1, column 2 of 2×2 patches (0.6)
}
