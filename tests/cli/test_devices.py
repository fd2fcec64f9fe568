"""Resistive networks as device-level circuits: export, simulate, and training by ngspice."""

import json
import os
import subprocess
import unittest

from program import Folder, h5py, needs_h5py, needs_ngspice

XOR = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../experiments/data/xor.csv")
HERE = ["--set", "data.path=" + XOR]


class Devices(Folder):
    @needs_ngspice
    def test_an_exported_circuit_runs_and_prints_its_nodes(self):
        done = self.call("export", "drn-xor-ngspice", *HERE, "--samples", "train:1", "--phase", "nudged", "-o", "x.cir")
        self.assertEqual(done.returncode, 0, done.stderr)
        run = subprocess.run(["ngspice", "-b", self.path("x.cir")], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0)
        for node in ["h1_%d" % i for i in range(8)] + ["o_0", "o_1"]:
            self.assertIn("v(%s) = " % node, run.stdout)
        with open(self.path("x.cir")) as file:
            text = file.read()
        for part in ("v_xp_1 xp_1 0 dc 5\n", "v_xn_1 xn_1 0 dc -5\n", "v_ref ref 0 dc 5\n", "d_low_h1_0 0 h1_0 diode_1\n",
                     "i_nudge_o_1 0 o_1 dc "):  # fmt: skip
            self.assertIn(part, text)

    def test_other_dialects_are_written(self):
        for dialect, word in (("xyce", ".options device temp=27"), ("ltspice", ".temp 27")):
            done = self.call("export", "drn-xor-ngspice", *HERE, "--samples", "train:0", "--analysis", "tran",
                             "--dialect", dialect, "-o", dialect + ".cir")  # fmt: skip
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(self.path(dialect + ".cir")) as file:
                self.assertIn(word, file.read())

    def test_circuit_ode_and_equilibrium_agree_on_every_node(self):
        for phase in ("free", "nudged", "nudged-"):
            for law in ("ngspice", "shockley", "ideal", "none"):
                done = self.call("simulate", "drn-xor-ngspice", *HERE, "--samples", "train:0:4", "--phase", phase, "--set",
                                 "network.diode=" + law, "-o", "op-%s-%s.h5" % (phase, law), "--json")  # fmt: skip
                self.assertEqual(done.returncode, 0, (phase, law, done.stderr))
                self.assertLess(json.loads(done.stdout)["max_difference"], 1e-6)

    def test_the_conductance_form_of_the_nudge_agrees_too(self):
        form = ["--set", "learning.nudge_form=conductance", "--set", "learning.beta=0.05"]
        for phase in ("free", "nudged", "nudged-"):
            done = self.call("simulate", "drn-xor-ngspice", *HERE, *form, "--samples", "train:0:4", "--phase", phase, "-o",
                             "c-%s.h5" % phase, "--json")  # fmt: skip
            self.assertEqual(done.returncode, 0, (phase, done.stderr))
            self.assertLess(json.loads(done.stdout)["max_difference"], 1e-6)
            done = self.call("simulate", "drn-xor-ngspice", *HERE, *form, "--samples", "train:0:2", "--phase", phase,
                             "--analysis", "tran", "-o", "ct-%s.h5" % phase, "--json")  # fmt: skip
            self.assertEqual(done.returncode, 0, (phase, done.stderr))
            self.assertLess(json.loads(done.stdout)["max_difference"], 1e-4)
        done = self.call("train", "drn-xor-ngspice", *HERE, *form, "-o", "c.h5")
        self.assertEqual(done.returncode, 78)
        self.assertIn("nudge_form", done.stderr)

    @needs_h5py
    def test_a_transient_reports_settling_and_energy(self):
        done = self.call("simulate", "drn-xor-ngspice", *HERE, "--samples", "train:1:3", "--phase", "nudged", "--analysis",
                         "tran", "-o", "tran.h5")  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("free stage of", done.stdout)
        self.assertIn("nudged stage of", done.stdout)
        with h5py.File(self.path("tran.h5")) as file:
            group = file["circuit/tran"]
            self.assertEqual(group["settling"].shape, (2, 2))
            self.assertTrue((group["settling"][:] < group["settling_fine"][:]).all())
            self.assertTrue((group["settling"][:] > 1e-9).all() and (group["settling_fine"][:] < 1e-5).all())
            self.assertTrue((group["supply_energy"][:] > 0).all())

    def test_ngspice_alone_learns_xor(self):
        done = self.call("train", "drn-xor-ngspice", *HERE, "--set", "learning.epochs=120", "-o", "xor.h5", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("train  0.000 %", done.stderr.splitlines()[-2])

    @needs_h5py
    def test_transients_train_and_are_timed(self):
        done = self.call("train", "drn-xor-transient", *HERE, "--set", "learning.epochs=3", "-o", "tr.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.path("tr.h5")) as file:
            training = file["training"]
            for name in ("settling_free", "settling_nudged"):
                self.assertTrue((training[name][:] > 1e-9).all())
                self.assertTrue((training[name][:] < training[name + "_fine"][:]).all())
            self.assertTrue((training["supply_energy"][:] > 0).all())
            self.assertTrue(training["cost"][2] < training["cost"][0])

    @needs_h5py
    def test_files_have_volts_and_units_of_the_conductance(self):
        done = self.call("simulate", "iris-resistive", "--samples", "0:2", "-o", "iris.h5")  # level by itself
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.call("export", "iris-resistive", "--samples", "0", "--level", "auto", "-o", "iris.cir")
        self.assertEqual(done.returncode, 0, done.stderr)
        with h5py.File(self.path("iris.h5")) as file:
            for path, units, name in (
                ("circuit/op/state_1", "V", "node voltages"), ("relaxation/equilibrium/state_2", "V", "node voltages"),
                ("circuit/op/residual", "1e-05 A", "Kirchhoff"), ("relaxation/cvode/residual", "1e-05 A", "Kirchhoff"),
                ("relaxation/cvode/energy", "1e-05 W", "co-content"), ("parameters/W_1", "1e-05 S", "conductances"),
                ("parameters/b_1", "1e-05 A", "bias currents"),
            ):  # fmt: skip
                self.assertEqual(file[path].attrs["units"].decode(), units, path)
                self.assertIn(name, file[path].attrs["long_name"].decode(), path)
        done = self.call("simulate", "iris-resistive", "--samples", "0", "--analysis", "tran", "-o", "tran.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.call("plot", "tran.h5", "circuit:tran", "-o", "tran.svg")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("tran.svg")) as file:
            self.assertIn("node voltage (V)", file.read())
        done = self.call("report", "iris.h5", "-o", "iris.html")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("iris.html")) as file:
            page = file.read()
        self.assertNotIn("dF/ds", page.replace("largest projected residual max|P(dF/ds)| of an equilibrium", ""))
        self.assertRegex(page, r"Kirchhoff(&#39;|')s current law \(1e-05 A\)")

    def test_a_part_without_samples_names_the_others(self):
        done = self.call("export", "xor-resistive", "--samples", "0", "-o", "x.cir")
        self.assertEqual(done.returncode, 64)
        self.assertRegex(done.stderr, r"'0' found, but part test of csv has no samples; parts that have: train \(4\)")

    def test_the_list_names_elements_and_library(self):
        text = self.call("list", "devices").stdout
        for word in ("  device ", "d_  diode", "x_  amplifier", "  diffpair-neuron", "  memristor-threshold"):
            self.assertIn(word, text)

    def test_the_other_level_is_refused(self):
        done = self.call("export", "drn-xor-ngspice", *HERE, "--samples", "train:0", "--level", "behavioural", "-o", "b.cir")
        self.assertEqual(done.returncode, 64)
        self.assertIn("allowed: auto, device", done.stderr)
        done = self.call("export", "small.yaml", "--level", "device", "-o", "b.cir")
        self.assertEqual(done.returncode, 64)
        self.assertIn("allowed: auto, behavioural", done.stderr)


if __name__ == "__main__":
    unittest.main()
