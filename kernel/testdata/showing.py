"""Shows and asks through the kernel named by KERNEL as notebooks do, over jupyter_client."""
import os
import unittest

from jupyter_client.manager import start_new_kernel

KERNEL = os.environ["KERNEL"]
FORMS = [
    ("display.HTML(`<b>x</b>`)", "text/html", "<b>x</b>"),
    ("display.Markdown(`*x*`)", "text/markdown", "*x*"),
    ("display.Latex(`$x$`)", "text/latex", "$x$"),
    ("display.JSON(map[string]int{`a`: 1})", "application/json", {"a": 1}),
    ("display.SVG(`<svg/>`)", "image/svg+xml", "<svg/>"),
    ("display.PNG([]byte(`png`))", "image/png", "cG5n"),
    ("display.JPEG([]byte(`jpg`))", "image/jpeg", "anBn"),
    ("display.VegaLite(`{\"mark\": \"bar\"}`)", "application/vnd.vegalite.v5+json", {"mark": "bar"}),
    ("image.NewGray(image.Rect(0, 0, 1, 1))", "image/png", "iVBORw0KGgo"),
    ("errors.New(`bad`)", "text/plain", "bad"),
    ("time.Unix(0, 0).UTC()", "text/plain", "1970-01-01 00:00:00 +0000 UTC"),
    ("[]struct{ N int }{{7}}", "text/html", "<th>N</th>"),
    ("map[string]any{`k`: struct{ N int }{7}}", "text/html", "<summary><b>k</b>"),
    ("mat.NewDense(1, 2, []float64{1, 2})", "text/html", "1 \u00d7 2"),
    ("plot.New()", "image/svg+xml", "<svg"),
]


class Showing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name=KERNEL)
        cls.kc.execute_interactive("1", output_hook=lambda m: None)  # until the worker has been built

    @classmethod
    def tearDownClass(cls):
        cls.kc.stop_channels()
        cls.km.shutdown_kernel()

    def cell(self, code, answers=None):
        """Runs a cell; its messages, its reply and what it asked. answers None allows no questions."""
        messages, asked, left = [], [], list(answers or [])

        def answer(msg):
            asked.append((msg["content"]["prompt"], msg["content"]["password"]))
            self.kc.input(left.pop(0))

        reply = self.kc.execute_interactive(code, allow_stdin=answers is not None, timeout=60, stdin_hook=answer,
                                            output_hook=lambda m: messages.append((m["msg_type"], m["content"])))
        return messages, reply["content"], asked

    def good(self, code, answers=None):
        messages, reply, asked = self.cell(code, answers)
        self.assertEqual(reply["status"], "ok", reply)
        printed = "".join(c["text"] for kind, c in messages if kind == "stream")
        return messages, printed, asked

    def test_forms(self):
        self.good('import (\n"errors"\n"image"\n"time"\n\n"gonum.org/v1/gonum/mat"\n"gonum.org/v1/plot"\n)')
        messages, _, _ = self.good("Display(" + ", ".join(f[0] for f in FORMS) + ")")
        shown = [c["data"] for kind, c in messages if kind == "display_data"]
        self.assertEqual(len(shown), len(FORMS))
        for data, (source, mime, want) in zip(shown, FORMS):
            with self.subTest(source):
                self.assertIn("text/plain", data)
                got = data[mime]
                if isinstance(want, str):
                    self.assertIn(want, got)
                else:
                    self.assertEqual(got, want)

    def test_update(self):
        first, _, _ = self.good('shown := display.Show("one")\n;')
        display_id = next(c for kind, c in first if kind == "display_data")["transient"]["display_id"]
        second, _, _ = self.good('shown.Update(display.HTML("two"))')
        updates = [c for kind, c in second if kind == "update_display_data"]
        self.assertEqual([(c["transient"]["display_id"], c["data"]["text/html"]) for c in updates], [(display_id, "two")])

    def test_asking(self):
        _, printed, asked = self.good("""import ("bufio"; "fmt"; "os")
name := must(display.Input("name? "))
pin := must(display.Password("pin? "))
var a, b int
fmt.Scanln(&a, &b)
lines := bufio.NewScanner(os.Stdin)
lines.Scan()
fmt.Println(name, pin, a+b, lines.Text())""", ["Ada", "1234", "3 4", "a line"])
        self.assertEqual(printed, "Ada 1234 7 a line\n")
        self.assertEqual(asked, [("name? ", False), ("pin? ", True), ("", False), ("", False)])

    def test_nobody_to_ask(self):
        _, reply, _ = self.cell('must(display.Input("name? "))')
        self.assertEqual(reply["status"], "error")
        self.assertIn("input", reply["evalue"])

    def test_progress_without_widgets(self):
        """A page that shows no widget gets the bar as HTML, again and again, and keeps it."""
        messages, _, _ = self.good("""import ("time"; "govle/kernel/widget")
for range widget.Track(16, "training") {
	time.Sleep(100 * time.Millisecond)
}""")
        bars = [c["data"]["text/html"] for kind, c in messages if kind == "update_display_data"]
        self.assertGreater(len(bars), 1, messages)
        self.assertNotIn("100%", bars[0])
        self.assertIn("100% 16/16", bars[-1])
        self.assertEqual([c for kind, c in messages if kind == "update_display_data"][-1]["data"].keys(), {"text/html", "text/plain"})


if __name__ == "__main__":
    unittest.main()
