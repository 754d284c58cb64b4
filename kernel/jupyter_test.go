package kernel

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// python returns a Python that can import the module, and skips the test when
// there is none: GOVLE_PYTHON, else python3.
func python(t testing.TB, module string) string {
	t.Helper()
	exe := os.Getenv("GOVLE_PYTHON")
	if exe == "" {
		exe = "python3"
	}
	if err := exec.Command(exe, "-c", "import "+module).Run(); err != nil {
		t.Skipf("%s cannot import %s: set GOVLE_PYTHON to a Python that can (pip install jupyter_kernel_test)", exe, module)
	}
	return exe
}

// TestJupyterKernelTestFake runs Jupyter's own conformance test against the
// protocol front with the fake executor.
func TestJupyterKernelTestFake(t *testing.T) {
	cmd := exec.Command(python(t, "jupyter_kernel_test"), "testdata/conformance.py", "-v")
	cmd.Env = append(os.Environ(), "JUPYTER_PATH="+writeFakeSpec(t), "KERNEL=fake", "SAMPLES=testdata/samples_fake.json")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "OK") || strings.Contains(string(out), "skipped") {
		t.Errorf("%v\n%s", err, out)
	}
}
