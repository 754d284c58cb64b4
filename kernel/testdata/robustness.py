"""Does to the kernel named by KERNEL what ends lesser ones, through jupyter_client.

After every test the kernel must answer the next cell.
"""
import os
import queue
import signal
import subprocess
import time
import unittest

from jupyter_client.manager import start_new_kernel

KERNEL = os.environ["KERNEL"]


class Cell:
    """What came of a cell."""

    def __init__(self):
        self.reply, self.idle, self.out, self.err = None, False, [], []
        self.error, self.value, self.bytes = "", None, 0

    @property
    def done(self):
        return self.reply is not None and self.idle

    @property
    def stdout(self):
        return "".join(self.out)

    @property
    def stderr(self):
        return "".join(self.err)


def descendants(pid):
    """The PIDs below a process."""
    found = []
    for line in subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True).stdout.splitlines():
        child, parent = map(int, line.split())
        if parent == pid:
            found += [child, *descendants(child)]
    return found


class Robustness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name=KERNEL)
        cls.cells = {}

    @classmethod
    def tearDownClass(cls):
        pid = cls.km.provisioner.pid
        below = descendants(pid)
        cls.kc.stop_channels()
        cls.km.shutdown_kernel()
        time.sleep(0.2)
        for p in [pid, *below]:
            assert not os.path.exists(f"/proc/{p}"), f"process {p} is left"
        assert not os.path.exists(cls.km.connection_file), "the connection file is left"

    def send(self, code, **kwargs):
        msg_id = self.kc.execute(code, **kwargs)
        cell = self.cells[msg_id] = Cell()
        return cell

    def pump(self, until, timeout, keep=True):
        """Reads what the kernel sends until a condition holds."""
        end = time.time() + timeout
        while not until():
            self.assertLess(time.time(), end, "the kernel does not answer")
            try:
                m = self.kc.get_iopub_msg(timeout=0.02)
                while m:
                    self.take(m, keep)
                    m = self.kc.get_iopub_msg(timeout=0) if not until() else None
            except queue.Empty:
                pass
            try:
                m = self.kc.get_shell_msg(timeout=0)
                if m["parent_header"].get("msg_id") in self.cells:
                    self.cells[m["parent_header"]["msg_id"]].reply = m["content"]
            except queue.Empty:
                pass

    def take(self, m, keep):
        cell = self.cells.get(m["parent_header"].get("msg_id"))
        if cell is None:
            return
        kind, content = m["msg_type"], m["content"]
        if kind == "stream":
            cell.bytes += len(content["text"])
            if keep:
                (cell.out if content["name"] == "stdout" else cell.err).append(content["text"])
        elif kind == "error":
            cell.error = "\n".join([content["ename"], content["evalue"], *content["traceback"]])
        elif kind == "execute_result":
            cell.value = content["data"].get("text/plain")
        elif kind == "status":
            cell.idle = content["execution_state"] == "idle"

    def run_cell(self, code, timeout=30, keep=True, **kwargs):
        cell = self.send(code, **kwargs)
        self.pump(lambda: cell.done, timeout, keep)
        return cell

    def assertAlive(self, state_kept):
        cell = self.run_cell("1 + 1")
        self.assertEqual(cell.value, "2", cell.error)
        cell = self.run_cell("kept")
        if state_kept:
            self.assertEqual(cell.value, "7", cell.error)
        else:
            self.assertIn("kept", cell.error)

    def setUp(self):
        cell = self.run_cell("kept := 7")
        self.assertEqual(cell.reply["status"], "ok", cell.error)

    def test_goroutine_panic(self):
        cell = self.run_cell('import "time"\ngo func() { panic("in a goroutine") }()\ntime.Sleep(200 * time.Millisecond)')
        self.assertIn("in a goroutine", cell.error + cell.stderr)
        self.assertAlive(True)

    def test_stack_overflow(self):
        cell = self.run_cell("func deep(n int) int { return deep(n+1) + 1 }\ndeep(0)", timeout=60)
        self.assertEqual(cell.reply["status"], "error")
        self.assertIn("stack", cell.error)
        self.assertAlive(False)

    def test_concurrent_map_write(self):
        cell = self.run_cell("""import "sync"
m := map[int]int{}
var wg sync.WaitGroup
for g := range 8 {
	wg.Add(1)
	go func() {
		defer wg.Done()
		for i := range 1000000 {
			m[i%10+g] = i
		}
	}()
}
wg.Wait()""")
        self.assertEqual(cell.reply["status"], "error")
        self.assertIn("concurrent map", cell.error)
        self.assertAlive(False)

    def test_os_exit(self):
        cell = self.run_cell('import "os"\nos.Exit(3)')
        self.assertEqual(cell.reply["status"], "error")
        self.assertIn("3", cell.error)
        self.assertAlive(True)

    def test_log_fatal(self):
        cell = self.run_cell('import "log"\nlog.Fatal("the end")')
        self.assertEqual(cell.reply["status"], "error")
        self.assertIn("the end", cell.error + cell.stderr)
        self.assertAlive(True)

    def test_out_of_memory(self):
        # The limit is 1 GiB; without one the cell ends at 3 and the test fails.
        cell = self.run_cell("""hog := [][]byte{}
for len(hog) < 192 {
	b := make([]byte, 16<<20)
	for i := range b {
		b[i] = 1
	}
	hog = append(hog, b)
}""", timeout=60)
        self.assertEqual(cell.reply["status"], "error")
        self.assertIn("memory", cell.error)
        self.assertAlive(False)

    def test_endless_output(self):
        cell = self.send('import "fmt"\nfor i := 0; ; i++ { fmt.Println("line", i) }')
        self.pump(lambda: cell.bytes > 1 << 20, 30)
        start = time.time()
        self.km.interrupt_kernel()
        self.pump(lambda: cell.done, 30)
        self.assertEqual(cell.reply["status"], "error")
        lines = cell.stdout.splitlines()
        self.assertEqual(lines[:-1], [f"line {i}" for i in range(len(lines) - 1)], "lines were lost")
        self.assertLess(time.time() - start, 15)
        self.assertAlive(True)

    def test_blocked(self):
        for code in ["select {}", "var c chan int\n<-c", 'import "sync"\nvar mu sync.Mutex\nmu.Lock()\nmu.Lock()', "for {}"]:
            with self.subTest(code=code):
                cell = self.send(code)
                time.sleep(1)
                start = time.time()
                self.km.interrupt_kernel()
                self.pump(lambda: cell.done, 15)
                self.assertEqual(cell.reply["status"], "error")
                self.assertLess(time.time() - start, 5)
                self.assertAlive(True)

    def test_worker_killed(self):
        cell = self.send("select {}")
        time.sleep(1)
        killed = descendants(self.km.provisioner.pid)
        self.assertTrue(killed, "there is no worker")
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        self.pump(lambda: cell.done, 15)
        self.assertEqual(cell.reply["status"], "error")
        self.assertAlive(False)

    def test_worker_killed_between_cells(self):
        for pid in descendants(self.km.provisioner.pid):
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.5)
        self.run_cell("0")  # may be told of the loss
        self.assertAlive(False)

    def test_much_output(self):
        cell = self.run_cell("""import ("os"; "bytes")
chunk := bytes.Repeat([]byte("0123456789abcde\\n"), 1<<16)
for range 1024 { os.Stdout.Write(chunk) }""", timeout=240, keep=False)
        self.assertEqual(cell.reply["status"], "ok", cell.error)
        self.assertEqual(cell.bytes, 1 << 30, cell.stderr)
        self.assertAlive(True)

    def test_binary_output(self):
        cell = self.run_cell("""import ("os"; "math/rand")
junk := make([]byte, 1<<20)
rand.New(rand.NewSource(1)).Read(junk)
os.Stdout.Write(junk)
os.Stdout.WriteString("\\x1b]0;title\\x07\\x00\\xff end")""")
        self.assertEqual(cell.reply["status"], "ok", cell.error)
        self.assertTrue(cell.stdout.endswith(" end"))
        self.assertAlive(True)

    def test_long_cell(self):
        cell = self.run_cell("total := 0\n" + "\n".join(f"total += {i}" for i in range(10000)) + "\ntotal", timeout=60)
        self.assertEqual(cell.value, str(sum(range(10000))), cell.error)
        self.assertAlive(True)

    def test_late_output(self):
        cell = self.run_cell('import ("time"; "fmt")\ngo func() { time.Sleep(700 * time.Millisecond); fmt.Println("late") }()')
        other = self.run_cell('fmt.Println("other")')
        self.pump(lambda: "late" in cell.stdout + other.stdout, 10)
        self.assertEqual(cell.stdout, "late\n")
        self.assertEqual(other.stdout, "other\n")
        self.assertAlive(True)

    def test_many_cells(self):
        cells = [self.send(f"kept + {i}") for i in range(200)]
        self.pump(lambda: all(c.done for c in cells), 180)
        self.assertEqual([c.value for c in cells], [str(7 + i) for i in range(200)])

    def test_stop_on_error(self):
        cells = [self.send('panic("first")'), self.send("1"), self.send("2")]
        self.pump(lambda: all(c.done for c in cells), 30)
        self.assertEqual([c.reply["status"] for c in cells], ["error", "aborted", "aborted"])
        self.assertAlive(True)

    def test_closed_stdout(self):
        cell = self.run_cell('import "os"\nos.Stdout.Close()')
        self.assertIn(cell.reply["status"], ("ok", "error"))
        self.assertAlive(cell.reply["status"] == "ok")


if __name__ == "__main__":
    unittest.main()
