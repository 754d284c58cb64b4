package client_test

import (
	"context"
	"fmt"
	"log"

	"govle/kernel/client"
	"govle/kernel/kernelspec"
	"govle/kernel/wire"
)

// Start an installed kernel, run a cell, and print what it prints.
func Example() {
	ctx := context.Background()
	spec, err := kernelspec.Find("govle")
	if err != nil {
		log.Fatal(err)
	}
	kernel, err := client.Start(ctx, spec, client.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer kernel.Shutdown(ctx)
	reply, err := kernel.Execute(ctx, `fmt.Println("hello")`, client.ExecuteOptions{}, func(m *wire.Message) {
		if m.Header.MsgType == "stream" {
			var s struct{ Name, Text string }
			if err := m.Unmarshal(&s); err == nil {
				fmt.Print(s.Text)
			}
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Status)
}
