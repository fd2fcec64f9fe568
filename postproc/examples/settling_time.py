#!/usr/bin/env python3
"""How long a recorded phase takes to each residual, and its slowest rate, from the end of the trajectory.

Usage: settling_time.py RELAX.h5 [-o FILE.png]   (a file of `eqspice relax --record`; the picture needs matplotlib)
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import eqspice

path = sys.argv[1]
output = sys.argv[3] if len(sys.argv) > 3 else None
with eqspice.open(path) as run:
    for phase in run.file["relaxation"]:
        for number, t in enumerate(run.trajectories("relaxation/" + phase)):
            for tolerance in 10.0 ** -np.arange(1, 9):
                above = np.nonzero(t.residual > tolerance)[0]
                last = above[-1] + 1 if len(above) else 0
                if last < len(t.time):
                    print("%s, sample %d: residual stays below %.0e from t = %.2f" % (phase, number, tolerance, t.time[last]))
            keep = (t.residual < 1e-2) & (t.residual > 1e-6)
            if keep.sum() > 2:
                rate = -np.polyfit(t.time[keep], np.log(t.residual[keep]), 1)[0]
                print("%s, sample %d: slowest time constant about %.2f unit times" % (phase, number, 1 / rate))
            if output:
                import matplotlib

                matplotlib.use("Agg")
                import matplotlib.pyplot as plt

                plt.semilogy(t.time, t.residual, label="%s %d" % (phase, number))
                plt.xlabel(eqspice.label(t.group["time"]))
                plt.ylabel(eqspice.label(t.group["residual"]))
if output:
    plt.legend()
    plt.savefig(output)
