# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lazy splines: lines from biases, cubics from output weights
#
# One input, $f(x)=\frac1{\sqrt m}\sum_k a_k\,\mathrm{relu}(w_kx+b_k)$, $b_k$ uniform on $[-B,B]$, the signs
# of $w$ and $a$ even, wide, lazy, output centered.
#
# **Claim.** Train the biases alone: the network interpolates its samples *linearly*. Train the output weights
# alone: it interpolates by a *cubic spline*, the natural one as $B\to\infty$, with an error of order $1/B$.
#
# Every step is computed and compared with `lowcomplex.predictions.lazy_splines`. The law with all
# parameters trained is `linear_frequency_principle`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from scipy.interpolate import CubicSpline

from lowcomplex.plots import style
from lowcomplex.predictions import lazy_splines

B, w, d, x = sp.symbols("B w d x", positive=True)
b, y = sp.symbols("b y", real=True)
library = lazy_splines.expressions

# %% [markdown]
# ## 1. The two kernels
#
# Take $y<x=y+d$ and $w>0$. Both inputs are active where $b>-wy$ (for $+w$) or $b>wx$ (for $-w$). All of this
# lies inside $[-B,B]$ as long as knots cover the samples, $B\ge w|x|$.


# %%
def mean(integrand, weight, start):
    """Mean over b, uniform, of what is zero below the start."""
    return sp.integrate(sp.expand(integrand(weight)), (b, start, B)) / (2 * B)


def over_signs(integrand):
    high = y + d
    return (mean(integrand, w, -w * y) + mean(integrand, -w, w * high)) / 2


def renamed(name):
    here = {"x": y + d, "y": y, "B": B, "w": w, "a": sp.Symbol("a", real=True)}
    formula = library[name]
    return sp.simplify(formula.subs({s: here[str(s)] for s in formula.free_symbols}, simultaneous=True))


a = sp.Symbol("a", real=True)
biases = over_signs(lambda weight: a**2)
outputs = over_signs(lambda weight: (weight * (y + d) + b) * (weight * y + b))
assert sp.simplify(biases - renamed("kernel, biases trained")) == 0
assert sp.expand(outputs - renamed("kernel, outputs trained")) == 0
sp.Eq(sp.Symbol("K_bias"), sp.factor(biases)), sp.Eq(sp.Symbol("K_output"), sp.expand(outputs))

# %% [markdown]
# ## 2. What functions they make
#
# A lazy network ends at $f=\sum_ic_iK(\cdot,x_i)$ with $f(x_i)=y_i$. Away from the samples the bias kernel
# has no second derivative, the output kernel no fourth: $f$ is a line, or a cubic, between samples. At a
# sample the first has a jump in its slope, the second only in its third derivative.

# %%
z = sp.Symbol("z", real=True)
for side in (-1, 1):
    assert sp.diff(side * z, z, 2) == 0
    assert sp.diff(side * z**3 / 12, z, 4) == 0
jumps = [
    sp.diff(z**3 / 12, z, order).subs(z, 0) - sp.diff(-(z**3) / 12, z, order).subs(z, 0) for order in range(4)
]
assert jumps == [0, 0, 0, 1]

# %% [markdown]
# A continuous function that is a line between samples and goes through them *is* linear interpolation: for
# the biases this is all, and $B$ does not matter. For the output weights the ends decide. The kernel
# $2BK=\frac{B^3}3+Bw^2xy+\frac{|w|^3}{12}|x-y|^3$ has a constant and a linear part of large weight: with
# $p_0=\frac{B^3}3\sum c_i$ and $p_1=Bw^2\sum c_ix_i$,
#
# $$f=\frac{|w|^3}{12}\sum_ic_i|x-x_i|^3+p_0+p_1x,\qquad\sum_ic_i=\frac{3p_0}{B^3}\to0,\quad
# \sum_ic_ix_i=\frac{p_1}{Bw^2}\to0.$$
#
# To the right of all samples $f''=\frac{|w|^3}2\sum_ic_i(x-x_i)$, which vanishes in the limit: the natural
# spline. At finite $B$ the term with $1/B$ is left.

# %%
c, knots = sp.symbols("c_1:4"), sp.symbols("x_1:4")
right = sum(ci * (x - xi) ** 3 / 12 for ci, xi in zip(c, knots, strict=True))
curvature = sp.expand(sp.diff(right, x, 2))
moments = sum(c) * x / 2 - sum(ci * xi for ci, xi in zip(c, knots, strict=True)) / 2
assert sp.expand(curvature - moments) == 0

rng = np.random.default_rng(1)
samples = np.array([-1.0, -0.7, -0.1, 0.2, 0.6, 1.1])
targets = rng.standard_normal(6)
at = np.linspace(samples[0], samples[-1], 500)
natural = CubicSpline(samples, targets, bc_type="natural")(at)
assert np.abs(lazy_splines(at, samples, targets, trained="output") - natural).max() < 1e-12
ranges = np.geomspace(1.1, 1000, 12)
distances = np.array(
    [
        np.sqrt(np.mean((lazy_splines(at, samples, targets, trained="output", bias_range=r) - natural) ** 2))
        for r in ranges
    ]
)
lines = [lazy_splines(at, samples, targets, trained="bias", bias_range=r) for r in ranges]
assert max(np.abs(line - np.interp(at, samples, targets)).max() for line in lines) < 1e-12
limit_slope = np.polyfit(np.log(ranges[-4:]), np.log(distances[-4:]), 1)[0]
print(f"exponent in B of the distance from the natural spline: {limit_slope:.4f}")
assert abs(limit_slope + 1) < 0.01

# %% [markdown]
# ## 3. Finitely many neurons
#
# With the biases $h$ apart, lazy training of the biases adds steps to $f$ at the knots: a staircase around
# the line. Where samples lie midway between knots it is centered, and its distance from a line of slope $s$
# is $sh/\sqrt{12}$ (rms). Output weights add kinks, and the error is of order $h^2$.

# %%
slope, h, u = sp.symbols("slope h u", positive=True)
staircase = sp.sqrt(sp.integrate((slope * u) ** 2, (u, -h / 2, h / 2)) / h)
claimed = library["error of finitely many knots, biases trained"]
by_name = {str(symbol): symbol for symbol in claimed.free_symbols}
assert sp.simplify(staircase - claimed.subs({by_name["slope"]: slope, by_name["h"]: h})) == 0

# %% [markdown]
# ## 4. Networks
#
# Biases are trained by gradient descent with output scale $\alpha=10^5$. A network in its output weights is
# linear, and gradient descent ends at the least change that fits, which is computed. The same for all
# parameters in the lazy limit; and one network with all parameters trained from a small start.

# %%
RANGE, ALPHA = 2.0, 1e5


def grid(knots):
    centers = RANGE * ((np.arange(knots) + 0.5) * 2 / knots - 1)
    biases, signs_w, signs_a = (v.ravel() for v in np.meshgrid(centers, (1.0, -1.0), (1.0, -1.0)))
    return signs_w, signs_a, biases


def features(network, inputs, parts):
    w, a, b = network
    before = np.outer(inputs, w) + b
    active = (before > 0) * a
    gradient = {"output": np.maximum(before, 0), "bias": active, "input": active * inputs[:, None]}
    return np.concatenate([gradient[part] for part in parts], axis=1) / np.sqrt(len(a))


def least_change(network, parts):
    change = np.linalg.lstsq(features(network, samples, parts), targets)[0]
    return features(network, at, parts) @ change


def train(network, parts, alpha, steps, share):
    """Gradient descent; output at `at`, and the largest residual."""
    jacobian = features(network, samples, parts)
    step = share / np.linalg.eigvalsh(jacobian @ jacobian.T)[-1]
    scale = alpha / np.sqrt(len(network[0]))
    w, a, b = network
    start = scale * np.maximum(np.outer(samples, w) + b, 0) @ a
    for _ in range(steps):
        before = np.outer(samples, w) + b
        hidden = np.maximum(before, 0)
        residual = targets + start - scale * hidden @ a
        if np.abs(residual).max() < 1e-6:
            break
        pull = residual * scale * step / alpha**2
        active = (before > 0) * a * pull[:, None]
        a = a + pull @ hidden if "output" in parts else a
        b = b + active.sum(0) if "bias" in parts else b
        w = w + samples @ active if "input" in parts else w
    first = np.maximum(np.outer(at, network[0]) + network[2], 0) @ network[1]
    return scale * (np.maximum(np.outer(at, w) + b, 0) @ a - first), np.abs(residual).max()


line = lazy_splines(at, samples, targets, trained="bias")
cubic = lazy_splines(at, samples, targets, trained="output", bias_range=RANGE)
ALL = ("output", "input", "bias")
counts = np.array([40, 80, 160, 320])
errors = {"biases": [], "outputs": [], "all, lazy": []}
for count in counts:
    trained, _ = train(grid(count), ("bias",), ALPHA, 20_000, 1.0)
    errors["biases"].append(np.sqrt(np.mean((trained - line) ** 2)))
    errors["outputs"].append(np.sqrt(np.mean((least_change(grid(count), ("output",)) - cubic) ** 2)))
    errors["all, lazy"].append(np.sqrt(np.mean((least_change(grid(count), ALL) - line) ** 2)))
slopes = np.diff(targets) / np.diff(samples)
steepness = np.sqrt(np.sum(slopes**2 * np.diff(samples)) / (samples[-1] - samples[0]))
predicted = steepness * (2 * RANGE / counts) / np.sqrt(12)
small = tuple(0.1 * rng.standard_normal((3, 400)))
rich, residual = train(small, ALL, 1.0, 4000, 0.02)
for name, values in errors.items():
    exponent = np.polyfit(np.log(counts[1:]), np.log(values[1:]), 1)[0]
    print(f"{name}: errors {np.array(values)}, exponent {exponent:.3f}")
print("predicted for biases:", predicted)
assert np.allclose(errors["biases"], predicted, rtol=0.03)
assert abs(np.polyfit(np.log(counts[1:]), np.log(errors["outputs"][1:]), 1)[0] + 2) < 0.1

# %%
few = 40
staircase_output, _ = train(grid(few), ("bias",), ALPHA, 20_000, 1.0)
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    axes[0].plot(at, line, color="0.6", label="linear interpolation")
    axes[0].plot(at, staircase_output, color="C0", linewidth=0.8, label="biases trained, 160 neurons")
    axes[0].plot(at, natural, color="0.6", linestyle="--", label="natural cubic spline")
    axes[0].plot(
        at[::20], least_change(grid(320), ("output",))[::20], "o", color="C1", label="outputs trained"
    )
    axes[0].plot(at, rich, color="C3", linewidth=0.8, label="all, small start (control)")
    axes[0].plot(samples, targets, "k.", markersize=7, zorder=5)
    low, high = natural.min(), natural.max()
    axes[0].set(xlabel="x", ylabel="f(x)", ylim=(low - 0.2, high + 0.9 * (high - low)))
    axes[0].legend(fontsize=6, loc="upper left")

    axes[1].loglog(4 * counts, predicted, color="0.6", label="predicted")
    for (name, values), marker, color in zip(
        errors.items(), ("o", "s", "x"), ("C0", "C1", "C3"), strict=True
    ):
        axes[1].loglog(4 * counts, values, marker, color=color, label=name)
    axes[1].set(xlabel="neurons", ylabel="rms distance from its spline")
    axes[1].set_xticks(4 * counts, [str(4 * count) for count in counts])
    axes[1].minorticks_off()
    axes[1].legend(fontsize=6, loc="lower left")

    axes[2].loglog(ranges, distances, "o", color="C1", label="output kernel at finite B")
    axes[2].loglog(ranges, distances[-1] * ranges[-1] / ranges, color="0.6", label="slope -1")
    axes[2].set(xlabel="range B of the biases", ylabel="rms distance from the natural spline")
    axes[2].legend()
    plt.show()

# %% [markdown]
# ## References
#
# - Y. Zhang, Z.-Q. J. Xu, T. Luo, Z. Ma, *Explicitizing an implicit bias of the frequency principle in
#   two-layer neural networks*, arXiv 1905.10264; T. Luo, Z. Ma, Z.-Q. J. Xu, Y. Zhang, *On the exact
#   computation of linear frequency principle dynamics and its generalization*, arXiv 2010.08153: the setting.
#   The kernels at finite $B$ and the errors of finitely many neurons are derived here.
