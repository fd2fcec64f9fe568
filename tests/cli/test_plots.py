"""`eqspice plot`: every plot of every kind of result file is drawn, labelled, and refused clearly otherwise."""

import os
import shutil
import unittest
import xml.etree.ElementTree as ElementTree

import program
from program import needs_ngspice

SVG = "{http://www.w3.org/2000/svg}"
needs_gnuplot = unittest.skipIf(shutil.which("gnuplot") is None, "gnuplot is not installed")


@needs_gnuplot
class Plots(program.Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for words in (
            ("train", "small.yaml", "-o", "run.h5"),
            ("relax", "run.h5", "--samples", "0", "--solver", "cvode", "--record", "-o", "relax.h5"),
            ("relax", "run.h5", "--samples", "0:5", "-o", "points.h5"),
            ("gradcheck", "run.h5", "--cosine", "-0.9", "-o", "grad.h5"),
        ):
            done = cls.call(*words)
            assert done.returncode == 0, done.stderr

    def texts(self, *words):
        """All texts of a picture that is drawn as SVG."""
        self.good("plot", *words, "-o", "picture.svg")
        root = ElementTree.fromstring(self.read("picture.svg"))
        return ["".join(text.itertext()).strip() for text in root.iter(SVG + "text")]

    def listed(self, name):
        """{plot: [what can be asked for]} of a file, and the plot that was drawn."""
        plots, best = {}, None
        for line in self.good("plot", name, "-o", "listed.svg").splitlines():
            if line[2] != " ":
                plot = line[2:].split()[0]
                plots[plot] = [plot]
                best = plot if line[0] == "*" else best
            else:
                plots[plot] += line.split()
        return plots, best

    def test_everything_that_is_listed_is_drawn(self):
        for name, best, others in (
            ("run.h5", "training", {"weights"}),
            ("relax.h5", "relaxation", {"states", "weights", "group"}),
            ("points.h5", "certificate", {"weights"}),
            ("grad.h5", "gradient", {"study", "weights"}),
        ):
            plots, found = self.listed(name)
            self.assertEqual(found, best, name)
            self.assertLessEqual(others, set(plots), name)
            for whats in plots.values():
                for what in whats[-2:]:
                    with self.subTest(file=name, what=what):
                        texts = self.texts(name, what)
                        self.assertIn(name, " ".join(texts))
                        self.assertGreater(len(texts), 4)

    def test_learning_curves_name_their_axes_and_the_network(self):
        texts = self.texts("run.h5")
        for text in ("6-8-3 on csv: run.h5", "epoch", "error (%)", "validation", "max|P(dF/ds)|", "tolerance"):
            self.assertIn(text, texts)

    def test_a_time_axis_carries_the_unit_of_the_file(self):
        self.assertIn("time (unit time)", self.texts("relax.h5"))
        self.assertIn("time (unit time)", self.texts("relax.h5", "states:1"))

    def test_studies_are_drawn_by_what_is_in_them(self):
        self.good("study", "spectrum", "run.h5", "--samples", "0:4", "-o", "spectrum.h5", "-q")
        self.assertIn("number of the eigenvalue", self.texts("spectrum.h5"))
        self.assertIn("stiffness", self.texts("spectrum.h5", "study"))
        self.good("study", "settling", "run.h5", "--samples", "0:4", "-o", "settling.h5", "-q")
        texts = self.texts("settling.h5")
        for text in ("sweeps or iterations", "nesterov", "time (unit time)", "10 to 90 % of the samples"):
            self.assertIn(text, texts)

    @needs_ngspice
    def test_circuits_are_compared_with_the_others(self):
        self.good("simulate", "run.h5", "-o", "circuit.h5", "--samples", "0:4")
        texts = self.texts("circuit.h5")
        self.assertIn("circuit - cvode", texts)
        self.assertIn("circuit - equilibrium", texts)
        self.good("simulate", "run.h5", "-o", "tran.h5", "--samples", "0", "--analysis", "tran",
                  "--set", "circuit.t_stop=3")  # fmt: skip
        texts = self.texts("tran.h5")
        for text in ("Layer 2: ODE (lines), circuit (points)", "max|circuit - ODE|", "circuit - cvode"):
            self.assertIn(text, texts)
        self.assertIn("States of layer 2: circuit/tran", self.texts("tran.h5", "states"))

    @needs_ngspice
    def test_co_simulations_show_signals_and_steps(self):
        self.good("simulate", "run.h5", "--cosim", "--samples", "0", "--set", 'cosimulation.parts=["layer 1"]', "-o", "co.h5")
        texts = self.texts("co.h5")
        for text in ("mismatch", "macro step that led to the point (unit time)", "iterations"):
            self.assertIn(text, texts)
        self.assertIn("States of layer 2: circuit/cosimulation, sample 0", self.texts("co.h5", "states"))
        self.good("report", "co.h5", "-o", "co.html")

    def test_png_and_columns(self):
        sizes = []
        for columns in ("1", "3"):
            self.good("plot", "run.h5", "training", "-o", "picture.png", "--columns", columns)
            picture = self.read("picture.png")
            self.assertEqual(picture[:8], b"\x89PNG\r\n\x1a\n")
            sizes.append((int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")))
        self.assertEqual(sizes[1][0], 3 * sizes[0][0])
        self.assertLess(sizes[1][1], sizes[0][1])

    def test_without_a_name_the_picture_is_called_like_the_file(self):
        self.good("plot", "run.h5")
        self.assertTrue(os.path.exists(self.path("run.svg")))

    def test_a_picture_is_the_same_bytes_each_time(self):
        self.good("plot", "run.h5", "-o", "one.svg")
        self.good("plot", "run.h5", "-o", "two.svg")
        self.assertEqual(self.read("one.svg"), self.read("two.svg"))

    def test_wrong_use_says_what_is_allowed(self):
        self.assertIn("training, weights", self.bad(64, "plot", "run.h5", "wieghts", "-o", "x.svg"))
        self.assertIn("cannot draw 'weights:W_9'", self.bad(64, "plot", "run.h5", "weights:W_9", "-o", "x.svg"))
        self.assertIn("cannot draw 'relaxation'", self.bad(64, "plot", "run.h5", "relaxation", "-o", "x.svg"))
        self.assertIn(".svg or .png", self.bad(64, "plot", "run.h5", "-o", "x.pdf"))
        self.bad(66, "plot", "nowhere.h5")
        self.bad(65, "plot", "data.csv")
        self.bad(74, "plot", "run.h5", "-o", "no/folder/x.svg")

    def test_a_missing_gnuplot_is_named(self):
        path = os.environ["PATH"]
        os.environ["PATH"] = self.folder
        try:
            self.assertIn("gnuplot-nox", self.bad(66, "plot", "run.h5", "-o", "x.svg"))
        finally:
            os.environ["PATH"] = path


if __name__ == "__main__":
    unittest.main()
