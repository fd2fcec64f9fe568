"""The estimate of memory: near what a run takes, printed before it starts, and a refusal when it does not fit."""

import os
import re
import resource
import subprocess
import unittest

from program import PROGRAM, Folder

SANITIZED = os.environ.get("EQS_SANITIZE", "") != ""
UNITS = {"KiB": 1, "MiB": 1024, "GiB": 1024**2, "TiB": 1024**3, "PiB": 1024**4}  # in KiB
HUGE = ("--set", "network.layers=[6, 1000000, 1000000, 3]", "--set", "learning.rates=0.1")


class Memory(Folder):
    def measured(self, *words):
        """Estimate and peak of a training run, in KiB."""
        run = self.start("train", "small.yaml", *words, "--set", "learning.epochs=1", "--set", "learning.rates=0.001",
                         "--set", "relaxation.tolerance=1e-2")  # fmt: skip
        error = run.stderr.read()
        _, status, usage = os.wait4(run.pid, 0)
        run.stdout.close()
        run.stderr.close()
        run.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(run.returncode, 0, error)
        found = re.search(r"synapses, memory: about (\S+) (...) \(parameters .*, result file .*\)\n", error)
        self.assertIsNotNone(found, error)
        self.assertLess(found.start(), error.index("epoch"), "printed before the run")
        return float(found.group(1)) * UNITS[found.group(2)], usage.ru_maxrss

    @unittest.skipIf(SANITIZED, "sanitizers take memory of their own")
    def test_the_estimate_is_near_what_a_run_takes(self):
        for name, settings in (("single", ("network.layers=[6, 1500, 1500, 3]", "relaxation.precision=single")),
                               ("double", ("network.layers=[6, 1200, 1200, 3]",)),
                               ("batch", ("network.layers=[6, 2000, 3]", "learning.batch=60"))):  # fmt: skip
            with self.subTest(run=name):
                words = [word for setting in settings for word in ("--set", setting)]
                estimate, peak = self.measured("-o", name + ".h5", *words)
                self.assertLess(estimate, 1.6 * peak)
                self.assertGreater(estimate, 0.7 * peak)

    def test_what_does_not_fit_is_refused_before_it_starts(self):
        for command in ("train", "relax", "gradcheck"):
            error = self.bad(71, command, "small.yaml", "-o", "huge.h5", *HUGE)
            self.assertRegex(error, r"small\.yaml: 1e\+12 synapses need about .* TiB .* are available; smaller")
            self.assertIn("--no-memory-check starts it nevertheless", error)
            self.assertFalse(os.path.exists(self.path("huge.h5")))

    def test_a_limit_of_the_shell_counts(self):
        def limited():  # 700 MB of addresses
            resource.setrlimit(resource.RLIMIT_AS, (700 << 20, 700 << 20))

        if SANITIZED:
            self.skipTest("sanitizers take terabytes of addresses")
        words = [PROGRAM, "train", "small.yaml", "-o", "limit.h5", "--set", "network.layers=[6, 6000, 6000, 3]",
                 "--set", "learning.rates=0.1"]  # fmt: skip
        done = subprocess.run(words, cwd=self.folder, preexec_fn=limited, capture_output=True, text=True)
        self.assertEqual(done.returncode, 71, done.stderr)
        self.assertIn("are available", done.stderr)
        # and without the estimate, memory that is short is an error like any other
        done = subprocess.run([*words, "--no-memory-check"], cwd=self.folder, preexec_fn=limited,
                              capture_output=True, text=True)  # fmt: skip
        self.assertEqual(done.returncode, 71, done.stderr)
        self.assertIn("no memory for", done.stderr)
        self.assertFalse(os.path.exists(self.path("limit.h5")))


if __name__ == "__main__":
    unittest.main()
