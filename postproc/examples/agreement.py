#!/usr/bin/env python3
"""The circuit against ODE and equilibrium, layer by layer, and the unit that differs most.

Usage: agreement.py CIRCUIT.h5   (a file of `eqspice simulate`)
"""

import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import eqspice

with eqspice.open(sys.argv[1]) as run:
    circuits = ["circuit/" + name for name in run.file["circuit"]]
    others = ["relaxation/" + name for name in run.file.get("relaxation", [])]
    for circuit in circuits:
        for other in others:
            for layer, largest in run.difference(circuit, other).items():
                apart = abs(run.states(circuit)[layer] - run.states(other)[layer])
                sample, unit = np.unravel_index(apart.argmax(), apart.shape)
                print(
                    "%s - %s, layer %d: %.2e (sample %d, unit %d)" % (circuit, other, layer, largest, sample, unit)
                )
