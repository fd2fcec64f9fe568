#!/usr/bin/env python3
"""Paper 001's training loop (Euler relaxation, Table 2) in PyTorch, as the yardstick for `eqspice train`.

Measures whole training steps (free phase, nudged phase, update) on random images of MNIST's size and sparsity and
extrapolates to an epoch of 2500 minibatches of 20. Needs Debian's python3-torch.

    /usr/bin/python3 bench/pytorch_euler.py [--seconds 10] [--threads 1 2]
"""
import argparse
import os
import time

# OpenBLAS's own threads are not bound by torch.set_num_threads; must be set before torch is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import torch  # noqa: E402

# layers, free steps, nudged steps, learning rates: Table 2
MODELS = {
    "784-500-10": ([784, 500, 10], 20, 4, [0.1, 0.05]),
    "784-500-500-10": ([784, 500, 500, 10], 100, 6, [0.4, 0.1, 0.01]),
    "784-500-500-500-10": ([784, 500, 500, 500, 10], 500, 8, [0.128, 0.032, 0.008, 0.002]),
}
BATCH, STEP, XI = 20, 0.5, 0.5


def relax(x_drive, s, weights, biases, steps, beta, target):
    """Eq. 54 on all layers at once; x_drive = x W_1 is computed once."""
    top = len(s) - 1
    for _ in range(steps):
        new = []
        for k, state in enumerate(s):
            drive = (x_drive if k == 0 else s[k - 1] @ weights[k]) + biases[k]
            if k < top:
                drive = drive + s[k + 1] @ weights[k + 1].T
            force = drive - state
            if k == top and beta != 0.0:
                force = force + beta * (target - state)
            new.append(torch.clamp(state + STEP * force, 0.0, 1.0))
        s = new
    return s


def train_step(x, target, states, weights, biases, free_steps, nudged_steps, rates):
    x_drive = x @ weights[0]
    free = relax(x_drive, states, weights, biases, free_steps, 0.0, target)
    nudged = relax(x_drive, free, weights, biases, nudged_steps, XI, target)
    below_free, below_nudged = [x] + free, [x] + nudged
    for k, rate in enumerate(rates):
        scale = rate / (XI * BATCH)
        weights[k] += scale * (below_nudged[k].T @ nudged[k] - below_free[k].T @ free[k])
        biases[k] += scale * (nudged[k] - free[k]).sum(0)
    return free


def measure(layers, free_steps, nudged_steps, rates, seconds):
    torch.manual_seed(1)
    weights = [torch.empty(a, b).uniform_(-1, 1) * (6.0 / (a + b)) ** 0.5 for a, b in zip(layers, layers[1:])]
    biases = [torch.zeros(n) for n in layers[1:]]
    x = torch.rand(BATCH, layers[0]) * (torch.rand(BATCH, layers[0]) < 0.2)
    target = torch.nn.functional.one_hot(torch.randint(0, layers[-1], (BATCH,)), layers[-1]).float()
    states = [torch.zeros(BATCH, n) for n in layers[1:]]
    train_step(x, target, states, weights, biases, free_steps, nudged_steps, rates)
    start, steps = time.monotonic(), 0
    while steps == 0 or time.monotonic() - start < seconds:
        states = train_step(x, target, states, weights, biases, free_steps, nudged_steps, rates)
        steps += 1
    return (time.monotonic() - start) / steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="per model and number of threads")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    print("torch,model,threads,ms_per_minibatch,seconds_per_epoch")
    with torch.no_grad():
        for name, (layers, free_steps, nudged_steps, rates) in MODELS.items():
            for threads in options.threads:
                torch.set_num_threads(threads)
                step = measure(layers, free_steps, nudged_steps, rates, options.seconds)
                print(f"{torch.__version__},{name},{threads},{1e3 * step:.3f},{2500 * step:.1f}", flush=True)


if __name__ == "__main__":
    main()
