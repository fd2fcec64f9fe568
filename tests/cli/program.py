"""The program under test, small inputs for it, and result files read back. Used by the test_*.py of this folder.

EQSPICE in the environment names the program. Only the standard library is needed; result files are read with
h5py, and tests that need it (or ngspice, or Fashion-MNIST) are skipped with a message where it is missing.
"""

import gzip
import hashlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
except ImportError:
    h5py = None

PROGRAM = shutil.which(os.environ.get("EQSPICE", "eqspice"))
if PROGRAM is None:
    sys.exit("set EQSPICE to the program under test")
FASHION = next(
    (
        folder
        for folder in (
            os.environ.get("EQSPICE_DATA", "") + "/fashion-mnist",
            "/usr/share/datasets/fashion-mnist",
        )
        if os.path.isdir(folder)
    ),
    None,
)
needs_h5py = unittest.skipIf(h5py is None, "python3-h5py is not installed")
needs_fashion = unittest.skipIf(FASHION is None, "dataset-fashion-mnist is not installed")
needs_ngspice = unittest.skipIf(shutil.which("ngspice") is None, "ngspice is not installed")

# 64-32-10 on the few images of small_fashion(), averaged to 8x8 pixels
FEW = ["--set", "data.train=400", "--set", "data.validation=60", "--set", "data.test=100", "--set", "data.path=few"]

SMALL = """data: {set: csv, path: data.csv, train: 60, validation: 20, test: 20}
network: {layers: [6, 8, 3], gain: 0.8}
relaxation: {tolerance: 1e-6, precision: double}
learning: {beta: 0.5, rates: [0.4, 0.2], batch: 7, epochs: 3}
"""


def made_samples(rows=120):
    """CSV text of three noisy classes with six values each."""
    noise = random.Random(1)
    lines = []
    for row in range(rows):
        label = row * 7 % 3
        values = [0.5 * noise.random() + (0.5 if i // 2 == label else 0) for i in range(6)]
        lines.append(",".join("%.4f" % value for value in values) + ",%d" % label)
    return "\n".join(lines) + "\n"


def small_fashion():
    """{file name: content}: the first 460 training and 100 test images of Fashion-MNIST, quick to load."""
    files = {}
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        count = 460 if name.startswith("train") else 100
        head, size = (16, 784) if "images" in name else (8, 1)
        with gzip.open("%s/%s-ubyte.gz" % (FASHION, name)) as file:
            content = bytearray(file.read(head + size * count))
        content[4:8] = struct.pack(">I", count)
        files[name + "-ubyte"] = bytes(content)
    return files


class Folder(unittest.TestCase):
    """Tests that run in a scratch folder of their class, with small.yaml and data.csv in it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="eqspice-test-")
        cls.write("small.yaml", SMALL)
        cls.write("data.csv", made_samples())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    @classmethod
    def path(cls, name):
        return os.path.join(cls.folder, name)

    @classmethod
    def write(cls, name, content):
        with open(cls.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())

    @classmethod
    def read(cls, name):
        with open(cls.path(name), "rb") as file:
            return file.read()

    @classmethod
    def call(cls, *words, timeout=120):
        """Runs the program; the completed process with text output."""
        return subprocess.run(
            [PROGRAM, *words], cwd=cls.folder, capture_output=True, text=True, timeout=timeout
        )

    @classmethod
    def start(cls, *words):
        return subprocess.Popen(
            [PROGRAM, *words], cwd=cls.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def good(self, *words):
        """Runs the program, which must succeed; its stdout."""
        done = self.call(*words)
        self.assertEqual(done.returncode, 0, "eqspice %s: %s" % (" ".join(words), done.stderr))
        return done.stdout

    def good_json(self, *words):
        """The objects of its --json output, one a line."""
        return [json.loads(line) for line in self.good(*words, "--json", "--quiet").splitlines()]

    def bad(self, code, *words):
        """Runs the program, which must fail with this code; its stderr."""
        done = self.call(*words)
        self.assertEqual(done.returncode, code, "eqspice %s: %s" % (" ".join(words), done.stderr))
        return done.stderr

    def h5(self, name):
        file = h5py.File(self.path(name), "r")
        self.addCleanup(file.close)
        return file


def all_datasets(file):
    """{path: dataset} of an open file."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found["/" + name] = item

    file.visititems(visit)
    return found


def text_of(value):
    """A text attribute or dataset as str."""
    return value.decode() if isinstance(value, bytes) else str(value)


# ---- faults: what is on disk after a crash, without HDF5 ----

LONG = os.environ.get("EQSPICE_TEST_LONG") == "1"  # the long forms of tests/README.md


def is_whole(content):
    """True when the bytes are a complete result file: its own length and SHA-256 (store/h5block.c)."""
    head = content[:512].decode("ascii", "replace").split("\n")
    if len(head) < 4 or head[0] != "eqspice result file" or not head[3].startswith("sha256 "):
        return False
    digits = head[3][7:71].encode()
    at = content.index(b"sha256 ") + 7
    digest = hashlib.sha256(content[:at] + b"0" * 64 + content[at + 64 :]).hexdigest()
    return int(head[2].split()[1]) == len(content) and digest.encode() == digits


def same_datasets(name, other):
    """Paths of datasets that two result files do not share with the same bytes, wall-clock times aside."""
    with h5py.File(name, "r") as a, h5py.File(other, "r") as b:
        ours, theirs = all_datasets(a), all_datasets(b)
        paths = (set(ours) | set(theirs)) - {"/training/seconds", "/config/text"}
        return [
            path
            for path in sorted(paths)
            if path not in ours or path not in theirs or ours[path][()].tobytes() != theirs[path][()].tobytes()
        ]
