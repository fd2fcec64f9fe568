"""postproc/eqspice.py and its worked examples, on files that the program has just written."""

import importlib.util
import os
import subprocess
import sys
import unittest

import program
from program import needs_h5py, needs_ngspice, h5py

POSTPROC = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "postproc")
if h5py is not None:
    sys.path.insert(0, POSTPROC)
    import eqspice


def installed(name):
    return importlib.util.find_spec(name) is not None


@needs_h5py
class Reader(program.Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for words in (
            ("train", "small.yaml", "-o", "run.h5"),
            ("relax", "run.h5", "--samples", "0:2", "--solver", "cvode", "--tolerance", "1e-8", "--record", "-o", "relax.h5"),
        ):
            done = cls.call(*words)
            assert done.returncode == 0, done.stderr

    def open(self, name):
        run = eqspice.open(self.path(name))
        self.addCleanup(run.close)
        return run

    def example(self, name, *words):
        done = subprocess.run(
            [sys.executable, "-B", "%s/examples/%s.py" % (POSTPROC, name), *words],
            cwd=self.folder, capture_output=True, text=True, timeout=60)  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_run_is_read_with_its_configuration(self):
        run = self.open("run.h5")
        self.assertEqual((run.layers, run.status), ([6, 8, 3], "complete"))
        config = run.config
        self.assertEqual(config["learning.rates"], [0.4, 0.2])
        self.assertEqual(config["network.layers"], [6, 8, 3])
        self.assertEqual(config["network.beta"], [float("inf"), 0, 0])
        self.assertEqual((config["learning.persistent"], config["data.set"], config["data.labels"]), (True, "csv", ""))
        self.assertEqual(len(run.training["validation_error"]), 3)
        self.assertEqual(run.parameters["W_1"].shape, (6, 8))

    def test_trajectories_are_numbered_by_sample(self):
        run = self.open("relax.h5")
        free, nudged = run.trajectories("relaxation/free"), run.trajectories("relaxation/nudged")
        self.assertEqual((len(free), len(nudged)), (2, 2))
        self.assertLess(free[0].residual[-1], 1e-8)
        self.assertEqual(sorted(free[0].states), [1, 2])
        self.assertEqual(free[1].states[2].shape, (len(free[1].time), 3))
        self.assertTrue((free[1].states[2][-1] == run.states("relaxation/free")[2][1]).all())
        self.assertEqual(eqspice.label(free[0].group["time"]), "time since the start of the phase (unit time)")

    def test_files_of_others_are_refused(self):
        with h5py.File(self.path("other.h5"), "w") as file:
            file["x"] = 1
        with self.assertRaisesRegex(ValueError, "other.h5: format '' found"):
            eqspice.open(self.path("other.h5"))

    @unittest.skipUnless(installed("xarray"), "xarray is not installed")
    def test_groups_become_xarray_datasets(self):
        data = self.open("run.h5").to_xarray("training")
        self.assertEqual(data["validation_error"].dims, ("epoch",))
        self.assertEqual(list(data.coords["epoch"].values), [1, 2, 3])
        self.assertEqual(data["seconds"].attrs["units"], "s")

    def test_the_worked_examples(self):
        self.assertRegex(self.example("learning_curve", "run.h5"), r"run.h5: 6-8-3, beta 0.5: best validation error \d")
        text = self.example("settling_time", "relax.h5")
        self.assertRegex(text, r"free, sample 1: residual stays below 1e-07 from t = \d")
        self.assertIn("free, sample 0: slowest time constant about", text)

    @needs_ngspice
    def test_the_example_of_agreement(self):
        self.good("simulate", "run.h5", "-o", "circuit.h5", "--samples", "0:2")
        text = self.example("agreement", "circuit.h5")
        self.assertRegex(text, r"circuit/op - relaxation/cvode, layer 2: \d\.\d\de-\d\d \(sample \d, unit \d\)")
        run = self.open("circuit.h5")
        self.assertLess(max(run.difference("circuit/op", "relaxation/equilibrium").values()), 1e-6)

    @unittest.skipUnless(installed("matplotlib"), "matplotlib is not installed")
    def test_the_examples_draw(self):
        self.example("learning_curve", "run.h5", "-o", "curve.png")
        self.example("settling_time", "relax.h5", "-o", "settle.png")
        for name in ("curve.png", "settle.png"):
            self.assertEqual(self.read(name)[1:4], b"PNG")


if __name__ == "__main__":
    unittest.main()
