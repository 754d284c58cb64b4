package checkpoint_test

import (
	"fmt"
	"log"
	"os"

	"govle/vle/checkpoint"
)

// Save a small model and read one of its parameters back.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	err = checkpoint.Save(dir, []checkpoint.Parameter{
		{Name: "head.weight", Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}},
		{Name: "head.bias", Shape: []int{2}, Data: []float32{0.5, -0.5}},
	}, checkpoint.SaveOptions{DType: checkpoint.BF16})
	if err != nil {
		log.Fatal(err)
	}

	store, err := checkpoint.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	for _, name := range store.Names() {
		info, _ := store.Info(name)
		values, err := store.Float32(name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(name, info.DType, info.Shape, values)
	}
	// Output:
	// head.bias BF16 [2] [0.5 -0.5]
	// head.weight BF16 [2 3] [1 2 3 4 5 6]
}
