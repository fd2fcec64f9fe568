"""kill -9 at random moments, and signals: what is on disk is whole, and goes on to the same result.

EQSPICE_TEST_LONG=1: 200 kills in place of 12."""

import os
import random
import signal
import subprocess
import time
import unittest

from program import LONG, PROGRAM, SMALL, Folder, h5py, is_whole, needs_h5py, needs_ngspice, same_datasets

KILLS = 200 if LONG else 12
ENDLESS = ("--set", "learning.epochs=1000000", "--set", "learning.rates=0.002", "-q")
# one minibatch that never ends: no residual is below 1e-300
STUCK = ("--set", "network.layers=[6, 2000, 2000, 3]", "--set", "learning.rates=0.01", "--set", "learning.batch=60",
         "--set", "relaxation.solver=sweep", "--set", "relaxation.tolerance=1e-300",
         "--set", "relaxation.max_steps=100000000")  # fmt: skip


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def is_alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Crashing(Folder):
    def wait_for(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited too long for " + what)
            time.sleep(0.005)

    def lines(self, name):
        path = name + ".metrics.jsonl"
        return self.read(path).count(b"\n") if os.path.exists(self.path(path)) else 0

    def epochs(self, name):
        if not os.path.exists(self.path(name)):
            return 0
        with h5py.File(self.path(name), "r") as file:
            return len(file["training/epoch"])


class Killed(Crashing):
    @needs_h5py
    def test_kills_at_random_moments_lose_one_epoch_at_most_and_every_resume_succeeds(self):
        moment = random.Random(6)
        killed = 0
        for kill in range(KILLS):
            run = self.start("train", "small.yaml", "-o", "kill.h5", "--resume", *ENDLESS)
            before = self.epochs("kill.h5")
            time.sleep(moment.uniform(0.0, 0.25))
            self.assertIsNone(run.poll(), "kill %d: the run ended by itself" % kill)
            run.kill()
            _, error = run.communicate(timeout=60)
            self.assertEqual(run.returncode, -signal.SIGKILL, error)
            killed += 1
            if not os.path.exists(self.path("kill.h5")):  # before the first epoch
                self.assertLessEqual(self.lines("kill.h5"), 1)
                continue
            self.assertTrue(is_whole(self.read("kill.h5")), "kill %d: the file is damaged" % kill)
            epochs = self.epochs("kill.h5")
            self.assertGreaterEqual(epochs, before)
            # an epoch is logged, then written: one checkpoint interval is lost at most
            self.assertGreaterEqual(epochs, self.lines("kill.h5") - 1)
        self.assertEqual(killed, KILLS)
        epochs = self.epochs("kill.h5") + 1
        words = ("--set", "learning.epochs=%d" % epochs, "--set", "learning.rates=0.002", "-q")
        self.good("train", "small.yaml", "-o", "kill.h5", "--resume", *words)
        self.good("train", "small.yaml", "-o", "whole.h5", *words)
        self.assertEqual(same_datasets(self.path("kill.h5"), self.path("whole.h5")), [])
        self.assertEqual(self.lines("kill.h5"), epochs)
        # a resumed run removes nothing but its own temporary files; a killed one may leave some, never the lock
        self.assertFalse(os.path.exists(self.path("kill.h5.lock")))

    def test_other_results_appear_whole_or_not_at_all(self):
        moment = random.Random(7)
        self.good("train", "small.yaml", "-o", "run.h5", "-q")
        for kill in range(KILLS // 3):
            run = self.start("relax", "run.h5", "-o", "relax.h5", "--samples", "0:20")
            time.sleep(moment.uniform(0.0, 0.06))
            run.kill()
            run.communicate(timeout=60)
            if os.path.exists(self.path("relax.h5")):
                self.assertTrue(is_whole(self.read("relax.h5")), "kill %d" % kill)
        self.good("relax", "run.h5", "-o", "relax.h5", "--samples", "0:20")

    @needs_ngspice
    def test_ngspice_ends_with_the_program_that_started_it(self):
        # every sample's transient takes its time: the program is killed in the middle of one
        run = self.start("simulate", "small.yaml", "-o", "circuit.h5", "--samples", "0:20", "--analysis", "tran",
                         "--set", "circuit.t_stop=1e4", "--set", "circuit.t_max_step=1e-3")  # fmt: skip
        try:
            self.wait_for(lambda: children_of(run.pid) or run.poll() is not None, "a worker")
            workers = children_of(run.pid)
            self.assertIsNone(run.poll())
        finally:
            run.kill()
            run.communicate(timeout=60)
        self.wait_for(lambda: not any(is_alive(worker) for worker in workers), "the worker's end", 10)
        self.assertFalse(os.path.exists(self.path("circuit.h5")))


class Signalled(Crashing):
    def stuck(self, name, *more):
        """A run in its first minibatch, which never ends; once its CPU time shows that it computes."""
        run = self.start("train", "small.yaml", "-o", name, *STUCK, *more)

        def computes():
            with open("/proc/%d/stat" % run.pid) as file:
                words = file.read().rsplit(")", 1)[1].split()
            return int(words[11]) > 0.5 * os.sysconf("SC_CLK_TCK")

        self.wait_for(lambda: run.poll() is not None or computes(), "work")
        self.assertIsNone(run.poll())
        return run

    def test_a_signal_ends_a_run_within_two_seconds(self):
        for number, engine in ((signal.SIGINT, "batch"), (signal.SIGTERM, "batch"), (signal.SIGTERM, "ode")):
            name = "signal-%d-%s.h5" % (number, engine)
            solver = "auto" if engine == "batch" else "cvode-bdf"
            run = self.start("train", "small.yaml", "-o", name, *ENDLESS, "--set", "learning.engine=" + engine,
                             "--set", "relaxation.solver=" + solver)  # fmt: skip
            try:
                self.wait_for(lambda: self.lines(name) >= 2, "two epochs")
                began = time.monotonic()
                run.send_signal(number)
                _, error = run.communicate(timeout=60)
                took = time.monotonic() - began
            finally:
                run.kill()
                run.wait()
            self.assertEqual(run.returncode, 128 + number, error)
            self.assertLess(took, 2.0)
            self.assertTrue(is_whole(self.read(name)))

    def test_a_second_signal_ends_at_once(self):
        for first, second in ((signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGINT)):
            run = self.stuck("stuck.h5")
            try:
                run.send_signal(first)
                time.sleep(0.3)
                self.assertIsNone(run.poll(), "the minibatch ended: this test needs one that does not")
                began = time.monotonic()
                run.send_signal(second)
                run.communicate(timeout=60)
                took = time.monotonic() - began
            finally:
                run.kill()
                run.wait()
            self.assertEqual(run.returncode, 128 + second)
            self.assertLess(took, 1.0)
            self.assertFalse(os.path.exists(self.path("stuck.h5")))

    def test_a_closed_pipe_ends_the_program_with_an_error(self):
        self.write("list.yaml", SMALL)
        with open("/dev/full", "w") as full:
            for words in (("list",), ("config",), ("--version",), ("--help",), ("eval", "list.yaml", "--json")):
                done = subprocess.run([PROGRAM, *words], cwd=self.folder, stdout=full, stderr=subprocess.PIPE, text=True)
                self.assertEqual(done.returncode, 74, "%s: %s" % (words, done.stderr))
                self.assertIn("No space left", done.stderr)

    def test_both_names_of_the_time_limit_work(self):
        for option in ("--wall-limit", "--time-limit"):
            name = "limit%s.h5" % option
            began = time.monotonic()
            self.good("train", "small.yaml", "-o", name, *ENDLESS, option, "0.3")
            self.assertLess(time.monotonic() - began, 10)
            self.assertTrue(is_whole(self.read(name)))


if __name__ == "__main__":
    unittest.main()
