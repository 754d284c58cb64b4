//go:build !amd64 || noasm

package vec

func available() []*routines { return []*routines{&portable} }
