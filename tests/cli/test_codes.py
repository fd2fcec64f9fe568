"""Every code of the table of errors (`eqspice list codes`) is met by a real failure of the program."""

import os
import signal
import time
import unittest

from program import Folder, needs_ngspice


def children_of(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid)) as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def setting(*settings):
    return [word for text in settings for word in ("--set", text)]


class Codes(Folder):
    def after(self, condition, *words, number=signal.SIGTERM, target=None):
        """Exit code and stderr of a long call that is signalled (or whose child is) once `condition` holds."""
        run = self.start(*words)
        try:
            deadline = time.monotonic() + 60
            while not condition(run) and run.poll() is None:
                self.assertLess(time.monotonic(), deadline, words)
                time.sleep(0.01)
            self.assertIsNone(run.poll(), words)
            os.kill(run.pid if target is None else target(run), number)
            _, error = run.communicate(timeout=60)
        finally:
            run.kill()
            run.communicate()
        return run.returncode, error

    def called(self, *words):
        done = self.call(*words)
        return done.returncode, done.stderr

    def EQS_OK(self):
        return (*self.called("list", "codes"), "")

    def EQS_CHECK_FAILED(self):
        words = setting("relaxation.max_steps=1", "relaxation.tolerance=1e-12")
        return (*self.called("relax", "small.yaml", "-o", "check.h5", *words), "did not converge")

    def EQS_NOT_CONVERGED(self):
        words = setting("network.activation=linear", "learning.rates=1e30", "relaxation.solver=euler",
                        "relaxation.free_iterations=20", "relaxation.nudged_iterations=20")  # fmt: skip
        return (*self.called("train", "small.yaml", "-o", "far.h5", *words), "left the finite numbers")

    def EQS_USAGE(self):
        return (*self.called("train"), "missing")

    def EQS_BAD_DATA(self):
        self.write("bad.csv", "1,2,3,4,5,x,0\n")
        return (*self.called("eval", "small.yaml", *setting("data.path=bad.csv")), "bad.csv:1:11")

    def EQS_MISSING_INPUT(self):
        return (*self.called("inspect", "nowhere.h5"), "nowhere.h5: cannot open")

    @needs_ngspice
    def EQS_INTERNAL(self):
        words = ("simulate", "small.yaml", "-o", "dead.h5", "--samples", "0", "--analysis", "tran",
                 *setting("circuit.t_stop=1e4", "circuit.t_max_step=1e-3"))  # fmt: skip

        def works(run):  # a worker that has used CPU is in its analysis
            for child in children_of(run.pid):
                with open("/proc/%d/stat" % child) as file:
                    if int(file.read().rsplit(")", 1)[1].split()[11]) >= 5:
                        return True
            return False

        code, error = self.after(works, *words, number=signal.SIGKILL, target=lambda run: children_of(run.pid)[0])
        return code, error, "the ngspice process died"

    def EQS_NO_MEMORY(self):
        words = setting("network.layers=[6, 1000000, 1000000, 3]", "learning.rates=0.1")
        return (*self.called("train", "small.yaml", "-o", "huge.h5", *words), "are available")

    def EQS_IO(self):
        return (*self.called("train", "small.yaml", "-o", "no/folder/run.h5"), "no/folder/run.h5")

    LONG = setting("learning.epochs=1000000", "learning.rates=0.002")

    def trains(self, name):
        return lambda run: os.path.exists(self.path(name + ".metrics.jsonl")) and self.read(name + ".metrics.jsonl")

    def EQS_LOCKED(self):
        found = []

        def second(run):
            if self.trains("lock.h5")(run):
                found.append(self.called("train", "small.yaml", "-o", "lock.h5", "--resume"))
            return found

        self.after(second, "train", "small.yaml", "-o", "lock.h5", "-q", *self.LONG)
        return (*found[0], "in use by process")

    def EQS_BAD_CONFIG(self):
        return (*self.called("train", "small.yaml", "-o", "x.h5", *setting("seed=x")), "seed: found 'x'")

    def EQS_INTERRUPTED(self):
        return (*self.after(self.trains("int.h5"), "train", "small.yaml", "-o", "int.h5", "-q", *self.LONG,
                            number=signal.SIGINT), "stopped in epoch")  # fmt: skip

    def test_every_code_of_the_table_is_met(self):
        lines = self.good("list", "codes").splitlines()[1:]
        self.assertGreater(len(lines), 10)
        for line in lines:
            code, name = line.split()[:2]
            with self.subTest(code=name):
                failure = getattr(self, name, None)
                self.assertIsNotNone(failure, "no call of this file ends with %s" % name)
                found, error, text = failure()
                self.assertEqual(found, int(code), error)
                self.assertIn(text, error)


if __name__ == "__main__":
    unittest.main()
