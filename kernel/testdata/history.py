"""Runs sessions of the kernel named by KERNEL one after the other and beside each
other, through jupyter_client; GOVLE_HISTORY names the file that they share. The
kernel is the fake one of process_test.go."""
import os
import unittest

from jupyter_client.manager import start_new_kernel

KERNEL = os.environ["KERNEL"]


class Session:
    def __init__(self, *cells):
        self.km, self.kc = start_new_kernel(kernel_name=KERNEL)
        for code in cells:
            self.kc.execute_interactive(code, timeout=10, output_hook=lambda m: None)

    def history(self, access, **query):
        """The entries as tuples of session, line and input."""
        msg_id = self.kc.history(hist_access_type=access, **query)
        while True:
            reply = self.kc.get_shell_msg(timeout=10)
            if reply["parent_header"].get("msg_id") == msg_id:
                assert reply["content"]["status"] == "ok", reply
                return [tuple(e) for e in reply["content"]["history"]]

    def end(self):
        self.kc.stop_channels()
        self.km.shutdown_kernel()


class History(unittest.TestCase):
    def test_sessions(self):
        first = Session("print a", "value b")
        first.end()
        second, third = Session("print c"), Session("print d", "print a")
        try:
            self.assertEqual(third.history("tail", n=3), [(2, 1, "print c"), (3, 1, "print d"), (3, 2, "print a")])
            self.assertEqual(second.history("tail", n=1), [(2, 1, "print c")])
            self.assertEqual(third.history("range", session=1, start=1, stop=99), [(1, 1, "print a"), (1, 2, "value b")])
            self.assertEqual(third.history("range", session=-1, start=1, stop=2), [(2, 1, "print c")])
            self.assertEqual(third.history("range", session=0, start=2, stop=3), [(3, 2, "print a")])
            self.assertEqual(third.history("search", pattern="print [ac]", n=9, unique=True), [(2, 1, "print c"), (3, 2, "print a")])
            self.assertEqual(second.history("range", session=0, start=1, stop=2, output=True), [(2, 1, ["print c", None])])
        finally:
            second.end()
            third.end()
        self.assertEqual(os.stat(os.environ["GOVLE_HISTORY"]).st_mode & 0o777, 0o600)

    def test_off(self):
        # The fake kernel takes an empty name as "off"; the command's flag says so too.
        file, os.environ["GOVLE_HISTORY"] = os.environ["GOVLE_HISTORY"], ""
        try:
            before = os.path.getsize(file) if os.path.exists(file) else 0
            alone = Session("print x")
            self.assertEqual(alone.history("tail", n=9), [(1, 1, "print x")])
            alone.end()
            self.assertEqual(os.path.getsize(file) if os.path.exists(file) else 0, before)
        finally:
            os.environ["GOVLE_HISTORY"] = file


if __name__ == "__main__":
    unittest.main()
