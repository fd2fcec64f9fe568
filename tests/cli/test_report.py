"""`eqspice report` and `eqspice watch`: pages that need no network, are valid and can be read by keyboard and ear."""

import html.parser
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import program
from program import needs_ngspice

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
needs_gnuplot = unittest.skipIf(shutil.which("gnuplot") is None, "gnuplot is not installed")
VOID = "area base br col embed hr img input link meta source track wbr".split()


class Page(html.parser.HTMLParser):
    """Elements of a page in order; complains where a tag is not closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words, self.errors = [], [], [], []
        self.feed(text)
        self.close()
        self.errors += ["not closed: " + name for name in self.open]

    def handle_starttag(self, name, attributes):
        self.elements.append((name, dict(attributes), "svg" in self.open))
        if len({key for key, _ in attributes}) != len(attributes):
            self.errors.append("attribute twice: %s %s" % (name, attributes))
        if name not in VOID:
            self.open.append(name)

    def handle_startendtag(self, name, attributes):
        self.elements.append((name, dict(attributes), "svg" in self.open))

    def handle_endtag(self, name):
        if not self.open or self.open.pop() != name:
            self.errors.append("</%s> closes another" % name)

    def handle_data(self, text):
        if not {"style", "script"} & set(self.open):
            self.words.append(text)

    def find(self, name):
        return [attributes for found, attributes, _ in self.elements if found == name]


class Pages(program.Folder):
    def page(self, name):
        """A page that passes what every page must."""
        text = self.read(name).decode()
        self.assertTrue(text.startswith("<!DOCTYPE html>\n<html lang="))
        page = Page(text)
        self.assertEqual(page.errors, [])
        self.assertNotIn("inf to -inf", text)  # what was not measured has no mean
        self.assertEqual(page.find("script"), [])
        for name, attributes, _ in page.elements:
            for key in ("src", "href", "xlink:href", "data"):
                target = attributes.get(key, "#")
                self.assertTrue(target.startswith(("#", "data:image/png;base64,")), target[:80])
        self.assertNotRegex(text, r"url\((?!#)|@import")
        names = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
        self.assertEqual(len(names), len(set(names)), "a name twice")
        for attributes in page.find("a"):
            self.assertIn(attributes["href"][1:], names)
        # by ear and by keyboard: one h1, no level left out, heads of tables, words for pictures, what scrolls has focus
        levels = [int(name[1]) for name, _, _ in page.elements if re.fullmatch("h[1-6]", name)]
        self.assertEqual(levels.count(1), 1)
        self.assertTrue(all(b - a <= 1 for a, b in zip(levels, levels[1:])))
        self.assertEqual(len(page.find("main")), 1)
        self.assertEqual(len(page.find("caption")), len(page.find("table")))
        self.assertTrue(all(attributes.get("scope") in ("row", "col") for attributes in page.find("th")))
        for attributes in page.find("svg"):
            self.assertEqual(attributes["role"], "img")
            self.assertGreater(len(attributes["aria-label"]), 40)
        for attributes in page.find("div") + page.find("pre"):
            self.assertEqual(attributes.get("tabindex"), "0")
        return page

    def words(self, page):
        return " ".join(" ".join(page.words).split())


@needs_gnuplot
class Reports(Pages):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for words in (
            ("train", "small.yaml", "-o", "run.h5", "--set", "learning.beta=0.4"),
            ("relax", "run.h5", "--samples", "0:3", "--solver", "cvode", "--record", "-o", "relax.h5"),
            ("gradcheck", "run.h5", "--cosine", "-0.9", "-o", "grad.h5"),
        ):
            done = cls.call(*words)
            assert done.returncode == 0, done.stderr

    def report(self, name):
        self.good("report", name, "-o", "report.html")
        return self.page("report.html")

    def test_a_training_run_tells_all_about_itself(self):
        page = self.report("run.h5")
        text = self.words(page)
        for part in ("6-8-3 on csv: run.h5", "complete", "hard-sigmoid", "learning.beta 0.4", "best validation",
                     "3 epochs in", "eqspice train same.yaml -o same.h5", "/training/validation_error", "compiler"):  # fmt: skip
            self.assertIn(part, text)
        self.assertNotIn("circuit.swing", [a.get("id") for a in page.find("th")])
        self.assertRegex(page.find("svg")[0]["aria-label"], r"validation: from \d+\.?\d* at 1 to \d+\.?\d* at 3")

    def test_the_configuration_of_the_page_gives_the_same_parameters(self):
        self.report("run.h5")
        text = self.read("report.html").decode()
        yaml = re.search(r"<details><summary>Configuration.*?<code>(.*?)</code>", text, re.S).group(1)
        self.write("same.yaml", html.unescape(yaml) if hasattr(html, "unescape") else yaml)
        self.good("train", "same.yaml", "-o", "same.h5", "-q")
        one, two = (self.call("eval", name, "--json").stdout for name in ("run.h5", "same.h5"))
        self.assertEqual(re.sub("same.h5", "run.h5", two), one)

    def test_other_files_are_reported_by_what_is_in_them(self):
        text = self.words(self.report("relax.h5"))
        for part in ("/relaxation/nudged", "3 of 3", "cvode-bdf", "about 3 samples of the test set"):
            self.assertIn(part, text)
        self.assertNotIn("best validation", text)
        self.assertIn("Angle to the exact gradient", self.words(self.report("grad.h5")))

    @needs_ngspice
    def test_circuits_have_a_table_of_agreement(self):
        self.good("simulate", "run.h5", "-o", "circuit.h5", "--samples", "0:4")
        text = self.words(self.report("circuit.h5"))
        for part in ("/circuit/op - /relaxation/cvode", "/relaxation/cvode - /relaxation/equilibrium", "unit_time_s"):
            self.assertIn(part, text)

    @unittest.skipIf(BROWSER is None, "chromium is not installed")
    def test_a_browser_shows_it_offline(self):
        self.good("report", "run.h5", "-o", "report.html")
        words = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + self.path("browser"),
                 "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1000,2600"]  # fmt: skip
        address = "file://" + self.path("report.html")
        done = subprocess.run(words + ["--dump-dom", address], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("<svg", done.stdout)
        self.assertIn("How to reproduce it", done.stdout)
        subprocess.run(words + ["--screenshot=" + self.path("page.png"), address], capture_output=True, timeout=120)
        # a blank page of this size is a few kilobytes
        self.assertGreater(len(self.read("page.png")), 60000)

    def test_wrong_use_is_refused(self):
        self.bad(64, "report", "run.h5")
        self.bad(66, "report", "nowhere.h5", "-o", "x.html")
        self.bad(65, "report", "data.csv", "-o", "x.html")


class Watching(Pages):
    def start_here(self, *words):
        process = self.start(*words)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def watch_a_run(self, name, *words):
        """A run that would last for long, and its watcher."""
        run = self.start_here("train", "small.yaml", "-o", name, "-q", "--set", "learning.epochs=1000000")
        deadline = time.time() + 60
        while not os.path.exists(self.path(name)) and time.time() < deadline:
            time.sleep(0.02)
        return run, self.start_here("watch", name, *words), deadline

    @needs_gnuplot
    def test_a_running_job_is_followed_to_its_end(self):
        run, watch, deadline = self.watch_a_run("long.h5", "--html", "live.html")
        while not os.path.exists(self.path("live.html")) and time.time() < deadline:
            time.sleep(0.02)
        self.assertIn("Running as process %d" % run.pid, self.words(self.page("live.html")))
        self.assertIn(("meta", "3"), [(n, a.get("content")) for n, a, _ in self.page("live.html").elements])
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        out, err = watch.communicate(timeout=60)
        self.assertEqual(watch.returncode, 0, err)
        self.assertRegex(out, r"(?m)^ *1/1000000 +\d")
        self.assertIn("Not running: interrupted after", err)
        page = self.page("live.html")
        self.assertIn("Not running: interrupted", self.words(page))
        self.assertNotIn("refresh", [a.get("http-equiv") for a in page.find("meta")])

    def test_watching_can_end_before_the_run_and_leaves_it_alone(self):
        run, watch, _ = self.watch_a_run("other.h5")
        watch.stdout.readline()
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=60)
        self.assertEqual(watch.returncode, 130)
        self.assertIn("epoch", self.good("watch", "other.h5", "--once"))
        self.assertIsNone(run.poll())
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
        self.assertEqual(run.returncode, 130)

    def test_what_is_no_run_is_refused(self):
        self.bad(66, "watch", "nowhere.h5")
        self.write("broken.h5.metrics.jsonl", '{"epoch":1}\n[1, 2\n')
        self.assertIn("broken.h5.metrics.jsonl:2:", self.bad(65, "watch", "broken.h5"))


if __name__ == "__main__":
    unittest.main()
