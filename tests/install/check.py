"""Installs the build into a scratch folder and uses it from outside: the program, the library by CMake package and by
pkg-config, manual pages, completion, and the Debian package.

Usage: check.py BUILD  (cmake, a C compiler and pkg-config are needed; the package is checked where dpkg-deb is)
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD = os.path.abspath(sys.argv.pop())
HERE = os.path.dirname(os.path.abspath(__file__))
NINJA = ["-G", "Ninja"] if shutil.which("ninja") else []


def run(*words, **options):
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, **options)
    if done.returncode != 0:
        raise AssertionError("%s: %d\n%s%s" % (" ".join(words), done.returncode, done.stdout, done.stderr))
    return done.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="eqspice-install-")
        cls.prefix = os.path.join(cls.folder, "prefix")
        run("cmake", "--install", BUILD, "--prefix", cls.prefix)
        [package] = glob.glob(cls.prefix + "/**/eqspice.pc", recursive=True)
        cls.library = os.path.dirname(os.path.dirname(package))
        cls.program = cls.prefix + "/bin/eqspice"

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def check_settle(self, program):
        text = run(program, env=dict(os.environ, LD_LIBRARY_PATH=self.library))
        rows = re.findall(r"beta (\S+) +output (\S+) (\S+) .*residual (\S+) \(converged\)", text)
        self.assertEqual([row[0] for row in rows], ["0", "0.5"])
        cost = [(float(a) - 1) ** 2 + float(b) ** 2 for _, a, b, _ in rows]
        self.assertLess(cost[1], cost[0])  # the nudge pulls towards the target
        self.assertLessEqual(max(float(row[3]) for row in rows), 1e-10)

    def test_a_program_builds_by_the_cmake_package(self):
        build = os.path.join(self.folder, "by-cmake")
        run("cmake", *NINJA, "-S", HERE, "-B", build, "-DCMAKE_PREFIX_PATH=" + self.prefix)
        run("cmake", "--build", build)
        self.check_settle(build + "/settle")

    def test_a_program_builds_by_pkg_config(self):
        # the file names the prefix of the configuration; this one was installed elsewhere
        flags = run("pkg-config", "--define-variable=prefix=" + self.prefix, "--cflags", "--libs", "eqspice",
                    env=dict(os.environ, PKG_CONFIG_PATH=self.library + "/pkgconfig"))  # fmt: skip
        program = os.path.join(self.folder, "settle")
        run("cc", "-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", HERE + "/settle.c", "-o", program, *flags.split())
        self.check_settle(program)

    def test_the_library_is_versioned_and_shows_only_its_prefix(self):
        [library] = [f for f in glob.glob(self.library + "/libeqspice.so.*") if not os.path.islink(f)]
        version = re.search(r"so\.(\d+\.\d+)\.\d+$", library).group(1)
        self.assertIn("[libeqspice.so.%s]" % version, run("readelf", "-d", library))
        names = [line.split()[-1] for line in run("nm", "-D", "--defined-only", library).splitlines()]
        self.assertGreater(len(names), 100)
        self.assertEqual([n for n in names if not n.startswith(("eqs_", "EQSPICE_"))], [])

    def test_public_headers_need_no_others(self):
        for root, _, files in os.walk(self.prefix + "/include/eqspice"):
            for name in files:
                with open(os.path.join(root, name)) as file:
                    for header in re.findall(r'^#include "(.*)"', file.read(), re.M):
                        self.assertTrue(os.path.exists(self.prefix + "/include/eqspice/" + header), header)
                self.assertNotIn("private", name)

    def test_the_installed_program_knows_its_experiments(self):
        self.assertIn("hopfield-fashion-8x8", run(self.program, "list", "experiments"))

    def test_every_command_has_a_manual_page(self):
        commands = re.findall(r"(?m)^  (\w+) +\S", run(self.program, "--help"))
        for page in ["eqspice"] + ["eqspice-" + command for command in commands]:
            with self.subTest(page=page), open("%s/share/man/man1/%s.1" % (self.prefix, page)) as file:
                text = file.read()
                for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "SEE ALSO"):
                    self.assertEqual(len(re.findall(r"(?m)^\.SH %s *$" % section, text)), 1, section)
                if page != "eqspice":
                    self.assertEqual(len(re.findall(r"(?m)^\.SH OPTIONS *$", text)), 1)
                    self.assertIn(r"\-\-help", text)
                if shutil.which("groff"):
                    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", file.name], capture_output=True, text=True)
                    self.assertEqual(done.stderr, "")

    def complete(self, *words):
        """What bash offers for the last word."""
        script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _eqspice; printf "%s\\n" "${COMPREPLY[@]}"'
        completion = self.prefix + "/share/bash-completion/completions/eqspice"
        return run("bash", "-c", script, "bash", completion, self.program, *words, cwd=self.folder).split()

    def test_bash_completes_commands_options_and_names(self):
        self.assertEqual(self.complete("gradc"), ["gradcheck"])
        self.assertEqual(self.complete("train", "--res"), ["--resume"])
        self.assertEqual(self.complete("train", "hopfield-fashion-8"), ["hopfield-fashion-8x8"])
        self.assertIn("cvode-bdf", self.complete("relax", "--solver", "cv"))
        self.assertEqual(self.complete("train", "--set", "learning.bet"), ["learning.beta="])
        self.assertEqual(self.complete("list", "exp"), ["experiments"])

    @unittest.skipIf(shutil.which("dpkg-shlibdeps") is None, "dpkg-dev is not installed")
    def test_a_debian_package_is_built(self):
        run("cpack", "-G", "DEB", "-B", self.folder + "/package", cwd=BUILD)
        [package] = glob.glob(self.folder + "/package/*.deb")
        depends = run("dpkg-deb", "-f", package, "Depends")
        for library in ("libsundials-cvode", "libngspice0", "libhdf5"):
            self.assertIn(library, depends)
        content = run("dpkg-deb", "-c", package)
        for path in ("./usr/bin/eqspice", "./usr/include/eqspice/eqspice.h", "./usr/share/man/man1/eqspice-train.1"):
            self.assertIn(path + "\n", content)


if __name__ == "__main__":
    unittest.main()
