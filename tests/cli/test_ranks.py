"""Training on several MPI ranks and threads: the same bits, one file, one refusal."""

import os
import shutil
import subprocess
import unittest

import program

MPIRUN = shutil.which("mpirun")
ENVIRONMENT = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1",
    # OpenMPI keeps memory to the end of the process, in modules that are unloaded by then
    ASAN_OPTIONS="detect_leaks=0",
    OMPI_MCA_btl_vader_single_copy_mechanism="none",
)


@unittest.skipIf(MPIRUN is None, "mpirun is not installed")
class Ranks(program.Folder):
    def mpirun(self, ranks, *arguments):
        command = [MPIRUN, "-n", str(ranks), program.PROGRAM, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
        )

    @program.needs_h5py
    def test_ranks_and_threads_give_the_same_bits(self):
        one = self.mpirun(1, "train", "small.yaml", "-o", "ranks1.h5", "--quiet")
        self.assertEqual(one.returncode, 0, one.stderr)
        reference = self.arrays("ranks1.h5")
        for ranks, threads in ((2, 1), (4, 1), (2, 2)):
            name = "ranks%d-%d.h5" % (ranks, threads)
            run = self.mpirun(
                ranks, "train", "small.yaml", "-o", name, "--quiet", "--threads", str(threads)
            )
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(self.arrays(name), reference)

    def arrays(self, name):
        """{path: bytes} of every dataset but the wall-clock times."""
        found = {}
        with program.h5py.File(os.path.join(self.folder, name)) as file:
            file.visititems(
                lambda path, item: found.update({path: item[()].tobytes()})
                if isinstance(item, program.h5py.Dataset)
                and path != "training/seconds"
                and item.dtype.kind in "fui"
                else None
            )
        self.assertIn("parameters/W_1", found)
        return found

    def test_other_commands_refuse_several_ranks(self):
        run = self.mpirun(2, "eval", "small.yaml")
        self.assertEqual(run.returncode, 64)
        self.assertIn("runs on one rank, found 2", run.stderr)

    def test_an_error_ends_all_ranks(self):
        run = self.mpirun(2, "train", "missing.yaml", "-o", "never.h5")
        self.assertEqual(run.returncode, 66)
        self.assertFalse(os.path.exists(os.path.join(self.folder, "never.h5")))


if __name__ == "__main__":
    unittest.main()
