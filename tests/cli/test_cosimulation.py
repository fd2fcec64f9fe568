"""Part of a network in ngspice, the rest in CVODE; user subcircuits; what fails says where."""

import json
import unittest

from program import Folder, h5py, needs_h5py

NEURON = """* Neuron of the test: an ideal leaky integrator
* pin h: membrane
.subckt mine h o params: g=1u c=1p
rh h 0 {1/g}
ch h 0 {c}
bo o 0 v={min(max(v(h),0),1)}
.ends
"""
WIRES = ["--set", "cosimulation.subcircuit=mine.cir", "--set", "cosimulation.pins=[h=current, o=rate]"]


class CoSimulation(Folder):
    def simulate(self, *words, file="out.h5"):
        return self.call("simulate", "small.yaml", "--cosim", "--samples", "0:2", "-o", file, *words)

    def test_split_networks_follow_the_ode(self):
        for parts in '["layer 1"]', '["units 1 0:8:2", "layer 2"]', '["coupling 1 2"]':
            done = self.simulate("--json", "--set", "cosimulation.parts=" + parts, "--phase", "nudged")
            self.assertEqual(done.returncode, 0, done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual(report["done"], 2)
            self.assertLess(report["max_path_difference"], 1e-3)
            self.assertLess(report["max_end_difference"], 1e-5)

    @needs_h5py
    def test_result_file_holds_the_interface(self):
        done = self.simulate("--set", "cosimulation.parts=[layer 1]", file="interface.h5")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("8 units and 0 couplings in ngspice", done.stdout)
        with h5py.File(self.path("interface.h5"), "r") as file:
            run = file["circuit/cosimulation/sample_1"]
            n = len(run["time"])
            for name in "step", "mismatch", "iterations":
                self.assertEqual(run[name].shape, (n,))
            self.assertEqual(run["input"].shape, (n, 8))
            self.assertEqual(run["output"].shape, (n, 8))
            self.assertEqual(run["state_2"].shape, (n, 3))
            self.assertTrue((run["time"][1:] > run["time"][:-1]).all())

    def test_users_subcircuit_takes_part(self):
        self.write("mine.cir", NEURON)
        listed = self.good("inspect", "mine.cir")
        self.assertIn("h            membrane", listed)
        self.assertIn("g            1e-06", listed)
        done = self.simulate("--json", "--set", "cosimulation.parts=[layer 1]", *WIRES)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(json.loads(done.stdout)["max_path_difference"], 1e-3)

    def test_mistakes_are_named(self):
        self.write("mine.cir", NEURON)
        self.write("wrong.cir", NEURON.replace("min(", "limit("))
        cases = (
            (78, "nothing found", []),
            (78, "layer 7 found, allowed: 1 to 2", ["--set", "cosimulation.parts=[layer 7]"]),
            (78, "pin 'o' of 'mine' (mine.cir) is missing", ["--set", "cosimulation.parts=[layer 1]", *WIRES[:2],
                                                              "--set", "cosimulation.pins=[h=current]"]),
            (65, "wrong.cir:6: limit() in ngspice returns 0", ["--set", "cosimulation.parts=[layer 1]", "--set",
                                                               "cosimulation.subcircuit=wrong.cir", *WIRES[2:]]),
            (66, "device 'opamp' is unknown", ["--set", "cosimulation.parts=[layer 1]", "--set",
                                               "cosimulation.subcircuit=opamp", *WIRES[2:]]),
            (64, "allowed: tran", ["--set", "cosimulation.parts=[layer 1]", "--analysis", "op"]),
        )  # fmt: skip
        for code, message, words in cases:
            done = self.simulate(*words)
            self.assertIn(message, done.stderr)
            self.assertEqual(done.returncode, code, done.stderr)

    @needs_h5py
    def test_failure_keeps_what_was_computed(self):
        # no operating point from a drive of 0.7 on: o = o^2 + 1 has no solution there
        self.write("mine.cir", NEURON.replace("v={min(max(v(h),0),1)}", "v={v(h)+2*v(o)*v(o)+0.1}\nro o 0 1k"))
        done = self.simulate("--set", "cosimulation.parts=[layer 1]", *WIRES, file="failed.h5")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("what was computed before is in failed.h5", done.stderr)
        with h5py.File(self.path("failed.h5"), "r") as file:
            group = file["circuit/cosimulation"]
            self.assertIn("ngspice", str(group.attrs["failure"]))
            self.assertIn("sample_%d" % group.attrs["samples_done"], group)

    def test_training_with_a_part_in_ngspice_is_the_same_training(self):
        # the same equilibria, found in ngspice and in the engine: the same errors and nearly the same cost
        reports = []
        for engine in "batch", "cosimulation":
            done = self.call(
                "train", "small.yaml", "-o", engine + ".h5", "--json", "--set", "learning.engine=" + engine,
                "--set", "learning.epochs=2", "--set", "cosimulation.parts=[layer 1]", "--set",
                "relaxation.tolerance=1e-8", "--set", "network.activation=tanh", "--set", "learning.beta=0.2",
            )  # fmt: skip
            self.assertEqual(done.returncode, 0, done.stderr)
            reports.append(json.loads(done.stdout))
        self.assertEqual(reports[0]["train_error"], reports[1]["train_error"])
        self.assertEqual(reports[0]["test_error"], reports[1]["test_error"])
        if h5py is not None:
            weights = []
            for engine in "batch", "cosimulation":
                with h5py.File(self.path(engine + ".h5"), "r") as file:
                    weights.append(file["parameters/W_1"][:])
            self.assertLess(abs(weights[0] - weights[1]).max(), 1e-5)


if __name__ == "__main__":
    unittest.main()
