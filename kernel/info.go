package kernel

import (
	"runtime"
	"runtime/debug"
	"strings"

	"govle/kernel/wire"
)

// Version is the version of the module that this program was built from, "devel"
// for a checkout.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range append(info.Deps, &info.Main) {
			if m.Path == "govle" && m.Version != "" && m.Version != "(devel)" {
				return strings.TrimPrefix(m.Version, "v")
			}
		}
	}
	return "devel"
}

// kernelInfo answers kernel_info_request.
func (k *server) kernelInfo(*request) any {
	goVersion := strings.TrimPrefix(runtime.Version(), "go")
	return map[string]any{
		"status":                 "ok",
		"protocol_version":       wire.ProtocolVersion,
		"implementation":         "govle",
		"implementation_version": Version(),
		"banner":                 "govle " + Version() + ": live Go (" + runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH + ")",
		"debugger":               false,
		"supported_features":     []string{"kernel subshells"},
		"language_info": map[string]any{
			"name":               "go",
			"version":            goVersion,
			"mimetype":           "text/x-go",
			"file_extension":     ".go",
			"pygments_lexer":     "go",
			"codemirror_mode":    "go",
			"nbconvert_exporter": "script",
		},
		"help_links": []map[string]string{
			{"text": "The Go language", "url": "https://go.dev/ref/spec"},
			{"text": "Effective Go", "url": "https://go.dev/doc/effective_go"},
			{"text": "Standard library", "url": "https://pkg.go.dev/std"},
		},
	}
}

// connect answers connect_request, which the protocol has deprecated.
func (k *server) connect(*request) any {
	return map[string]any{
		"status":     "ok",
		"shell_port": k.conn.ShellPort, "iopub_port": k.conn.IOPubPort, "stdin_port": k.conn.StdinPort,
		"hb_port": k.conn.HBPort, "control_port": k.conn.ControlPort,
	}
}
