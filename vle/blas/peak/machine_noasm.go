//go:build !amd64 || noasm

package peak

func machine() []loop { return []loop{{"go", 16, fmaGo}} }
