"""What the program says about itself: help, version, lists, configurations."""

import os
import re
import unittest

from program import Folder

COMMANDS = "train eval relax export simulate gradcheck study plot report watch inspect list config".split()


class Help(Folder):
    def test_help_lists_every_command(self):
        for word in ("--help", "-h", "help"):
            text = self.good(word)
            self.assertEqual(re.findall(r"(?m)^  (\w+) +\S", text), COMMANDS)
            self.assertIn("Example:", text)

    def test_every_command_has_help_with_an_example(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                text = self.good(command, "--help")
                self.assertIn("Usage: eqspice " + command, text)
                self.assertRegex(text, r"Examples?:\s+eqspice " + command)
                self.assertIn("--quiet", text)

    def test_help_shows_an_option_exactly_where_it_is_used(self):
        uses = {
            "--output": "train relax export simulate gradcheck study plot report",
            "--set": "train eval relax export simulate gradcheck study config",
            "--threads": "train eval relax simulate gradcheck study",
            "--json": "train eval relax simulate gradcheck inspect",
        }
        for option, commands in uses.items():
            found = [c for c in COMMANDS if option in self.good(c, "--help")]
            self.assertEqual(found, commands.split(), option)

    def test_version_names_the_libraries(self):
        text = self.good("--version")
        self.assertRegex(text, r"^eqspice \d+\.\d+\.\d+ \(")
        for library in ("SUNDIALS", "HDF5", "libyaml", "OpenBLAS", "ngspice"):
            self.assertRegex(text, library + r"[- ]?[\d.]+")

    def test_lists_name_what_there_is(self):
        for word, some in {
            "models": ["coupling", "hard-sigmoid", "membrane"],
            "solvers": ["auto", "cvode-bdf", "kinsol", "sweep", "euler"],
            "rules": ["eqprop"],
            "devices": ["behavioural", "ngspice", "xyce", "ltspice"],
            "experiments": ["hopfield-fashion-8x8", "hopfield-mnist-1h"],
            "data": ["fashion-mnist", "csv", "idx"],
        }.items():
            text = self.good("list", word)
            for name in some:
                self.assertRegex(text, r"(?m)^  %s\b" % name)
            self.assertIn(text.strip(), self.good("list"))


class Configuration(Folder):
    def experiments(self):
        return re.findall(r"(?m)^  (\S+)", self.good("list", "experiments"))

    def checked(self, name):
        """What check prints; a second stage starts from a run file, which is not there."""
        finish = ["--set", "network.init=glorot-uniform"] if name.endswith("-finish") else []
        return self.good("config", "--check", name, *finish)

    def test_the_defaults_parse_and_are_the_defaults(self):
        self.write("defaults.yaml", self.good("config"))
        self.write("required.yaml", "network: {layers: [784, 500, 10]}\n")
        used = self.good("config", "--check", "defaults.yaml")
        self.assertEqual(used, self.good("config", "--check", "required.yaml"))
        self.assertEqual(self.good("config", "--defaults"), self.good("config"))

    def test_what_check_prints_parses_to_the_same(self):
        for name in self.experiments():
            used = self.checked(name)
            self.write("used.yaml", used)
            self.assertEqual(self.good("config", "--check", "used.yaml"), used)

    def test_every_shipped_experiment_passes_and_has_a_title(self):
        names = self.experiments()
        self.assertGreaterEqual(len(names), 8)
        for name in names:
            self.checked(name)
        for line in self.good("list", "experiments").splitlines()[1:]:
            self.assertRegex(line, r"^  \S+ +\S.{20}")

    def test_overrides_are_in_force_in_their_order(self):
        used = self.good("config", "-c", "small.yaml", "--set", "learning.beta=0.1", "--set", "learning.beta=0.2")
        self.assertRegex(used, r"beta: 0\.2\b")
        self.assertNotRegex(used, r"(?m)^ +beta: 0\.1\b")

    def test_the_reference_has_every_key(self):
        reference = self.good("config", "--reference")
        keys = re.findall(r"(?m)^  ([a-z_]+):", self.good("config"))
        self.assertGreater(len(keys), 40)
        for key in keys:
            self.assertRegex(reference, r"\b%s\b" % key)

    def test_a_check_writes_nothing(self):
        before = sorted(os.listdir(self.folder))
        self.good("config", "--check", "small.yaml")
        self.assertEqual(sorted(os.listdir(self.folder)), before)


if __name__ == "__main__":
    unittest.main()
