package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// toolchain is the Go installation and the C compiler that cells are built with.
type toolchain struct {
	goCmd    string
	root     string // GOROOT
	version  string // such as go1.26.8
	lang     string // such as go1.26
	compile  string
	link     string
	cc       string
	ldFlag   string   // -fuse-ld=… of the fastest linker found
	env      []string // of the tools
	identity string   // what builds depend on besides the sources
}

// setupError says what a person must install.
type setupError struct{ what, how string }

func (e *setupError) Error() string { return e.what + "; " + e.how }

// findToolchain looks for Go and a C compiler.
func findToolchain() (*toolchain, error) {
	goCmd, err := exec.LookPath("go")
	if err != nil {
		if home := filepath.Join("/usr/local/go", "bin", "go"); isFile(home) {
			goCmd = home
		} else {
			return nil, &setupError{"no Go toolchain was found on PATH",
				"cells are compiled by it: install Go 1.26 or newer (https://go.dev/dl), make sure that the front end that starts this kernel sees it on PATH, then restart the kernel"}
		}
	}
	out, err := exec.Command(goCmd, "env", "-json").Output()
	if err != nil {
		return nil, &setupError{fmt.Sprintf("%s env failed: %v", goCmd, execError(err)), "repair or reinstall the Go toolchain, then restart the kernel"}
	}
	var env map[string]string
	if err := json.Unmarshal(out, &env); err != nil {
		return nil, fmt.Errorf("reading the output of go env: %w", err)
	}
	t := &toolchain{goCmd: goCmd, root: env["GOROOT"], version: env["GOVERSION"], env: os.Environ()}
	if !newEnough(t.version) {
		return nil, &setupError{fmt.Sprintf("the Go toolchain %s is %s", goCmd, t.version), "install Go 1.26 or newer (https://go.dev/dl), then restart the kernel"}
	}
	parts := strings.SplitN(t.version, ".", 3)
	t.lang = strings.Join(parts[:2], ".")
	if i := strings.IndexFunc(parts[1], func(r rune) bool { return r < '0' || r > '9' }); i > 0 {
		t.lang = parts[0] + "." + parts[1][:i] // go1.27rc1
	}
	t.compile = filepath.Join(env["GOTOOLDIR"], "compile")
	t.link = filepath.Join(env["GOTOOLDIR"], "link")
	t.env = append(t.env, "CGO_ENABLED=1")
	cc := strings.Fields(env["CC"])
	if len(cc) == 0 {
		cc = []string{"gcc"}
	}
	t.cc = cc[0]
	if _, err := exec.LookPath(t.cc); err != nil {
		found := ""
		for _, name := range []string{"gcc", "clang", "cc"} {
			if _, err := exec.LookPath(name); err == nil {
				found = name
				break
			}
		}
		if found == "" {
			return nil, &setupError{"no C compiler was found on PATH (tried " + t.cc + ", gcc, clang, cc)",
				"cells are linked by it: install one (Debian, Ubuntu: apt install gcc; Fedora: dnf install gcc; macOS: xcode-select --install), then restart the kernel"}
		}
		t.cc = found
		t.env = append(t.env, "CC="+found)
	}
	t.ldFlag = fastLinker(t.cc)
	t.identity = strings.Join([]string{t.version, env["GOROOT"], env["GOOS"], env["GOARCH"], env["GOAMD64"], env["GOARM64"], env["GOEXPERIMENT"], env["GOFLAGS"], t.cc}, "\n")
	return t, nil
}

// fastLinker picks the fastest linker that the C compiler can use.
func fastLinker(cc string) string {
	for _, ld := range []string{"mold", "gold", "lld"} {
		flag := "-fuse-ld=" + ld
		out, err := exec.Command(cc, flag, "-Wl,--version").Output()
		if err == nil && len(out) > 0 {
			return flag
		}
	}
	return ""
}

// directLinker finds a linker that can be called without the C compiler in
// front of it; "" when there is none.
func directLinker(cc, flag string) string {
	if runtime.GOOS != "linux" || flag == "" {
		return ""
	}
	out, err := exec.Command(cc, "-print-prog-name=ld."+strings.TrimPrefix(flag, "-fuse-ld=")).Output()
	if err != nil {
		return ""
	}
	path, err := exec.LookPath(strings.TrimSpace(string(out)))
	if err != nil {
		return ""
	}
	return path
}

// externalLinker stands between the Go linker and the system's. The Go linker
// tries out the C compiler three times for each cell and then has it start the
// linker; saying no to the trials and starting the linker at once saves a third
// of a link. A cell's only foreign objects are runtime/cgo's, whose C library
// symbols are found in the worker when the cell is loaded.
const externalLinker = `#!/bin/sh
case "$*" in *trivial.c*) exit 1;; esac
out=
objects=
while [ $# -gt 0 ]; do
	case "$1" in
	-o) shift; out=$1;;
	*.o|*.a|*.syso) objects="$objects $1";;
	esac
	shift
done
exec %s -shared -s -z relro -z now -z nocopyreloc -z noexecstack --hash-style=gnu -o "$out" $objects
`

// linkerArgs are the arguments that make the Go linker use the fastest way.
func (ws *workspace) linkerArgs() []string {
	t := ws.tools
	ws.findLinker.Do(func() {
		ld := directLinker(t.cc, t.ldFlag)
		if ld == "" || strings.ContainsAny(ld, " '\"") {
			return
		}
		script := filepath.Join(ws.dir, "extld.sh")
		if os.WriteFile(script+".new", fmt.Appendf(nil, externalLinker, ld), 0o700) == nil && os.Rename(script+".new", script) == nil {
			ws.script = script
		}
	})
	if ws.script != "" {
		return []string{"-extld=" + ws.script}
	}
	if t.ldFlag != "" {
		return []string{"-extld=" + t.cc, "-extldflags=" + t.ldFlag}
	}
	return []string{"-extld=" + t.cc}
}

func newEnough(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "go%d.%d", &major, &minor); err != nil {
		return strings.HasPrefix(version, "devel")
	}
	return major > 1 || minor >= 26
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// execError adds what a command said on stderr.
func execError(err error) error {
	var e *exec.ExitError
	if errors.As(err, &e) && len(e.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(string(e.Stderr)))
	}
	return err
}

// run starts a tool and returns what it printed when it fails.
func (t *toolchain) run(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second // for what it has started itself
	cmd.Dir, cmd.Env = dir, t.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return &toolError{filepath.Base(name), strings.TrimSpace(out.String()), err}
	}
	return nil
}

// toolError is a compiler's or linker's failure.
type toolError struct {
	tool, output string
	err          error
}

func (e *toolError) Error() string {
	if e.output == "" {
		return e.tool + ": " + e.err.Error()
	}
	return e.tool + ": " + e.output
}
