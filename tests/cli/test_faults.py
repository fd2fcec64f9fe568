"""Every file operation fails once: the k-th open, write, fsync, rename and close for k = 1, 2, ... until a run
meets none. No crash, the right exit code, a message with the path, the last checkpoint whole, nothing left
behind, and the run goes on to the same result. Faults are made by tests/tools/iofault.c, preloaded.

EQSPICE_TEST_LONG=1: also other errors than the ones of a full and of a broken disk."""

import errno
import os
import shutil
import subprocess
import unittest

from program import LONG, PROGRAM, Folder, is_whole, needs_h5py, same_datasets

SHIM = os.environ.get("EQS_IOFAULT", "")
OPERATIONS = ("open", "write", "fsync", "rename", "close")
# what each operation may answer: no space, broken disk; the long form adds the rest
ERRORS = {"open": [errno.EIO], "write": [errno.ENOSPC], "fsync": [errno.EIO], "rename": [errno.ENOSPC], "close": [errno.EIO]}
MORE = {"open": [errno.EMFILE, errno.EACCES, errno.ENOSPC, errno.EROFS], "write": [errno.EIO, errno.EFBIG, errno.EDQUOT],
        "fsync": [errno.ENOSPC, errno.EDQUOT], "rename": [errno.EIO, errno.EACCES], "close": [errno.ENOSPC, errno.EDQUOT]}  # fmt: skip
TRAIN = ("train", "small.yaml", "-o", "run.h5", "-q", "--set", "learning.epochs=3")
MOST = 200  # operations of one kind in one call: more would be a loop


def errors_of(operation):
    return ERRORS[operation] + (MORE[operation] if LONG else [])


@unittest.skipIf(not os.path.exists(SHIM), "EQS_IOFAULT names no library")
class Faults(Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        one = cls.call(*TRAIN[:-1], "learning.epochs=1")
        assert one.returncode == 0, one.stderr
        cls.first = {name: cls.read(name) for name in ("run.h5", "run.h5.metrics.jsonl")}
        whole = cls.call("train", "small.yaml", "-o", "whole.h5", *TRAIN[4:])
        assert whole.returncode == 0, whole.stderr

    def start_over(self):
        for name, content in self.first.items():
            self.write(name, content)

    def faulty(self, fault, *words):
        """Runs the program with a fault; the completed process, and how many operations of each kind it met."""
        # ASan's runtime wants to be the first library; the shim allocates nothing of its own
        asan = os.environ.get("ASAN_OPTIONS", "")
        environment = dict(os.environ, LD_PRELOAD=SHIM, IOFAULT=fault, IOFAULT_FOLDER=os.path.realpath(self.folder),
                           IOFAULT_COUNT=self.path("count"),
                           ASAN_OPTIONS=":".join([asan, "verify_asan_link_order=0"]).strip(":"))  # fmt: skip
        done = subprocess.run([PROGRAM, *words], cwd=self.folder, env=environment, capture_output=True, text=True,
                              timeout=120)  # fmt: skip
        seen = dict(line.split() for line in self.read("count").decode().splitlines())
        os.remove(self.path("count"))
        return done, {name: int(count) for name, count in seen.items()}

    def each_fault(self, *words, before=None):
        """Yields (fault, done, met) for every k of every operation and error, up to a call that meets none."""
        for operation in OPERATIONS:
            for number in errors_of(operation):
                for k in range(1, MOST):
                    if before is not None:
                        before()
                    fault = "%s:%d:%d" % (operation, k, number)
                    done, seen = self.faulty(fault, *words)
                    if seen[operation] < k:
                        self.assertEqual(done.returncode, 0, done.stderr)
                        break
                    yield fault, done
                else:
                    self.fail("%s never ends" % operation)

    def left_overs(self):
        return [name for name in os.listdir(self.folder) if ".tmp." in name or name.endswith(".lock")]

    def check_end(self, fault, done):
        """A failed call says what and where, with the code of an I/O error or of an input that is not there."""
        self.assertGreaterEqual(done.returncode, 0, "signal: %s" % done.stderr)
        if done.returncode != 0:
            self.assertIn(done.returncode, (66, 74), done.stderr)
            self.assertRegex(done.stderr, r"^eqspice: .*(run\.h5|out\.|small\.yaml|data\.csv)", done.stderr)
            self.assertIn(os.strerror(int(fault.split(":")[2])), done.stderr)
        if done.returncode == 66:
            self.assertTrue(fault.startswith("open"))

    @needs_h5py
    def test_a_training_run_survives_every_fault(self):
        failed = 0
        for fault, done in self.each_fault(*TRAIN, "--resume", before=self.start_over):
            self.check_end(fault, done)
            self.assertTrue(is_whole(self.read("run.h5")))
            # a lock that could not be removed, or a temporary file of a failing disk, is all that may stay
            self.assertEqual(self.left_overs(), [])
            if done.returncode == 0:  # of a file that was only read
                self.assertTrue(fault.startswith("close"), fault)
            failed += done.returncode != 0
            again = self.call(*TRAIN, "--resume")
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(same_datasets(self.path("run.h5"), self.path("whole.h5")), [])
            self.assertEqual(self.read("run.h5.metrics.jsonl").count(b"\n"), 3)
        self.assertGreater(failed, 15)

    def test_results_are_written_whole_or_not_at_all(self):
        def fresh():
            for name in ("out.h5", "out.cir"):
                if os.path.exists(self.path(name)):
                    os.remove(self.path(name))

        self.start_over()
        for command in (("relax", "run.h5", "-o", "out.h5", "-q"), ("export", "run.h5", "-o", "out.cir", "-q")):
            failed = 0
            for fault, done in self.each_fault(*command, before=fresh):
                self.check_end(fault, done)
                self.assertEqual(self.left_overs(), [])
                there = os.path.exists(self.path(command[3]))
                # the folder's fsync is the last step: the file is there, whole, but perhaps not for good
                if done.returncode != 0 and there and command[0] == "relax":
                    self.assertTrue(is_whole(self.read("out.h5")))
                if done.returncode == 0:
                    self.assertTrue(there)
                failed += done.returncode != 0
            self.assertGreaterEqual(failed, 4)

    def test_a_disk_that_is_full_and_stays_full_loses_nothing(self):
        for k in (1, 2, 3, 4):
            self.start_over()
            done, seen = self.faulty("write:%d:%d:always" % (k, errno.ENOSPC), *TRAIN, "--resume")
            if seen["write"] < k:
                break
            self.assertEqual(done.returncode, 74, done.stderr)
            self.assertRegex(done.stderr, r"run\.h5.*: cannot write (a line of )?\d+ bytes.*No space left on device")
            self.assertTrue(is_whole(self.read("run.h5")))
            self.assertEqual(self.left_overs(), [])

    def test_a_small_file_system_fills_up(self):
        disk = self.path("disk")
        os.makedirs(disk)
        mounted = shutil.which("mount") and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True
        )
        if not mounted or mounted.returncode != 0:
            self.skipTest("no file system can be mounted here")
        try:
            with open(os.path.join(disk, "filler"), "wb") as file:
                file.write(bytes(48 << 10))
            done = self.call("train", "small.yaml", "-o", "disk/run.h5", "-q")
            self.assertEqual(done.returncode, 74, done.stderr)
            self.assertRegex(done.stderr, r"disk/run\.h5.*: cannot .*\d+ bytes.*No space left on device")
            self.assertEqual([name for name in os.listdir(disk) if name.startswith("run.h5.tmp")], [])
        finally:
            subprocess.run(["umount", disk], check=True)


if __name__ == "__main__":
    unittest.main()
