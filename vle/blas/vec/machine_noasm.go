//go:build !amd64 || noasm

package vec

func fastest() *routines { return &portable }
