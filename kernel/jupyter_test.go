package kernel

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"govle/kernel/kernelspec"
)

// python returns a Python that can import the module, and skips the test when
// there is none: GOVLE_PYTHON, else python3.
func python(t testing.TB, module string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts Python and a kernel")
	}
	exe := os.Getenv("GOVLE_PYTHON")
	if exe == "" {
		exe = "python3"
	}
	if err := exec.Command(exe, "-c", "import "+module).Run(); err != nil {
		t.Skipf("%s cannot import %s: set GOVLE_PYTHON to a Python that can (pip install jupyter_kernel_test)", exe, module)
	}
	return exe
}

// jupyter runs a Python program of testdata on a kernel; it must end well and skip
// nothing.
func jupyter(t *testing.T, program, jupyterPath, kernel string, env ...string) {
	t.Helper()
	t.Parallel() // most of the time is spent waiting
	cmd := exec.Command(python(t, "jupyter_kernel_test"), filepath.Join("testdata", program), "-v")
	cmd.Env = append(os.Environ(), append(env, "JUPYTER_PATH="+jupyterPath, "KERNEL="+kernel)...)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "\nOK") || strings.Contains(string(out), "skipped") {
		t.Errorf("%v\n%s", err, out)
	}
}

// govleCommand builds the govle command once for all tests; TestMain removes it.
var govleCommand = sync.OnceValues(func() (path string, err error) {
	if builtIn, err = os.MkdirTemp("", "govle-test-"); err != nil {
		return "", err
	}
	path = filepath.Join(builtIn, "govle")
	if out, err := exec.Command("go", "build", "-o", path, "govle/cmd/govle").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the govle command: %w\n%s", err, out)
	}
	return path, nil
})

// builtIn is the folder of the built command, if there is one.
var builtIn string

// realKernel takes the govle command, installs it as kernel "go-test" with more
// arguments, and returns the value of JUPYTER_PATH.
func realKernel(t *testing.T, more ...string) string {
	t.Helper()
	source, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	program, err := govleCommand()
	if err != nil {
		t.Fatal(err)
	}
	prefix := t.TempDir()
	dir, err := kernelspec.Install(kernelspec.Options{Prefix: prefix, Name: "go-test", Program: program, Env: map[string]string{
		"GOVLE_SOURCE": source, "GOVLE_HISTORY": filepath.Join(prefix, "history.jsonl"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "kernel.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var spec map[string]any
	if err := json.Unmarshal(data, &spec); err != nil {
		t.Fatal(err)
	}
	argv := spec["argv"].([]any)
	for _, arg := range more {
		argv = append(argv, arg)
	}
	spec["argv"] = argv
	if data, err = json.Marshal(spec); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(prefix, "share", "jupyter")
}

// TestJupyterKernelTestFake runs Jupyter's own conformance test against the
// protocol front with the fake executor.
func TestJupyterKernelTestFake(t *testing.T) {
	jupyter(t, "conformance.py", writeFakeSpec(t), "fake", "SAMPLES=testdata/samples_fake.json")
}

// TestJupyterHistory runs two sessions that share a history file.
func TestJupyterHistory(t *testing.T) {
	jupyter(t, "history.py", writeFakeSpec(t), "fake", "GOVLE_HISTORY="+filepath.Join(t.TempDir(), "history.jsonl"))
}

// TestJupyterKernelTest runs it against the real kernel.
func TestJupyterKernelTest(t *testing.T) {
	python(t, "jupyter_kernel_test")
	path := realKernel(t)
	jupyter(t, "conformance.py", path, "go-test", "SAMPLES=testdata/samples_go.json")
	// The kernel that the command starts keeps its history where it is told to.
	if data, err := os.ReadFile(filepath.Join(path, "..", "..", "history.jsonl")); err != nil || len(data) == 0 {
		t.Errorf("the history file holds %q (%v)", data, err)
	}
}

// TestWidgets plays the page to the widgets of a real kernel.
func TestWidgets(t *testing.T) {
	python(t, "jupyter_kernel_test")
	jupyter(t, "widgets.py", realKernel(t), "go-test")
}

// TestShowing shows and asks through a real kernel.
func TestShowing(t *testing.T) {
	python(t, "jupyter_kernel_test")
	jupyter(t, "showing.py", realKernel(t), "go-test")
}

// TestOrderly starts and ends a real kernel in a temporary folder of its own, where
// nothing may be left, and asks it what editors ask.
func TestOrderly(t *testing.T) {
	python(t, "jupyter_kernel_test")
	path := realKernel(t)
	jupyter(t, "orderly.py", path, "go-test", "TMPDIR="+shortTemp(t), "JUPYTER_RUNTIME_DIR="+t.TempDir(), "IPYTHONDIR="+t.TempDir())
}

// TestRobustness does to a real kernel what ends lesser ones. It takes two
// minutes, so it runs only when GOVLE_ROBUSTNESS is set.
func TestRobustness(t *testing.T) {
	if os.Getenv("GOVLE_ROBUSTNESS") == "" {
		t.Skip("set GOVLE_ROBUSTNESS=1 to run it; it takes two minutes")
	}
	python(t, "jupyter_kernel_test")
	jupyter(t, "robustness.py", realKernel(t, "--memory-limit", "1GiB"), "go-test")
}
