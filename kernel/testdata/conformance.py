"""Runs jupyter_kernel_test on the kernel named by KERNEL with the samples in SAMPLES."""
import json
import os
import unittest

import jupyter_kernel_test

KERNEL = os.environ["KERNEL"]
with open(os.environ["SAMPLES"], encoding="utf8") as f:
    SAMPLES = json.load(f)


class Conformance(jupyter_kernel_test.KernelTests):
    kernel_name = KERNEL
    language_name = "go"
    file_extension = ".go"
    supported_history_operations = ("tail", "range", "search")


class Welcome(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = KERNEL
    support_iopub_welcome = True


for name, value in SAMPLES.items():
    assert hasattr(Conformance, name), name
    setattr(Conformance, name, value)

if __name__ == "__main__":
    unittest.main()
