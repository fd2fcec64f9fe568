"""The documents: every command of README and tutorial works, links lead somewhere, generated pages are up to date."""

import glob
import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import sys
import unittest

import program
from program import FASHION, PROGRAM, needs_fashion, needs_h5py, needs_ngspice

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read(name):
    with open(os.path.join(ROOT, name)) as file:
        return file.read()


def section(text, title):
    """What stands between "## title" and the next heading of that kind."""
    return re.search(r"(?ms)^## %s\n(.*?)(?=^## |\Z)" % re.escape(title), text).group(1)


def blocks(text):
    """Indented blocks, with the indentation removed."""
    found = re.findall(r"(?m)(?:^    .*\n(?:\n(?=    ))?)+", text)
    return [re.sub(r"(?m)^    ", "", block) for block in found]


class Commands(program.Folder):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.symlink(PROGRAM, cls.path("eqspice"))

    def run_script(self, script):
        environment = dict(os.environ, PATH=self.folder + ":" + os.environ["PATH"])
        folder = self.path("work")
        os.makedirs(folder, exist_ok=True)
        done = subprocess.run(
            ["bash", "-ex", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=200
        )
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-3000:])
        return done.stdout

    @needs_fashion
    @needs_ngspice
    @needs_h5py
    def test_the_tour_of_the_readme(self):
        tour = blocks(section(read("README.md"), "A first tour"))
        self.run_script(tour[0])
        python = [block for block in tour if block.startswith("import h5py")]
        self.assertEqual(len(python), 1)
        done = subprocess.run(
            [sys.executable, "-c", python[0]], cwd=self.path("work"), capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    @needs_fashion
    @needs_ngspice
    def test_the_tutorial(self):
        text = read("docs/tutorial.md")
        titles = re.findall(r"(?m)^## (\d\. .*)", text)
        self.assertEqual(len(titles), 7)
        output = ""
        for title in titles:
            for block in blocks(section(text, title)):
                output += self.run_script(block)
        # what the text says about the results
        self.assertRegex(output, r"ngspice - equilibrium\n1 +24 +\S+e-(09|1\d) ")
        answer = {int(k): float(v) for k, v in re.findall(r"v\(r_o_(\d)\) = (\S+)", output)}
        self.assertEqual(max(answer, key=answer.get), 9)


class Extending(program.Folder):
    def test_the_example_of_an_experiment(self):
        self.write("own.yaml", read("tests/extend/experiment.yaml"))
        self.assertIn("form: gradient", self.good("config", "--check", "own.yaml"))
        self.good("train", "own.yaml", "-o", "own.h5", "-q")

    def test_what_the_pages_quote_stands_in_the_examples(self):
        for page in glob.glob(ROOT + "/docs/extend/*.md"):
            with open(page) as file:
                text = file.read()
            for name in re.findall(r"\]\(\.\./\.\./(tests/extend/[a-z_.]+)\)", text):
                example = read(name.replace("test_extend_device.c", "saturating.cir"))
                for block in blocks(text):
                    for line in block.splitlines():
                        if line.strip() and not re.search(r"\.\.\.|= \"spectre|^    \.|eqs_dialect", line):
                            self.assertIn(line.strip(), example, page)


class Links(unittest.TestCase):
    def test_every_link_between_documents_leads_somewhere(self):
        pages = glob.glob(ROOT + "/*.md") + glob.glob(ROOT + "/docs/**/*.md", recursive=True)
        pages += [ROOT + "/experiments/README.md", ROOT + "/bench/README.md", ROOT + "/tests/README.md"]
        for page in pages:
            if not os.path.exists(page):
                continue
            with open(page) as file:
                text = file.read()
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+://|#|mailto:", target):
                    continue
                with self.subTest(page=os.path.relpath(page, ROOT), target=target):
                    self.assertTrue(os.path.exists(os.path.join(os.path.dirname(page), target.split("#")[0])))

    def test_the_gallery_shows_what_its_script_draws(self):
        page, script = read("docs/gallery.md"), read("docs/figures/make-gallery")
        drawn = re.findall(r"(?m)^ +eqspice plot (\S+) (\S+) -o (\S+)\.svg\n\n!\[[^]]+\]\(figures/gallery-(\S+)\.svg\)", page)
        self.assertEqual(len(drawn), page.count("figures/gallery-"))
        for file, what, output, name in drawn:
            self.assertEqual(output, name)
            self.assertIn("picture %s %s %s\n" % (name, file, what), script)
        for command in re.findall(r"(?m)^    eqspice ((?:train|simulate|relax|study) [^#\n]*?) -o (\S+)", page):
            if command[1] == "drn-mnist-1h.h5":  # trains for minutes: drawn from a file that is there
                continue
            self.assertRegex(script, r"once %s %s( -q)?\n" % (re.escape(command[1]), re.escape(command[0])))
        for picture in glob.glob(ROOT + "/docs/figures/gallery-*.svg") + [ROOT + "/docs/figures/report-example.png"]:
            self.assertLess(os.path.getsize(picture), 200000, picture)

    def test_commands_that_documents_name_exist(self):
        help_text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True).stdout
        known = set(re.findall(r"(?m)^  (\w+) +\S", help_text)) | {"COMMAND"}
        for page in [ROOT + "/README.md"] + glob.glob(ROOT + "/docs/**/*.md", recursive=True):
            with open(page) as file:
                used = set(re.findall(r"(?m)(?:^    |`)eqspice ([a-zA-Z]+)", file.read()))
            self.assertEqual(used - known, set(), page)


class Generated(unittest.TestCase):
    @needs_ngspice
    def test_the_page_of_the_file_format(self):
        """Rows of the page, without shapes: they depend on the machine's number of steps."""
        sys.path.insert(0, ROOT + "/docs")
        loader = importlib.machinery.SourceFileLoader("make_file_format", ROOT + "/docs/make-file-format")
        maker = importlib.util.module_from_spec(importlib.util.spec_from_loader("make_file_format", loader))
        loader.exec_module(maker)

        def rows(text):
            return [re.sub(r"^(\| [^|]* \| [^|]* \|)[^|]*", r"\1", row) for row in re.findall(r"(?m)^\|.*", text)]

        self.assertEqual(rows(maker.page(PROGRAM)), rows(read("docs/file-format.md")), "run docs/make-file-format EQSPICE")

    def test_the_reference_of_keys(self):
        done = subprocess.run([PROGRAM, "config", "--reference"], capture_output=True, text=True)
        self.assertIn(done.stdout.strip(), read("docs/configuration.md"))


if __name__ == "__main__":
    unittest.main()
