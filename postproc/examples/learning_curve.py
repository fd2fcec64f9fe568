#!/usr/bin/env python3
"""Learning curves of several runs over each other.

Usage: learning_curve.py RUN.h5... [-o FILE.png]   (the picture needs matplotlib)
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import eqspice

words = sys.argv[1:]
output = words.pop(words.index("-o") + 1) if "-o" in words else None
curves = {}
for path in [word for word in words if word != "-o"]:
    with eqspice.open(path) as run:
        table = run.training
        curves[path] = table["epoch"], 100 * table["validation_error"]
        best = table["validation_error"].argmin()
        print(
            "%s: %s, beta %g: best validation error %.2f %% after epoch %d"
            % (path, "-".join(map(str, run.layers)), run.config["learning.beta"], curves[path][1][best], best + 1)
        )
if output:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    for path, (epoch, error) in curves.items():
        plt.plot(epoch, error, label=os.path.basename(path))
    plt.xlabel("epoch")
    plt.ylabel("validation error (%)")
    plt.legend()
    plt.savefig(output)
