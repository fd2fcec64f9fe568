"""Signals, limits and --resume: what is on disk can always be read, and goes on to the same result."""

import json
import os
import signal
import time
import unittest

from program import Folder, all_datasets, h5py, needs_h5py, text_of

LONG = ("--set", "learning.epochs=100000", "--set", "learning.rates=0.002")


class Resuming(Folder):
    def wait_for(self, condition, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited too long")
            time.sleep(0.01)

    def epochs_logged(self, name):
        path = self.path(name + ".metrics.jsonl")
        return self.read(name + ".metrics.jsonl").count(b"\n") if os.path.exists(path) else 0

    def train_until(self, name, signal_number, *more, epochs=3, code=None):
        """Starts a long run, signals it after some epochs, and returns its stderr."""
        before = self.epochs_logged(name)
        run = self.start("train", "small.yaml", "-o", name, *LONG, *more)
        try:
            self.wait_for(lambda: self.epochs_logged(name) >= before + epochs or run.poll() is not None)
            run.send_signal(signal_number)
            _, error = run.communicate(timeout=60)
        finally:
            run.kill()
            run.wait()
        self.assertEqual(run.returncode, 128 + signal_number if code is None else code, error)
        return error

    def position(self, name):
        with h5py.File(self.path(name), "r") as file:
            attributes = file["checkpoint"].attrs
            self.assertEqual(len(file["training/epoch"]), attributes["epoch"])
            return attributes["epoch"], attributes["minibatch"]

    def assert_same_run(self, name, other):
        with h5py.File(self.path(name), "r") as a, h5py.File(self.path(other), "r") as b:
            ours, theirs = all_datasets(a), all_datasets(b)
            self.assertEqual(set(ours), set(theirs))
            for path in set(ours) - {"/training/seconds", "/config/text"}:
                self.assertEqual(ours[path][()].tobytes(), theirs[path][()].tobytes(), path)

    def finish_both_ways(self, name, epoch):
        """Resumes to `epoch` epochs, and trains so long without a stop: the same datasets."""
        limit = ("--set", "learning.epochs=%d" % epoch, "--set", "learning.rates=0.002", "-q")
        self.good("train", "small.yaml", "-o", name, *limit, "--resume")
        self.good("train", "small.yaml", "-o", "whole-" + name, *limit)
        self.assert_same_run(name, "whole-" + name)

    @needs_h5py
    def test_sigint_in_mid_epoch_exits_130_and_the_run_goes_on_with_the_same_bits(self):
        for attempt in range(20):  # until a signal falls between two minibatches of an epoch
            more = ["--resume"] if attempt else []
            error = self.train_until("int.h5", signal.SIGINT, "--set", "output.checkpoint=never", *more)
            self.assertRegex(error, r"stopped in epoch \d+ after \d+ minibatches; what was computed is in int.h5")
            with h5py.File(self.path("int.h5"), "r") as file:
                self.assertEqual(text_of(file.attrs["status"]), "interrupted")
            epoch, minibatch = self.position("int.h5")
            if minibatch > 0:
                break
        self.assertGreater(minibatch, 0)
        self.good("inspect", "int.h5")
        self.good("eval", "int.h5")
        self.finish_both_ways("int.h5", epoch + 2)

    @needs_h5py
    def test_sigterm_exits_143_and_the_run_goes_on_with_the_same_bits(self):
        self.train_until("term.h5", signal.SIGTERM)
        self.finish_both_ways("term.h5", self.position("term.h5")[0] + 1)

    @needs_h5py
    def test_a_killed_run_goes_on_from_its_last_checkpoint(self):
        self.train_until("kill.h5", signal.SIGKILL, code=-signal.SIGKILL)
        epoch, minibatch = self.position("kill.h5")
        self.assertEqual(minibatch, 0)
        self.assertGreaterEqual(epoch, 1)
        self.finish_both_ways("kill.h5", epoch + 2)
        leftovers = [name for name in os.listdir(self.folder) if name.startswith("kill.h5.lock")]
        self.assertEqual(leftovers, [])

    @needs_h5py
    def test_sigusr1_asks_for_a_checkpoint_and_the_run_goes_on(self):
        run = self.start("train", "small.yaml", "-o", "usr1.h5", *LONG, "--set", "output.checkpoint=never")
        try:
            self.wait_for(lambda: self.epochs_logged("usr1.h5") >= 2)
            self.assertFalse(os.path.exists(self.path("usr1.h5")))
            run.send_signal(signal.SIGUSR1)
            self.wait_for(lambda: os.path.exists(self.path("usr1.h5")))
            epoch, minibatch = self.position("usr1.h5")
            self.assertEqual(minibatch, 0)
            self.assertGreaterEqual(epoch, 2)
            logged = self.epochs_logged("usr1.h5")
            self.wait_for(lambda: self.epochs_logged("usr1.h5") > logged)
            self.assertIsNone(run.poll())
            run.send_signal(signal.SIGTERM)
            run.communicate(timeout=60)
        finally:
            run.kill()
            run.wait()
        self.assertEqual(run.returncode, 143)
        self.assertGreater(self.position("usr1.h5")[0], epoch)

    @needs_h5py
    def test_a_wall_limit_stops_with_a_checkpoint_and_exit_0(self):
        began = time.monotonic()
        done = self.call("train", "small.yaml", "-o", "wall.h5", *LONG, "--wall-limit", "0.5")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(time.monotonic() - began, 20)
        self.assertIn("wall limit reached", done.stderr)
        with h5py.File(self.path("wall.h5"), "r") as file:
            self.assertEqual(text_of(file.attrs["status"]), "interrupted")
        self.finish_both_ways("wall.h5", self.position("wall.h5")[0] + 1)

    @needs_h5py
    def test_equal_runs_give_equal_files_but_for_the_seconds(self):
        for name, threads in (("one.h5", "1"), ("two.h5", "1"), ("four.h5", "4")):
            self.good("train", "small.yaml", "-o", name, "-q", "--threads", threads)
        self.assert_same_run("one.h5", "two.h5")
        self.assert_same_run("one.h5", "four.h5")

    def test_a_finished_run_can_be_prolonged(self):
        self.good("train", "small.yaml", "-o", "more.h5", "-q")
        words = ("train", "small.yaml", "-o", "more.h5", "--resume", "--set", "learning.epochs=5", "--json", "-q")
        self.assertEqual(json.loads(self.good(*words))["epochs"], 5)
        self.assertEqual(self.epochs_logged("more.h5"), 5)

    def test_resume_without_a_file_starts_anew(self):
        self.good("train", "small.yaml", "-o", "new.h5", "--resume", "-q")
        self.assertEqual(self.epochs_logged("new.h5"), 3)

    def test_an_existing_file_is_not_overwritten_without_resume(self):
        self.good("train", "small.yaml", "-o", "there.h5", "-q")
        before = self.read("there.h5")
        self.assertIn("there.h5 exists; --resume goes on", self.bad(64, "train", "small.yaml", "-o", "there.h5"))
        self.assertEqual(self.read("there.h5"), before)

    def test_resume_with_another_configuration_names_the_key(self):
        self.good("train", "small.yaml", "-o", "other.h5", "-q")
        before = self.read("other.h5")
        for key, value in (("learning.beta", "0.25"), ("seed", "7"), ("network.layers", "[6, 9, 3]")):
            error = self.bad(78, "train", "small.yaml", "-o", "other.h5", "--resume", "--set", key + "=" + value)
            self.assertIn("other.h5: made with %s: " % key, error)
            self.assertIn("cannot go on with " + value, error)
        self.assertEqual(self.read("other.h5"), before)

    def test_a_second_writer_is_told_who_has_the_file(self):
        run = self.start("train", "small.yaml", "-o", "lock.h5", *LONG)
        try:
            self.wait_for(lambda: self.epochs_logged("lock.h5") >= 1)
            error = self.bad(75, "train", "small.yaml", "-o", "lock.h5", *LONG, "--resume")
            self.assertIn("lock.h5: in use by process %d" % run.pid, error)
        finally:
            run.terminate()
            run.communicate()

    def test_sigint_ends_a_relaxation_and_a_gradient_check(self):
        endless = ("--set", "relaxation.t_max=.inf", "--set", "relaxation.max_steps=1000000000", "-q")
        for words in (
            ("relax", "small.yaml", "-o", "x.h5", "--solver", "cvode", "--tolerance", "1e-300", *endless),
            ("gradcheck", "small.yaml", "-o", "x.h5", "--set", "network.layers=[6, 300, 300, 3]",
             "--set", "learning.rates=0.1", "--set", "network.gain=0.1", "--finite", "90000"),
        ):  # fmt: skip
            with self.subTest(command=words[0]):
                run = self.start(*words)
                try:
                    time.sleep(1.0)
                    self.assertIsNone(run.poll())
                    run.send_signal(signal.SIGINT)
                    _, error = run.communicate(timeout=30)
                finally:
                    run.kill()
                    run.wait()
                self.assertEqual(run.returncode, 130, error)


if __name__ == "__main__":
    unittest.main()
