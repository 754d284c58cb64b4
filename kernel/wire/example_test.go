package wire_test

import (
	"fmt"

	"govle/kernel/wire"
)

// Sign a message, and see that another key does not accept it.
func ExampleCodec() {
	ours, _ := wire.NewCodec("hmac-sha256", "secret")
	theirs, _ := wire.NewCodec("hmac-sha256", "guess")
	frames, _ := ours.Encode(&wire.Message{Header: wire.NewHeader("kernel_info_request", "session", "user")})
	_, err := theirs.Decode(frames)
	fmt.Println(err)
	m, _ := ours.Decode(frames)
	fmt.Println(m.Header.MsgType)
	// Output:
	// wrong message signature
	// kernel_info_request
}
