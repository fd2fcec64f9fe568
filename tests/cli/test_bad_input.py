"""Wrong input of every kind: a clear message, the right exit code, and nothing written."""

import os
import resource
import struct
import subprocess
import unittest

from program import FASHION, PROGRAM, Folder, h5py, made_samples, needs_h5py, small_fashion

USAGE, DATA, MISSING, IO, CONFIG = 64, 65, 66, 74, 78


class Refused(Folder):
    def setUp(self):
        self.before = self.snapshot()

    def snapshot(self):
        found = {}
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[path] = file.read()
        return found

    def refused(self, code, text, *words):
        """The call fails with a code, one message that holds `text`, no output, and no file changed."""
        before = self.snapshot()
        with self.subTest(call=" ".join(words)):
            done = self.call(*words)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(text, " ".join(done.stderr.split()))
            self.assertTrue(done.stderr.startswith("eqspice"), done.stderr)
            self.assertEqual(self.snapshot(), before)

    def refused_train(self, code, text, *settings):
        words = [word for setting in settings for word in ("--set", setting)]
        self.refused(code, text, "train", "small.yaml", "-o", "out.h5", *words)

    def refused_file(self, code, text, yaml):
        self.write("wrong.yaml", yaml)
        self.refused(code, text, "train", "wrong.yaml", "-o", "out.h5")


class Configurations(Refused):
    def test_an_unknown_key_is_answered_with_the_nearest(self):
        self.refused_train(CONFIG, "unknown key 'learning.betta'; the nearest known is 'learning.beta'",
                           "learning.betta=1")  # fmt: skip
        self.refused_file(CONFIG, "wrong.yaml:2:12:", "seed: 1\nnetwork:  {layer: [6, 8, 3]}\n")
        self.refused_file(CONFIG, "the nearest known is 'network.layers'", "network: {layer: [6, 8, 3]}\n")

    def test_a_wrong_type_is_named_with_its_place_and_what_is_allowed(self):
        self.refused_train(CONFIG, "learning.beta: found 'big', allowed: a number", "learning.beta=big")
        self.refused_train(CONFIG, "learning.epochs: found '-1'", "learning.epochs=-1")
        self.refused_train(CONFIG, "learning.persistent: found 'maybe'", "learning.persistent=maybe")
        self.refused_train(CONFIG, "learning.nudge: found 'left'", "learning.nudge=left")
        self.refused_file(CONFIG, "wrong.yaml:1:23: network.layers", "network: {layers: [6, many, 3]}\n")

    def test_yaml_errors_have_line_and_column(self):
        self.refused_file(CONFIG, "wrong.yaml:3:1: YAML syntax", "seed: 1\nnetwork: {layers: [6, 8, 3\n")
        self.refused_file(CONFIG, "wrong.yaml:2:1", "seed: 1\nseed: 2\n")
        self.refused_file(CONFIG, "wrong.yaml:1:", "seed: &a 1\n")

    def test_a_required_key_is_asked_for(self):
        self.refused_file(CONFIG, "network.layers", "seed: 1\n")

    def test_a_nudge_without_an_equilibrium_is_explained(self):
        for nudge in ("random-sign", "centred"):
            self.refused_train(CONFIG, "found 1 with nudge %s; a phase at -1 has no equilibrium" % nudge,
                               "learning.beta=1", "learning.nudge=" + nudge)  # fmt: skip
        self.refused(CONFIG, "1 + beta", "relax", "small.yaml", "-o", "out.h5", "--phase", "nudged-",
                     "--set", "learning.beta=1")  # fmt: skip

    def test_a_solver_that_cannot_is_named(self):
        self.refused_train(CONFIG, "kinsol", "relaxation.solver=kinsol")
        self.refused_train(CONFIG, "'swep'", "relaxation.solver=swep")
        self.refused_train(CONFIG, "'swep'", "relaxation.solver=swep", "learning.engine=ode")

    def test_the_device_level_is_refused(self):
        text = "'device' found; a Hopfield network has no device-level circuit; allowed: auto, behavioural"
        self.refused(USAGE, text, "simulate", "small.yaml", "-o", "out.h5", "--level", "device")
        self.refused(USAGE, text, "export", "small.yaml", "-o", "out.cir", "--level", "device")
        self.refused(CONFIG, text, "export", "small.yaml", "-o", "out.cir", "--set", "circuit.level=device")

    def test_a_projected_flow_has_no_transient_circuit(self):
        self.refused(CONFIG, "projected", "simulate", "small.yaml", "-o", "out.h5", "--analysis", "tran",
                     "--set", "dynamics.form=projected")  # fmt: skip

    def test_unknown_experiments_and_missing_files_exit_66(self):
        for command in (("train", "-o", "out.h5"), ("relax", "-o", "out.h5"), ("export", "-o", "out.cir"),
                        ("simulate", "-o", "out.h5"), ("gradcheck", "-o", "out.h5"), ("eval",)):  # fmt: skip
            self.refused(MISSING, "hopfeld: neither a file nor a shipped experiment", command[0], "hopfeld", *command[1:])
        self.refused(MISSING, "no.h5", "eval", "no.h5")
        self.refused(MISSING, "no.h5: cannot open", "inspect", "no.h5")
        self.refused(MISSING, "hopfeld", "config", "--check", "hopfeld")


class Data(Refused):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        images = struct.pack(">IIII", 0x803, 30, 2, 3) + bytes(i * 7 % 256 for i in range(180))
        labels = struct.pack(">II", 0x801, 30) + bytes(i % 3 for i in range(30))
        cls.write("images", images)
        cls.write("labels", labels)
        cls.write("short-images", images[:-50])
        cls.write("few-labels", struct.pack(">II", 0x801, 29) + bytes(29))
        cls.write("no-idx", b"not an IDX file at all")
        rows = made_samples(10).splitlines()
        cls.write("nan.csv", "\n".join(rows[:5] + ["0.1,nan,0.2,0.3,0.4,0.5,1"]) + "\n")
        cls.write("inf.csv", "\n".join(rows[:2] + ["0.1,0.2,0.2,0.3,0.4,inf,1"]) + "\n")
        cls.write("ragged.csv", "\n".join(rows[:3] + ["0.1,0.2,1"]) + "\n")
        cls.write("empty.csv", "")
        cls.write("negative.csv", "\n".join(rows[:3] + ["0.1,0.2,0.2,0.3,0.4,0.5,-1"]) + "\n")

    IDX = ("data.set=idx", "data.train=20", "data.validation=5", "data.test=5")

    def test_an_idx_pair_that_fits_trains(self):
        words = [word for s in (*self.IDX, "data.path=images", "data.labels=labels") for word in ("--set", s)]
        self.good("train", "small.yaml", "-o", "idx.h5", "-q", *words)

    def test_damaged_idx_files_are_named(self):
        self.refused_train(DATA, "short-images: found a file of 146 bytes, too short for the 180 values",
                           *self.IDX, "data.path=short-images", "data.labels=labels")  # fmt: skip
        self.refused_train(DATA, "few-labels: found 29 labels, allowed 30", *self.IDX, "data.path=images",
                           "data.labels=few-labels")  # fmt: skip
        self.refused_train(DATA, "no-idx: found the first bytes 6e 6f", *self.IDX, "data.path=no-idx",
                           "data.labels=labels")  # fmt: skip
        self.refused_train(MISSING, "nowhere: cannot open", *self.IDX, "data.path=nowhere", "data.labels=labels")

    @unittest.skipIf(FASHION is None, "dataset-fashion-mnist is not installed")
    def test_a_truncated_named_set_is_refused(self):
        os.makedirs(self.path("sets/fashion-mnist"), exist_ok=True)
        for name, content in small_fashion().items():
            self.write("sets/fashion-mnist/" + name, content[:-1000] if name.startswith("train-images") else content)
        self.refused(DATA, "train-images-idx3-ubyte", "train", "hopfield-fashion-8x8", "-o", "out.h5",
                     "--set", "data.path=sets/fashion-mnist")  # fmt: skip

    def test_a_named_set_that_is_nowhere_tells_where_to_get_it(self):
        self.refused(MISSING, "Get it:", "train", "hopfield-fashion-8x8", "-o", "out.h5",
                     "--set", "data.path=empty-folder")  # fmt: skip

    def test_csv_errors_have_line_and_column(self):
        self.refused_train(DATA, "nan.csv:6:5: found 'nan', allowed a finite number", "data.path=nan.csv")
        self.refused_train(DATA, "inf.csv:3:", "data.path=inf.csv")
        self.refused_train(DATA, "ragged.csv:4:", "data.path=ragged.csv")
        self.refused_train(DATA, "empty.csv: found no rows", "data.path=empty.csv")
        self.refused_train(DATA, "negative.csv:4:", "data.path=negative.csv")
        self.refused_train(MISSING, "no.csv: cannot open", "data.path=no.csv")

    def test_layers_that_do_not_fit_the_data_are_named(self):
        self.refused_train(CONFIG, "the input layer has 5 units, but a sample of the data has 6 values",
                           "network.layers=[5, 8, 3]")  # fmt: skip
        self.refused_train(CONFIG, "the output layer has 2 units, but the data has 3 classes",
                           "network.layers=[6, 8, 2]")  # fmt: skip
        for command in ("relax", "simulate", "gradcheck"):
            self.refused(CONFIG, "the input layer has 5 units", command, "small.yaml", "-o", "out.h5",
                         "--set", "network.layers=[5, 8, 3]")  # fmt: skip

    def test_parts_larger_than_the_file_are_refused(self):
        self.refused_train(CONFIG, "found 1040 samples in all, allowed 120 (in data.csv)", "data.train=1000")
        self.refused(USAGE, "part test of csv has no samples; parts that have: train", "eval", "small.yaml", "--set", "data.test=0")


class ResultFiles(Refused):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        done = cls.call("train", "small.yaml", "-o", "run.h5", "-q")
        assert done.returncode == 0, done.stderr
        run = cls.read("run.h5")
        for name, at in (("flip-head.h5", 20), ("flip-middle.h5", len(run) // 2), ("flip-end.h5", len(run) - 1)):
            cls.write(name, run[:at] + bytes([run[at] ^ 1]) + run[at + 1 :])
        cls.write("short.h5", run[:-100])
        cls.write("text.h5", "this is a text\n")
        cls.write("empty.h5", "")

    COMMANDS = (("eval",), ("relax", "-o", "out.h5"), ("export", "-o", "out.cir"), ("simulate", "-o", "out.h5"),
                ("gradcheck", "-o", "out.h5"))  # fmt: skip

    def test_one_flipped_byte_is_noticed_by_every_reader(self):
        for name in ("flip-head.h5", "flip-middle.h5", "flip-end.h5", "short.h5"):
            for command in self.COMMANDS:
                self.refused(DATA, name + ": ", command[0], name, *command[1:])
            self.refused(DATA, name + ": ", "train", "small.yaml", "-o", name, "--resume")
            self.refused(DATA, name + ": ", "train", "small.yaml", "-o", "out.h5", "--set", "network.init=file",
                         "--set", "network.init_file=" + name)  # fmt: skip

    def test_what_is_no_result_file_is_told_apart(self):
        for name in ("text.h5",):
            self.refused(DATA, name + ": not a result file of eqspice", "eval", name)
            self.refused(DATA, name, "inspect", name)
        self.refused(DATA, "empty.h5", "inspect", "empty.h5")

    @needs_h5py
    def test_a_foreign_hdf5_file_is_inspected_but_not_believed(self):
        for name in ("foreign.h5", "foreign.hdf5"):
            with h5py.File(self.path(name), "w") as file:
                file["parameters/W_1"] = [[1.0, 2.0]]
            for command in self.COMMANDS:
                self.refused(DATA, name + ": not a result file of eqspice", command[0], name, *command[1:])
            self.refused(DATA, "not a result file of eqspice", "train", "small.yaml", "-o", name, "--resume")
            self.assertIn("/parameters/W_1", self.good("inspect", name))

    def test_parameters_of_another_shape_are_named(self):
        text = "run.h5: /parameters/W_1: found shape [6 x 8], allowed [6 x 9]"
        self.refused(DATA, text, "relax", "run.h5", "-o", "out.h5", "--set", "network.layers=[6, 9, 3]")
        self.refused(DATA, text, "train", "small.yaml", "-o", "out.h5", "--set", "network.layers=[6, 9, 3]",
                     "--set", "network.init=file", "--set", "network.init_file=run.h5")  # fmt: skip


class Places(Refused):
    def test_a_folder_that_is_not_there_exits_74(self):
        for command in ("train", "relax", "simulate", "gradcheck"):
            self.refused(IO, "no/folder/out.h5", command, "small.yaml", "-o", "no/folder/out.h5")
        self.refused(IO, "no/folder/out.cir", "export", "small.yaml", "-o", "no/folder/out.cir")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_folder_that_may_not_be_written_exits_74(self):
        os.mkdir(self.path("closed"), 0o555)
        for command in ("train", "relax"):
            self.refused(IO, "Permission denied", command, "small.yaml", "-o", "closed/out.h5")
        self.refused(IO, "Permission denied", "export", "small.yaml", "-o", "closed/out.cir")

    def test_a_full_disk_exits_74(self):
        def small_files():  # as a full disk: writing beyond 2000 bytes fails
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

        for words in (("train", "-o", "out.h5", "-q"), ("relax", "-o", "out.h5"), ("export", "-o", "out.cir")):
            with self.subTest(command=words[0]):
                before = self.snapshot()
                done = subprocess.run([PROGRAM, words[0], "small.yaml", *words[1:]], cwd=self.folder,
                                      capture_output=True, text=True, preexec_fn=small_files)  # fmt: skip
                self.assertEqual(done.returncode, IO, done.stderr)
                self.assertIn("File too large", done.stderr)
                os.path.exists(self.path("out.h5.metrics.jsonl")) and os.remove(self.path("out.h5.metrics.jsonl"))
                self.assertEqual(self.snapshot(), before)

    def test_a_folder_is_no_file(self):
        os.makedirs(self.path("folder"), exist_ok=True)
        self.refused(IO, "folder", "relax", "small.yaml", "-o", "folder")
        self.refused(MISSING, "found a folder, allowed a file", "train", "folder", "-o", "out.h5")


class Usage(Refused):
    def test_unknown_commands_and_options_exit_64(self):
        self.refused(USAGE, "'trian' is not a command", "trian")
        self.refused(USAGE, "unrecognized option '--nonsense'", "train", "small.yaml", "-o", "out.h5", "--nonsense")
        self.refused(USAGE, "missing option: -o FILE", "train", "small.yaml")
        self.refused(USAGE, "missing argument: CONFIG", "train", "-o", "out.h5")
        self.refused(USAGE, "unexpected argument 'b'", "train", "small.yaml", "b", "-o", "out.h5")
        self.refused(USAGE, "allowed: [models", "list", "nonsense")
        done = self.call()
        self.assertEqual(done.returncode, USAGE)
        self.assertIn("Usage: eqspice COMMAND", done.stderr)

    def test_options_that_a_command_does_not_use_are_refused(self):
        for words in (("list", "--json"), ("list", "--set", "seed=1"), ("inspect", "small.yaml", "-o", "x"),
                      ("eval", "small.yaml", "-o", "x"), ("config", "--threads", "2"),
                      ("export", "small.yaml", "-o", "x.cir", "--threads", "2")):  # fmt: skip
            self.refused(USAGE, "option", *words)
        self.refused(USAGE, "--set needs a file", "config", "--set", "seed=3")
        self.refused(USAGE, "--check needs a file", "config", "--check")
        self.refused(USAGE, "about no file", "config", "--defaults", "small.yaml")
        self.refused(USAGE, "one of --defaults, --check and --reference", "config", "--defaults", "--reference")

    def test_bad_samples_are_answered_with_what_is_allowed(self):
        for samples in ("5:2", "99", "0:21", "x", "1,", "1,,2", "-1", "rest:1", "", "1:", "3x"):
            self.refused(USAGE, "--samples: '%s' found, allowed: FIRST:END" % samples, "relax", "small.yaml",
                         "-o", "out.h5", "--samples", samples)  # fmt: skip
        self.refused(USAGE, "below 60", "relax", "small.yaml", "-o", "out.h5", "--samples", "train:60")
        self.refused(USAGE, "2 samples found, allowed: 1", "export", "small.yaml", "-o", "out.cir",
                     "--samples", "0:2")  # fmt: skip

    def test_bad_words_are_answered_with_what_is_allowed(self):
        for command in ("relax", "simulate"):
            self.refused(USAGE, "--phase: 'nudge' found, allowed: free, nudged", command, "small.yaml",
                         "-o", "out.h5", "--phase", "nudge")  # fmt: skip
        self.refused(USAGE, "--analysis: 'ac' found, allowed: op, tran", "simulate", "small.yaml", "-o", "out.h5",
                     "--analysis", "ac")  # fmt: skip
        self.refused(USAGE, "'pspice'; known: ngspice, xyce, ltspice", "export", "small.yaml", "-o", "out.cir",
                     "--dialect", "pspice")  # fmt: skip
        for command in ("relax", "gradcheck"):
            self.refused(USAGE, "--solver: 'swep'", command, "small.yaml", "-o", "out.h5", "--solver", "swep")
        self.refused(USAGE, "--data: 'rest' found", "eval", "small.yaml", "--data", "rest")

    def test_bad_numbers_are_answered_with_what_is_allowed(self):
        for option, value, command in (("--threads", "0", "relax"), ("--threads", "two", "train"),
                                       ("--tolerance", "0", "relax"), ("--tolerance", "nan", "simulate"),
                                       ("--cosine", "2", "gradcheck"), ("--finite", "-1", "gradcheck"),
                                       ("--wall-limit", "0", "train"), ("--wall-limit", "", "train")):  # fmt: skip
            self.refused(USAGE, "%s: '%s' found, allowed: " % (option, value), command, "small.yaml",
                         "-o", "out.h5", option, value)  # fmt: skip


if __name__ == "__main__":
    unittest.main()
