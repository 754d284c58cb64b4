"""Starts, restarts and ends the kernel named by KERNEL through jupyter_client, over
both transports, and looks for what is left; sends a message twice; and compares
what editors ask for with what ipykernel answers. TMPDIR is an empty folder."""
import os
import queue
import signal
import tempfile
import time
import unittest

from jupyter_client.manager import KernelManager

from robustness import descendants

KERNEL = os.environ["KERNEL"]


class Session:
    def __init__(self, transport="tcp"):
        self.km = KernelManager(kernel_name=KERNEL, transport=transport)
        self.km.start_kernel()
        self.kc = self.km.client()
        self.kc.start_channels()
        self.kc.wait_for_ready(timeout=60)

    def value(self, code):
        """The value of a cell as text, or its error's name and message."""
        found = []

        def hook(m):
            if m["msg_type"] == "execute_result":
                found.append(m["content"]["data"]["text/plain"])
            elif m["msg_type"] == "error":
                found.append(m["content"]["ename"] + ": " + m["content"]["evalue"])

        self.kc.execute_interactive(code, timeout=60, output_hook=hook)
        return found[-1] if found else None

    def ask(self, msg_id):
        """The content of a reply on shell."""
        while True:
            reply = self.kc.get_shell_msg(timeout=30)
            if reply["parent_header"].get("msg_id") == msg_id:
                return reply["content"]

    def files(self):
        """The files that a kernel could leave."""
        left = [os.path.join(tempfile.gettempdir(), name) for name in os.listdir(tempfile.gettempdir())]
        c = self.km.get_connection_info()
        if c["transport"] == "ipc":
            left += [f"{c['ip']}-{c[name + '_port']}" for name in ("shell", "iopub", "stdin", "control", "hb")]
        left.append(self.km.connection_file)
        return [f for f in left if os.path.exists(f)]

    def below(self):
        pid = self.km.provisioner.pid
        return [pid, *descendants(pid)]


class Orderly(unittest.TestCase):
    def assertGone(self, session, processes):
        end = time.time() + 5
        while True:
            alive = [p for p in processes if os.path.exists(f"/proc/{p}")]
            files = session.files()
            if not alive and not files:
                return
            self.assertLess(time.time(), end, f"left: processes {alive}, files {files}")
            time.sleep(0.05)

    def test_shutdown(self):
        for transport in "tcp", "ipc":
            with self.subTest(transport=transport):
                s = Session(transport)
                self.assertEqual(s.value("kept := 41\nkept + 1"), "42")
                first = s.below()
                self.assertGreater(len(first), 1, "there is no worker")
                s.km.restart_kernel()
                s.kc.wait_for_ready(timeout=60)
                self.assertIn("undefined", s.value("kept"))
                self.assertEqual([p for p in first[1:] if os.path.exists(f"/proc/{p}")], [])
                last = s.below()
                began = time.time()
                s.km.shutdown_kernel()
                self.assertLess(time.time() - began, 4, "it had to be killed")
                s.kc.stop_channels()
                self.assertGone(s, last)

    def test_shutdown_while_busy(self):
        s = Session()
        s.value("1")
        s.kc.execute("for {}")
        time.sleep(0.5)
        processes, began = s.below(), time.time()
        s.km.shutdown_kernel()
        self.assertLess(time.time() - began, 4, "it had to be killed")
        s.kc.stop_channels()
        self.assertGone(s, processes)

    def test_sigterm(self):
        s = Session("ipc")
        s.value("1")
        processes = s.below()
        os.kill(processes[0], signal.SIGTERM)
        end = time.time() + 5
        while s.km.is_alive() and time.time() < end:
            time.sleep(0.05)
        self.assertFalse(s.km.is_alive())
        s.kc.stop_channels()
        self.assertGone(s, processes)
        s.km.cleanup_resources()

    def test_replay(self):
        s = Session()
        try:
            s.value("counted := 0")
            msg = s.kc.session.msg("execute_request", {
                "code": "counted++", "silent": False, "store_history": True, "user_expressions": {},
                "allow_stdin": False, "stop_on_error": True,
            })
            for _ in range(3):  # the same header and signature each time
                s.kc.shell_channel.socket.send_multipart(s.kc.session.serialize(msg))
            self.assertEqual(s.ask(msg["header"]["msg_id"])["status"], "ok")
            with self.assertRaises(queue.Empty):
                s.kc.get_shell_msg(timeout=0.5)
            self.assertEqual(s.value("counted"), "1")
        finally:
            s.km.shutdown_kernel()
            s.kc.stop_channels()

    def test_editor(self):
        """The shapes that JupyterLab, the console and VS Code rely on."""
        s = Session()
        try:
            s.value('import "strings"\nlength := len(strings.Repeat("x", 3))')
            code = "é := strings.HasP"
            c = s.ask(s.kc.complete(code))
            self.assertEqual(c["status"], "ok")
            self.assertIn("HasPrefix", [m.rpartition(".")[2] for m in c["matches"]])
            self.assertEqual(c["cursor_end"], len(code), "positions are code points")
            types = c["metadata"]["_jupyter_types_experimental"]
            self.assertEqual([t["text"] for t in types], c["matches"])
            for t in types:
                self.assertEqual((t["start"], t["end"]), (c["cursor_start"], c["cursor_end"]))
                self.assertTrue(t["type"], t)
                self.assertIsInstance(t["signature"], str)
            self.assertEqual(s.ask(s.kc.complete("lengt"))["matches"], ["length"])
            self.assertEqual(s.ask(s.kc.complete("zzz_no_such")), {
                "status": "ok", "matches": [], "cursor_start": s.ask(s.kc.complete("zzz_no_such"))["cursor_start"],
                "cursor_end": 11, "metadata": {"_jupyter_types_experimental": []}})
            self.assertIn("HasPrefix(s", s.ask(s.kc.inspect("strings.HasPrefix"))["data"]["text/plain"])
            brief, full = (s.ask(s.kc.inspect("strings.Builder", detail_level=n)) for n in (0, 1))
            self.assertTrue(brief["found"] and full["found"])
            self.assertIn("WriteRune(r rune)", brief["data"]["text/plain"])
            self.assertNotIn("addr *Builder", brief["data"]["text/plain"])
            self.assertIn("addr *Builder", full["data"]["text/plain"], "the second level shows the source")
            self.assertEqual(s.ask(s.kc.inspect("zzz_no_such")), {"status": "ok", "found": False, "data": {}, "metadata": {}})
            for code, want in {
                "1 + 1": "complete", "for i := range 3 {": "incomplete", "f(1,": "incomplete", "x = = 1\n": "invalid",
                "x := `a": "incomplete", "": "complete", "// a comment": "complete", "%timeit": "complete",
            }.items():
                self.assertEqual(s.ask(s.kc.is_complete(code))["status"], want, code)
            reply = s.ask(s.kc.is_complete("if true {\n\tfor {"))
            self.assertEqual(reply, {"status": "incomplete", "indent": "\t\t"})
        finally:
            s.km.shutdown_kernel()
            s.kc.stop_channels()

    def test_vscode(self):
        """What VS Code's Jupyter extension sends besides: none of it may disturb."""
        s = Session()
        try:
            self.assertEqual(s.value("kept := 41\nkept + 1"), "42")
            self.assertEqual(s.ask(s.kc.comm_info("jupyter.widget")), {"status": "ok", "comms": {}})
            # Code for a kernel of another language, run silently: it fails and leaves no trace.
            for probe in "%%python\nimport sys; sys.version", "import builtins as _VSCODE_b\n_VSCODE_b.dir()", "%config Completer.use_jedi = False":
                reply = s.ask(s.kc.execute(probe, silent=True, store_history=False, stop_on_error=False))
                self.assertEqual(reply["status"], "error", probe)
            # Every cell names its place in the notebook.
            msg = s.kc.session.msg("execute_request", {
                "code": "kept + 2", "silent": False, "store_history": True, "user_expressions": {},
                "allow_stdin": True, "stop_on_error": False,
            }, metadata={"cellId": "vscode-notebook-cell:/a/b.ipynb#W0sZmlsZQ%3D%3D", "deletedCells": [], "recordTiming": False})
            s.kc.shell_channel.send(msg)
            reply = s.ask(msg["header"]["msg_id"])
            self.assertEqual((reply["status"], reply["execution_count"]), ("ok", 2), "a silent cell is not counted")
            # Positions in UTF-16, which lie behind the end in code points.
            code = 'x := "😀😀"; kep'
            c = s.ask(s.kc.complete(code, len(code.encode("utf-16-le")) // 2))
            self.assertEqual((c["matches"], c["cursor_end"]), (["kept"], len(code)))
            # A target that nobody has registered, and the one that the extension asks all kernels for.
            for target in "vscode.jupyter.unknown", "jupyter.widget.control":
                s.kc.shell_channel.send(s.kc.session.msg("comm_open", {"comm_id": target, "target_name": target, "data": {}}))
            self.assertEqual(s.value("kept"), "41")
        finally:
            s.km.shutdown_kernel()
            s.kc.stop_channels()


if __name__ == "__main__":
    unittest.main()
