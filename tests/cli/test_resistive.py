"""Shipped experiments of resistive networks, run by name from any folder with the data beside them."""

import unittest

from program import Folder, is_whole


class SmallExperiments(Folder):
    def last_epoch(self, name):
        rows = [row for row in self.good_json("train", name, "-o", name + ".h5") if "test_error" in row]
        self.assertTrue(is_whole(self.read(name + ".h5")))
        return rows[-1]

    def test_xor_is_learned(self):
        self.assertEqual(self.last_epoch("xor-resistive")["train_error"], 0.0)

    def test_iris_is_learned_and_the_run_evaluates_the_same(self):
        row = self.last_epoch("iris-resistive")
        self.assertLess(row["test_error"], 0.07)
        evaluated = self.good_json("eval", "iris-resistive.h5")[-1]
        self.assertEqual(evaluated["error"], row["test_error"])

    def test_what_the_fast_engine_cannot_do_names_the_other(self):
        message = self.bad(78, "train", "xor-resistive", "-o", "x.h5", "--set", "network.diode=ngspice")
        self.assertIn("learning.engine", message)
        self.assertIn("ode", message)
        self.good("train", "xor-resistive", "-o", "x.h5", "--set", "network.diode=ngspice",
                  "--set", "learning.engine=ode", "--set", "learning.epochs=1")

    def test_a_decaying_rate_is_another_run(self):
        for name, decay in (("a", "1"), ("b", "0.5")):
            self.good("train", "xor-resistive", "-o", name + ".h5", "--set", "learning.epochs=3",
                      "--set", "learning.rate_decay=" + decay)
        first = self.good_json("eval", "a.h5", "--data", "train")[-1]
        second = self.good_json("eval", "b.h5", "--data", "train")[-1]
        self.assertNotEqual(first["cost"], second["cost"])


if __name__ == "__main__":
    unittest.main()
