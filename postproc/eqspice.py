"""Reads eqspice's result files: a thin layer over h5py that knows their layout, units and labels.

    import eqspice
    with eqspice.open("run.h5") as run:
        print(run.layers, run.config["learning.beta"], run.training["validation_error"][-1])

Arrays are numpy arrays. Only h5py is needed; `to_xarray` also needs xarray. docs/file-format.md says what is in a file, and
`run.file` is the h5py.File for everything that has no method here.
"""

import builtins
import re

import h5py
import numpy as np

__all__ = ["Run", "Trajectory", "label", "open"]


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def _value(text):
    """A YAML scalar or flow list of the stored configuration as a Python value."""
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        parts, depth, start = [], 0, 1
        for i, character in enumerate(text[:-1]):
            depth += (character == "[") - (character == "]")
            if (character == "," and depth == 1) or i == len(text) - 2:
                parts.append(text[start : i if character == "," and depth == 1 else i + 1])
                start = i + 1
        return [_value(part) for part in parts if part.strip()]
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"') and text.endswith('"'):
        return text[1:-1]
    special = {".inf": np.inf, "-.inf": -np.inf, ".nan": np.nan}
    if text in special:
        return special[text]
    for convert in (int, float):
        try:
            return convert(text)
        except ValueError:
            pass
    return text


def label(dataset):
    """An axis label of a dataset: its long name with its unit, "time since the start of the phase (unit time)"."""
    name = _text(dataset.attrs.get("long_name", dataset.name.rsplit("/", 1)[-1]))
    unit = _text(dataset.attrs.get("units", ""))
    return name if unit in ("", "1") else "%s (%s)" % (name, unit)


class Trajectory:
    """One recorded phase of one sample: time, and energy and residual where they were recorded (else None), all [n];
    states {layer: [n x units]}."""

    def __init__(self, group):
        self.group = group
        self.time = group["time"][:]
        self.energy = group["energy"][:] if "energy" in group else None
        self.residual = group["residual"][:] if "residual" in group else None
        self.states = _states(group)


def _states(group):
    """{layer: array} of the state_k of a group."""
    found = {}
    for name in group:
        match = re.fullmatch(r"state_(\d+)", name)
        if match:
            found[int(match.group(1))] = group[name][:]
    return dict(sorted(found.items()))


class Run:
    """One result file. Use it as a context manager, or close() it."""

    def __init__(self, path):
        self.file = h5py.File(path, "r")
        kind = _text(self.file.attrs.get("format", ""))
        if kind != "eqspice":
            self.file.close()
            raise ValueError("%s: format %r found, 'eqspice' wanted" % (path, kind))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        self.file.close()

    @property
    def status(self):
        """ "complete", "running", "interrupted" or "failed: why"."""
        return _text(self.file.attrs["status"])

    @property
    def layers(self):
        """Units of layers 0 (input) to L (output)."""
        return [int(n) for n in self.file["network/units"][:]]

    @property
    def config(self):
        """{key: value} of everything in force, "learning.beta": 0.5."""
        return {name: _value(_text(value)) for name, value in self.file["config/used"].attrs.items()}

    @property
    def training(self):
        """{column: array}, one row an epoch; {} when the file has no training."""
        group = self.file.get("training", {})
        return {name: group[name][:] for name in group}

    @property
    def parameters(self):
        """{"W_1": [n_0 x n_1], "b_1": [n_1], ...}."""
        return {name: dataset[:] for name, dataset in self.file["parameters"].items()}

    def states(self, group):
        """{layer: [samples x units]} of a group of fixed points: "relaxation/free", "circuit/op"."""
        return _states(self.file[group])

    def trajectories(self, group):
        """Recorded trajectories of a group, one a sample: [Trajectory, ...]; "relaxation/free", "circuit/tran"."""
        names = [name for name in self.file[group] if re.fullmatch(r"trajectory(_\d+)?", name)]
        names.sort(key=lambda name: int(name.split("_")[1]) if "_" in name else 0)
        return [Trajectory(self.file[group][name]) for name in names]

    def difference(self, one, other):
        """{layer: largest |difference| of a state over samples and units} between two groups of fixed points."""
        a, b = self.states(one), self.states(other)
        return {k: float(abs(a[k] - b[k]).max()) for k in a if k in b and a[k].shape == b[k].shape}

    def to_xarray(self, group):
        """A group as xarray.Dataset: units and long names as attributes, and the group's own axis (attribute `axes`) as
        the coordinate of every array of its length."""
        import xarray

        members = self.file[group]
        axis = _text(members.attrs.get("axes", ""))
        length = len(members[axis]) if axis in members else -1
        variables = {}
        for name, dataset in members.items():
            if not isinstance(dataset, h5py.Dataset):
                continue
            dims = [
                axis if size == length and k == 0 else "%s_%d" % (name, k) for k, size in enumerate(dataset.shape)
            ]
            attributes = {key: _text(value) for key, value in dataset.attrs.items()}
            variables[name] = (dims, dataset[()], attributes)
        return xarray.Dataset(variables).set_coords([axis] if length >= 0 else [])


def open(path):
    """Opens a result file."""
    return Run(path)


if __name__ == "__main__":
    import sys

    for path in sys.argv[1:]:
        with open(path) as run:
            builtins.print(path, "-".join(map(str, run.layers)), run.status)
