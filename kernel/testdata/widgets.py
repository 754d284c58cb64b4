"""Plays the page to the widgets of the kernel named by KERNEL, over real comm messages."""
import os
import queue
import time
import unittest

from jupyter_client.manager import start_new_kernel

KERNEL = os.environ["KERNEL"]
VIEW = "application/vnd.jupyter.widget-view+json"


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name=KERNEL)
        cls.models, cls.seen = {}, []

    @classmethod
    def tearDownClass(cls):
        cls.kc.stop_channels()
        cls.km.shutdown_kernel()

    def read(self, until, timeout=30):
        """Reads iopub until a condition holds."""
        end = time.time() + timeout
        while not until():
            self.assertLess(time.time(), end, f"it does not come; the last were {self.seen[-5:]}")
            try:
                m = self.kc.get_iopub_msg(timeout=0.05)
            except queue.Empty:
                continue
            self.seen.append((m["msg_type"], m["content"]))
            content = m["content"]
            if m["msg_type"] == "comm_open":
                self.models[content["comm_id"]] = content["data"]["state"]
            elif m["msg_type"] == "comm_msg" and content["data"]["method"] in ("update", "echo_update"):
                self.models[content["comm_id"]].update(content["data"]["state"])

    def cell(self, code, wait=True):
        """Runs a cell; with wait, until it is idle."""
        msg_id = self.kc.execute(code)
        if wait:
            reply = self.kc.get_shell_msg(timeout=30)
            while reply["parent_header"].get("msg_id") != msg_id:
                reply = self.kc.get_shell_msg(timeout=30)
            self.assertEqual(reply["content"]["status"], "ok", reply["content"])
        return msg_id

    def find(self, name):
        """The comm ID of the newest model of a class."""
        self.read(lambda: any(s.get("_model_name") == name for s in self.models.values()))
        return [i for i, s in self.models.items() if s.get("_model_name") == name][-1]

    def printed(self, text):
        return any(kind == "stream" and text in content["text"] for kind, content in self.seen)

    def move(self, comm_id, state, subshell=None):
        self.tell(comm_id, {"method": "update", "state": state, "buffer_paths": []}, subshell)

    def tell(self, comm_id, data, subshell=None):
        msg = self.kc.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if subshell:
            msg["header"]["subshell_id"] = subshell
        self.kc.shell_channel.send(msg)

    def test_slider(self):
        self.cell('import "govle/kernel/widget"\nimport "fmt"')
        self.cell('s := widget.NewIntSlider(0, 100, 50)\ns.OnChange(func(v int) { fmt.Println("moved to", v) })\ns')
        slider = self.find("IntSliderModel")
        self.assertEqual(self.models[slider]["value"], 50)
        self.assertIn(self.models[slider]["layout"].removeprefix("IPY_MODEL_"), self.models)
        self.read(lambda: any("application/vnd.jupyter.widget-view+json" in c.get("data", {}) and c["transient"].get("display_id")
                              for k, c in self.seen if k == "display_data"))
        self.move(slider, {"value": 61})
        self.read(lambda: self.printed("moved to 61"))
        self.read(lambda: self.models[slider]["value"] == 61)
        self.cell("s.SetValue(5)")
        self.read(lambda: self.models[slider]["value"] == 5)

    def test_while_a_cell_runs(self):
        self.cell('import "govle/kernel/widget"\nimport "fmt"\nimport "time"')
        self.cell('stop := make(chan bool, 1)\nb := widget.NewButton("stop")\nb.OnClick(func(*widget.Button) { stop <- true })\nb')
        button = self.find("ButtonModel")
        msg_id = self.cell('fmt.Println("waiting")\nselect {\ncase <-stop:\n\tfmt.Println("stopped by the button")\ncase <-time.After(20 * time.Second):\n\tfmt.Println("nobody clicked")\n}', wait=False)
        self.read(lambda: self.printed("waiting"))
        self.tell(button, {"method": "custom", "content": {"event": "click"}})
        self.read(lambda: self.printed("stopped by the button"), timeout=10)
        while self.kc.get_shell_msg(timeout=10)["parent_header"].get("msg_id") != msg_id:
            pass

    def test_page_opened_again(self):
        self.cell('import "govle/kernel/widget"')
        self.cell('c := widget.NewCheckbox("shuffle", true)\nc')
        box = self.find("CheckboxModel")
        info = self.kc.comm_info("jupyter.widget", reply=True, timeout=10)
        self.assertIn(box, info["content"]["comms"])
        self.kc.shell_channel.send(self.kc.session.msg("comm_open", {"comm_id": "ctl", "target_name": "jupyter.widget.control", "data": {}}))
        self.tell("ctl", {"method": "request_states"})
        self.models["ctl"] = {}
        answers = lambda: [c["data"] for k, c in self.seen if k == "comm_msg" and c["comm_id"] == "ctl"]
        self.read(lambda: answers())
        self.assertEqual(answers()[0]["states"][box]["state"]["value"], True)

    def test_progress(self):
        time.sleep(2.1)  # another test has clicked: the kernel leaves widgets alone for a while
        self.cell('import "govle/kernel/widget"')
        self.cell("p := widget.NewFloatProgress(1000)\nDisplay(p)\nfor i := range 1001 {\n\tp.SetValue(float64(i))\n}")
        bar = self.find("FloatProgressModel")
        self.read(lambda: self.models[bar]["value"] == 1000)
        # The form for a page without widgets says so, too.
        self.read(lambda: any(k == "update_display_data" and "100%" in c["data"]["text/html"] and
                              c["data"][VIEW]["model_id"] == bar for k, c in self.seen))

    def test_worker_gone(self):
        """A widget without a worker behind it becomes what a page without widgets shows."""
        self.cell('import "govle/kernel/widget"')
        self.cell('gone := widget.NewIntSlider(0, 10, 3)\ngone')
        shown = lambda: [c for k, c in self.seen if k == "display_data" and 'value="3"' in c["data"].get("text/html", "")]
        self.read(shown)
        display_id = shown()[0]["transient"]["display_id"]
        self.cell("gone.SetValue(7)\n;")
        self.cell("%reset")
        self.read(lambda: any(k == "update_display_data" and c["transient"]["display_id"] == display_id and
                              VIEW not in c["data"] and 'value="7"' in c["data"]["text/html"] for k, c in self.seen))


if __name__ == "__main__":
    unittest.main()
