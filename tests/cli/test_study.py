"""eqspice study: every study from the command line, its file, its picture, and what is refused."""

import unittest

from program import Folder, h5py, needs_h5py

GROUPS = {
    "settling": ("tolerance", "time", "seconds", "euler", "auto"),
    "spectrum": ("slowest", "tail_measured", "tail_predicted", "eigenvalue"),
    "basins": ("sweep/fixed_points", "auto/energy"),
    "gradient": ("beta/error_centred", "iterations/cosine_one_sided", "tolerance/error_single"),
    "rules": ("rule", "cosine", "train_error"),
    "depth": ("gain_0.5/iterations_before", "gain_0.5/slowest_after"),
}
FEW = ("--set", "study.epochs=1", "--set", "study.starts=2", "--set", "study.depths=[1, 2]", "--set",
       "study.gains=[0.5]", "--set", "relaxation.rtol=1e-4")  # fmt: skip


class Study(Folder):
    @needs_h5py
    def test_every_study_writes_its_group_with_units(self):
        for name, members in GROUPS.items():
            with self.subTest(study=name):
                self.good("study", name, "small.yaml", "--samples", "0:3", "-o", name + ".h5", *FEW)
                with h5py.File(self.folder + "/" + name + ".h5") as file:
                    for member in members:
                        data = file["study/" + name + "/" + member]
                        self.assertTrue(data.attrs["long_name"])
                        self.assertIn("units", data.attrs)

    def test_studies_are_listed(self):
        text = self.good("list", "studies")
        for name in GROUPS:
            self.assertIn("  " + name, text)

    def test_an_unknown_study_names_the_known_ones(self):
        error = self.bad(64, "study", "nothing", "small.yaml", "-o", "x.h5")
        self.assertIn("allowed: settling, spectrum", error)


if __name__ == "__main__":
    unittest.main()
