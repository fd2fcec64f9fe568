"""Train, inspect, eval, relax, export, simulate, gradcheck: what they write is what is promised, and true."""

import json
import os
import re
import subprocess
import unittest

from program import FEW, Folder, all_datasets, h5py, needs_fashion, needs_h5py, needs_ngspice, small_fashion, text_of

EPOCHS = 8
TRAINING = """epoch train_error validation_error test_error cost energy residual residual_nudged sweeps_free
sweeps_nudged residual_response unresolved other_attractor unconverged settling_free settling_free_fine
settling_nudged settling_nudged_fine supply_energy seconds relative_change block""".split()


@needs_fashion
class Trained(Folder):
    """One run of the 64-32-10 experiment, shared by the tests of a class."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.mkdir(cls.path("few"))
        for name, content in small_fashion().items():
            cls.write("few/" + name, content)
        done = cls.call(
            "train", "hopfield-fashion-8x8", "-o", "run.h5", *FEW, "--set", "learning.nudge=fixed",
            "--set", "network.gain=0.5",  # one free fixed point, whoever looks for it
            "--set", "learning.epochs=%d" % EPOCHS, "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        cls.report, cls.progress = json.loads(done.stdout), done.stderr

    @classmethod
    def parameters(cls):
        with h5py.File(cls.path("run.h5"), "r") as file:
            return {name: file["parameters"][name][:] for name in file["parameters"]}

    def assert_documented(self, file):
        for path, dataset in all_datasets(file).items():
            self.assertIn("units", dataset.attrs, path)
            self.assertGreater(len(text_of(dataset.attrs.get("long_name", ""))), 3, path)


def pooled_test_images(n):
    """The first test images averaged by area over 8x8, as rows of 64 values in [0, 1]; and their labels."""
    import numpy as np

    files = small_fashion()
    images = np.frombuffer(files["t10k-images-idx3-ubyte"][16:], np.uint8)[: 784 * n].reshape(n, 28, 28) / 255.0
    labels = np.frombuffer(files["t10k-labels-idx1-ubyte"][8:], np.uint8)[:n]
    cut = np.zeros((8, 28))  # share of each pixel in each cell of 3.5 pixels
    for cell in range(8):
        for pixel in range(28):
            cut[cell, pixel] = max(0, min(3.5 * cell + 3.5, pixel + 1) - max(3.5 * cell, pixel)) / 3.5
    return np.einsum("ap,npq,bq->nab", cut, images, cut).reshape(n, 64), labels


def next_states(p, x, states, beta=0.0, target=0.0):
    """What each unit of a hard-sigmoid network would be, given its neighbours (paper 001 Eqs. 34, 41)."""
    import numpy as np

    hidden, output = states
    new_hidden = p["b_1"] + x @ p["W_1"] + output @ p["W_2"].T
    new_output = (p["b_2"] + hidden @ p["W_2"] + beta * target) / (1 + beta)
    return [np.clip(new_hidden, 0, 1), np.clip(new_output, 0, 1)]


class Training(Trained):
    def test_progress_goes_to_stderr_and_the_result_to_stdout(self):
        self.assertEqual(len(re.findall(r"^epoch +\d+ ", self.progress, re.M)), EPOCHS)
        self.assertEqual(self.report["epochs"], EPOCHS)
        self.assertEqual(self.report["file"], "run.h5")
        self.assertLess(self.report["train_error"], 0.6)

    @needs_h5py
    def test_the_run_file_has_exactly_the_promised_datasets(self):
        file = self.h5("run.h5")
        shapes = {path: dataset.shape for path, dataset in all_datasets(file).items()}
        parameters = {path: shape for path, shape in shapes.items() if path.startswith("/parameters")}
        self.assertEqual(
            parameters,
            {"/parameters/W_1": (64, 32), "/parameters/W_2": (32, 10),
             "/parameters/b_1": (32,), "/parameters/b_2": (10,)},
        )  # fmt: skip
        self.assertEqual(set(file["training"]), set(TRAINING))
        for name in TRAINING:
            if name == "block":
                continue
            shape = (EPOCHS, 4) if name == "relative_change" else (EPOCHS,)
            self.assertEqual(shapes["/training/" + name], shape, name)
        self.assertEqual(
            {path: shape for path, shape in shapes.items() if "/states_" in path},
            {"/checkpoint/states_train": (400, 42), "/checkpoint/states_validation": (60, 42),
             "/checkpoint/states_test": (100, 42)},
        )  # fmt: skip
        self.assert_documented(file)

    @needs_h5py
    def test_the_root_says_what_the_file_is(self):
        attributes = self.h5("run.h5").attrs
        self.assertEqual(text_of(attributes["format"]), "eqspice")
        self.assertEqual(attributes["format_version"], 1)
        self.assertEqual(text_of(attributes["status"]), "complete")
        self.assertEqual(text_of(attributes["default"]), "training")

    @needs_h5py
    def test_the_curve_makes_sense(self):
        training = self.h5("run.h5")["training"]
        self.assertEqual(list(training["epoch"]), list(range(1, EPOCHS + 1)))
        self.assertLess(training["cost"][-1], 0.8 * training["cost"][0])
        self.assertLessEqual(max(training["residual"]), 1e-6)
        self.assertLessEqual(max(training["residual_nudged"]), 1e-6)
        self.assertEqual(max(training["unconverged"]), 0)
        self.assertTrue((training["seconds"][:] > 0).all())
        self.assertEqual([text_of(b) for b in training["block"]], ["W_1", "W_2", "b_1", "b_2"])

    @needs_h5py
    def test_the_configuration_in_force_is_in_the_file(self):
        file = self.h5("run.h5")
        used = file["config/used"].attrs
        self.assertEqual(text_of(used["learning.epochs"]), str(EPOCHS))
        self.assertEqual(text_of(used["data.train"]), "400")
        self.assertEqual(text_of(used["network.layers"]), "[64, 32, 10]")
        self.assertIn("layers: [64, 32, 10]", text_of(file["config/text"][()]))

    def test_metrics_have_one_line_an_epoch(self):
        lines = [json.loads(line) for line in self.read("run.h5.metrics.jsonl").splitlines()]
        self.assertEqual([line["epoch"] for line in lines], list(range(1, EPOCHS + 1)))
        self.assertEqual(lines[-1]["train_error"], self.report["train_error"])

    @needs_h5py
    def test_inspect_lists_what_h5py_sees(self):
        listing = json.loads(self.good("inspect", "run.h5", "--json"))
        self.assertFalse(listing["foreign"])
        seen = {item["path"]: tuple(item["shape"]) for item in listing["objects"] if item["kind"] == "dataset"}
        self.assertEqual(seen, {path: d.shape for path, d in all_datasets(self.h5("run.h5")).items()})
        text = self.good("inspect", "run.h5")
        for path in seen:
            self.assertIn(path, text)
        self.assertRegex(text, r"(?m)^ +%d +\d+\.\d" % EPOCHS)

    @needs_h5py
    def test_eval_counts_the_errors_of_relaxations_by_hand(self):
        import numpy as np

        [test] = self.good_json("eval", "run.h5")
        x, labels = pooled_test_images(100)
        p, states = self.parameters(), [np.zeros((100, 32)), np.zeros((100, 10))]
        for _ in range(4000):
            new = next_states(p, x, states)
            states = [0.5 * (old + value) for old, value in zip(states, new)]
        self.assertLess(max(abs(a - b).max() for a, b in zip(states, next_states(p, x, states))), 1e-6)
        wrong = (states[1].argmax(axis=1) != labels).mean()
        self.assertEqual(test["samples"], 100)
        self.assertAlmostEqual(test["error"], wrong, delta=0.02)  # near ties, other fixed points
        cost = 0.5 * ((states[1] - np.eye(10)[labels]) ** 2).sum(axis=1).mean()
        self.assertAlmostEqual(test["cost"], cost, delta=0.02)

    def test_eval_prints_a_confusion_that_counts_every_sample(self):
        text = self.good("eval", "run.h5", "--data", "validation")
        rows = [line.split()[-10:] for line in text.splitlines()[3:]]
        self.assertEqual(len(rows), 10)
        self.assertEqual(sum(int(cell) for row in rows for cell in row), 60)
        hits = sum(int(row[i]) for i, row in enumerate(rows))
        self.assertIn("error %.2f %%" % (100 * (60 - hits) / 60), text)

    def test_eval_without_persistent_states_repeats_the_last_row(self):
        for threads in ("1", "3"):
            [report] = self.good_json(
                "train", "hopfield-fashion-8x8", "-o", "cold%s.h5" % threads, *FEW, "--threads", threads,
                "--set", "learning.epochs=2", "--set", "learning.persistent=false",
            )  # fmt: skip
            for part in ("test", "validation"):
                [again] = self.good_json("eval", "cold%s.h5" % threads, "--data", part)
                self.assertAlmostEqual(again["error"], report[part + "_error"], delta=1e-9)

    @needs_h5py
    def test_single_precision_is_stored_as_it_was_used(self):
        self.good("train", "small.yaml", "-o", "single.h5", "-q", "--set", "relaxation.precision=single")
        file = self.h5("single.h5")
        self.assertEqual(file["parameters/W_1"].dtype, "float32")
        self.assertEqual(file["checkpoint/states_train"].dtype, "float32")

    def test_a_run_of_the_ode_trains_too(self):
        [report] = self.good_json("train", "small.yaml", "-o", "ode.h5", "--set", "learning.engine=ode",
                                  "--set", "relaxation.solver=cvode", "--set", "learning.epochs=8")  # fmt: skip
        self.assertLess(report["train_error"], 0.4)

    def test_a_good_enough_training_error_ends_the_run_for_good(self):
        words = ("train", "small.yaml", "-o", "early.h5", "--set", "learning.epochs=50",
                 "--set", "learning.stop_at_train_error=0.2")  # fmt: skip
        [first] = self.good_json(*words)
        self.assertLess(first["epochs"], 50)
        self.assertLessEqual(first["train_error"], 0.2)
        [again] = self.good_json(*words, "--resume")
        self.assertEqual(again["epochs"], first["epochs"])

    def test_names_are_quoted_and_missing_numbers_are_null_in_json(self):
        [report] = self.good_json("train", "small.yaml", "-o", 'a "b".h5', "--set", "data.validation=0")
        self.assertEqual(report["file"], 'a "b".h5')
        self.assertIsNone(report["validation_error"])


class Relaxing(Trained):
    @needs_h5py
    def test_both_phases_are_fixed_points_of_the_equations(self):
        import numpy as np

        reports = self.good_json("relax", "run.h5", "-o", "relax.h5", "--samples", "0:16", "--tolerance", "1e-9")
        self.assertEqual([r["phase"] for r in reports], ["free", "nudged"])
        self.assertEqual([r["unconverged"] for r in reports], [0, 0])
        file, p = self.h5("relax.h5"), self.parameters()
        x, labels = pooled_test_images(16)
        self.assertEqual(list(file["samples/label"]), list(labels))
        self.assertEqual(list(file["samples/index"]), list(range(16)))
        moved = 0.0
        for name, beta in (("free", 0.0), ("nudged", 0.5)):
            group = file["relaxation/" + name]
            self.assertEqual(set(group), {"state_1", "state_2", "residual", "time", "energy", "end"})
            states = [group["state_1"][:], group["state_2"][:]]
            self.assertEqual([s.shape for s in states], [(16, 32), (16, 10)])
            target = np.eye(10)[labels]
            for have, wanted in zip(states, next_states(p, x, states, beta, target)):
                self.assertLess(abs(have - wanted).max(), 1e-8)
            self.assertEqual(group["residual"].shape, (16,))
            self.assertEqual(group["time"].shape, (16,))
            self.assertLessEqual(group["residual"][:].max(), 1e-9)
            self.assertEqual({text_of(end) for end in group["end"]}, {"converged"})
            cost = ((states[1] - target) ** 2).sum()
            moved = cost if name == "free" else moved - cost
        self.assertGreater(moved, 1e-3)  # nudging lowers the cost
        self.assert_documented(file)

    @needs_h5py
    def test_the_energy_never_rises_along_a_trajectory(self):
        for solver in ("cvode", "cvode-adams", "euler"):
            name = solver + ".h5"
            self.good("relax", "run.h5", "-o", name, "--samples", "3", "--record", "--solver", solver)
            file = self.h5(name)
            for phase in ("free", "nudged"):
                with self.subTest(solver=solver, phase=phase):
                    group = file["relaxation"][phase]
                    trajectory = group["trajectory"]
                    n = len(trajectory["time"])
                    self.assertEqual(set(trajectory), {"time", "energy", "residual", "state_1", "state_2"})
                    self.assertEqual(trajectory["energy"].shape, (n,))
                    self.assertEqual(trajectory["residual"].shape, (n,))
                    self.assertEqual(trajectory["state_1"].shape, (n, 32))
                    self.assertEqual(trajectory["state_2"].shape, (n, 10))
                    self.assertGreater(n, 10)
                    time, energy = trajectory["time"][:], trajectory["energy"][:]
                    self.assertTrue((time[1:] > time[:-1]).all() and time[0] == 0)
                    rise = (energy[1:] - energy[:-1]).max()
                    self.assertLessEqual(rise, 10 * 1e-6 * max(1, abs(energy).max()))
                    self.assertLess(energy[-1], energy[0])
                    self.assertEqual(trajectory["residual"][n - 1], group["residual"][0])
                    self.assertTrue((trajectory["state_2"][n - 1] == group["state_2"][0]).all())
            self.assertFalse(file["relaxation/free/trajectory/state_1"][0].any())  # the zero start
            self.assert_documented(file)

    @needs_h5py
    def test_several_recorded_samples_have_a_group_each(self):
        self.good("relax", "run.h5", "-o", "three.h5", "--samples", "train:1,5,7", "--record", "--phase", "free")
        file = self.h5("three.h5")
        self.assertEqual(list(file["samples/index"]), [1, 5, 7])
        self.assertEqual(text_of(file["samples"].attrs["part"]), "train")
        self.assertEqual(list(file["relaxation"]), ["free"])
        for i in range(3):
            self.assertIn("trajectory_%d" % i, file["relaxation/free"])

    @needs_h5py
    def test_a_negative_nudge_moves_the_output_the_other_way(self):
        import numpy as np

        moves = []
        for phase in ("nudged+", "nudged-"):
            self.good("relax", "run.h5", "-o", phase + ".h5", "--phase", phase, "--tolerance", "1e-9",
                      "--set", "learning.beta=0.001")  # fmt: skip
            group = self.h5(phase + ".h5")["relaxation"]
            moves.append(group["nudged/state_2"][:] - group["free/state_2"][:])
        self.assertGreater(abs(moves[0]).max(), 1e-5)
        # but for units that meet a bound on one side
        asymmetry = abs(moves[0] + moves[1]) / abs(moves[0]).max()
        self.assertGreater(np.mean(asymmetry < 0.02), 0.95)

    @needs_h5py
    def test_threads_change_no_bit(self):
        for threads in ("1", "4"):
            self.good("relax", "run.h5", "-o", "threads%s.h5" % threads, "--threads", threads, "--solver", "cvode")
        self.assertEqual(self.read("threads1.h5"), self.read("threads4.h5"))

    def test_what_does_not_converge_exits_1_and_is_written(self):
        error = self.bad(1, "relax", "run.h5", "-o", "far.h5", "--solver", "cvode",
                         "--set", "relaxation.t_max=0.5")  # fmt: skip
        self.assertIn("time-limit", error)
        self.assertIn("did not converge", error)
        self.good("inspect", "far.h5")


class Circuits(Trained):
    def voltages(self, netlist):
        done = subprocess.run(
            ["ngspice", "-b", netlist], cwd=self.folder, capture_output=True, text=True, timeout=120
        )
        self.assertNotRegex(done.stdout + done.stderr, r"(?i)error|singular|aborted")
        found = re.findall(r"^v\((\w+)\) = (\S+)", done.stdout, re.M)
        return {name: float(value) for name, value in found}

    @needs_h5py
    @needs_ngspice
    def test_ngspice_alone_finds_the_fixed_point_of_relax(self):
        import numpy as np

        # the negative nudge gives some samples several fixed points, of which Newton's method takes any; not this one
        for phase in ("free", "nudged", "nudged-"):
            self.good("relax", "run.h5", "-o", "point.h5", "--samples", "1", "--phase", phase, "--tolerance", "1e-10")
            with h5py.File(self.path("point.h5"), "r") as file:
                group = file["relaxation"]["free" if phase == "free" else "nudged"]
                wanted = [group["state_1"][0], group["state_2"][0]]
            for inputs in ("--fold", "--full"):
                with self.subTest(phase=phase, inputs=inputs):
                    self.good("export", "run.h5", "-o", "op.cir", "--samples", "1", "--phase", phase, inputs, "-q")
                    volts = self.voltages("op.cir")
                    for layer, states in (("h1", wanted[0]), ("o", wanted[1])):
                        have = np.clip([volts["%s_%d" % (layer, i)] for i in range(len(states))], 0, 1)
                        self.assertLess(abs(have - states).max(), 1e-6)

    @needs_ngspice
    def test_an_exported_transient_runs_in_plain_ngspice(self):
        self.good("export", "run.h5", "-o", "tran.cir", "--samples", "3", "--analysis", "tran", "--fold")
        done = subprocess.run(
            ["ngspice", "-b", "tran.cir"], cwd=self.folder, capture_output=True, text=True, timeout=120
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"max_r_o_9 +=")
        self.assertNotRegex(done.stdout + done.stderr, r"(?i)error|singular|aborted")

    def test_every_dialect_phase_and_analysis_is_exported(self):
        sources = {}
        for dialect in ("ngspice", "xyce", "ltspice"):
            for phase in ("free", "nudged", "nudged-"):
                for analysis in ("op", "tran"):
                    with self.subTest(dialect=dialect, phase=phase, analysis=analysis):
                        self.good("export", "run.h5", "-o", "all.cir", "--samples", "3", "--dialect", dialect,
                                  "--phase", phase, "--analysis", analysis, "--fold", "-q")  # fmt: skip
                        text = self.read("all.cir").decode()
                        self.assertIn("64-32-10", text.splitlines()[0])
                        self.assertIn("dialect " + dialect, text)
                        self.assertIn("test sample 3 of fashion-mnist", text)
                        self.assertIn("h1_31", text)
                        self.assertEqual("i_nudge_o_9" in text, phase != "free")
                        self.assertRegex(text, r"(?m)^\.?%s\b" % analysis)
                        self.assertRegex(text, r"(?m)^\.end\s*$")
                        sources[dialect, phase, analysis] = text
        self.assertEqual(len(set(sources.values())), 18)

    def test_an_export_is_the_same_bytes_each_time(self):
        for name in ("one.cir", "two.cir"):
            self.good("export", "run.h5", "-o", name, "--samples", "0")
        self.assertEqual(self.read("one.cir"), self.read("two.cir"))

    @needs_h5py
    def test_operating_points_agree_with_ode_and_equilibrium(self):
        for phase in ("free", "nudged"):
            with self.subTest(phase=phase):
                [report] = self.good_json("simulate", "run.h5", "-o", "op.h5", "--samples", "0:8", "--phase", phase)
                self.assertTrue(report["agree"])
                self.assertLessEqual(report["max_difference"], 1e-6)
                with h5py.File(self.path("op.h5"), "r") as file:
                    group = file["circuit/op"]
                    self.assertEqual(group["state_1"].shape, (8, 32))
                    self.assertEqual(group["state_2"].shape, (8, 10))
                    self.assertEqual(group["difference"].shape, (8,))
                    self.assertEqual(group["max_difference"].shape, ())
                    self.assertAlmostEqual(group["max_difference"][()], report["max_difference"], delta=1e-12)
                    for other in ("cvode", "equilibrium"):
                        for state in ("state_1", "state_2"):
                            difference = group[state][:] - file["relaxation"][other][state][:]
                            self.assertLessEqual(abs(difference).max(), report["max_difference"] * (1 + 1e-9))
                    self.assert_documented(file)
        table = self.good("simulate", "run.h5", "-o", "table.h5", "--samples", "0:2")
        self.assertRegex(table, r"(?m)^1 +32 +\S+ +\S+ +\S+$")
        self.assertRegex(table, r"(?m)^2 +10 +\S+ +\S+ +\S+$")

    @needs_h5py
    def test_transients_agree_with_the_ode(self):
        [report] = self.good_json("simulate", "run.h5", "-o", "tran.h5", "--samples", "0", "--analysis", "tran",
                                  "--set", "circuit.t_stop=5")  # fmt: skip
        self.assertLessEqual(report["max_difference"], 1e-3)
        file = self.h5("tran.h5")
        trajectory = file["circuit/tran/trajectory"]
        n = len(trajectory["time"])
        self.assertEqual(trajectory["state_1"].shape, (n, 32))
        self.assertAlmostEqual(trajectory["time"][n - 1], 5.0, delta=1e-9)
        ode = file["relaxation/cvode/trajectory"]
        self.assertLessEqual(abs(ode["time"][:] - trajectory["time"][:]).max(), 1e-9)
        self.assertLessEqual(abs(ode["state_2"][:] - trajectory["state_2"][:]).max(), report["max_difference"])
        self.assertEqual(file["circuit/tran/state_2"].shape, (1, 10))
        self.assert_documented(file)

    def test_disagreement_exits_1_names_the_worst_unit_and_is_written(self):
        error = self.bad(1, "simulate", "run.h5", "-o", "apart.h5", "--samples", "0:2", "--tolerance", "1e-15")
        self.assertRegex(error, r"disagree by \S+ \(tolerance 1e-15\), worst in sample \d, layer \d, unit \d+")
        self.good("inspect", "apart.h5")


class Gradients(Trained):
    @needs_h5py
    def test_the_estimate_agrees_with_the_exact_gradient(self):
        [report] = self.good_json("gradcheck", "run.h5", "-o", "grad.h5", "--samples", "0:4", "--finite", "20")
        self.assertGreaterEqual(report["cosine"], 0.9999)
        self.assertLess(report["finite_worst"], 1e-6)
        file = self.h5("grad.h5")
        group = file["study/gradcheck"]
        self.assertEqual(group["cosine"].shape, (2, 6, 5))
        self.assertEqual(group["beta"].shape, (6,))
        self.assertEqual([text_of(name) for name in group["block"]], ["W_1", "W_2", "b_1", "b_2"])
        self.assertAlmostEqual(group["cosine"][1, 4, 0], report["cosine"], delta=1e-9)
        self.assert_documented(file)

    def test_smooth_networks_have_the_orders_of_theory(self):
        [report] = self.good_json("gradcheck", "small.yaml", "-o", "smooth.h5", "--set", "network.activation=tanh",
                                  "--samples", "0:4", "--finite", "10")  # fmt: skip
        self.assertAlmostEqual(report["order_one_sided"], 1, delta=0.2)
        self.assertAlmostEqual(report["order_centred"], 2, delta=0.25)

    def test_an_estimate_below_the_demanded_cosine_exits_1_and_is_written(self):
        error = self.bad(1, "gradcheck", "small.yaml", "-o", "low.h5", "--set", "network.activation=tanh",
                         "--samples", "0:4", "--finite", "0", "--cosine", "0.9999999999999999")  # fmt: skip
        self.assertIn("is below", error)
        self.good("inspect", "low.h5")


if __name__ == "__main__":
    unittest.main()
