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
# # The effective rank of a random matrix
#
# The effective rank is $\exp$ of the entropy of the singular values, $p_i=s_i/\sum_j s_j$. A trained weight
# matrix is "of low rank" only if it lies below the value of *random* weights of its shape.
#
# **Claim.** For independent Gaussian entries, $k=\min(m,n)$, $c=k/\max(m,n)$, $s$ distributed by Marchenko
# and Pastur's law on $[1-\sqrt c,\,1+\sqrt c]$ and $\mu=\mathrm E[s]$,
#
# $$\mathrm{erank}=k\,\exp\!\Big(\log\mu-\frac{\mathrm E[s\log s]}{\mu}\Big)+O(1),\qquad
# \text{square: }\ \frac{2e^{4/3}}{3\pi}\,n-0.232\ \pm\ 0.33 .$$
#
# The spread is of order one *at any size*. `lowcomplex measure` puts the evaluator,
# `lowcomplex.predictions.random_effective_rank`, beside every matrix.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from scipy import stats

from lowcomplex.measures import effective_rank
from lowcomplex.plots import style
from lowcomplex.predictions import random_effective_rank

torch.set_num_threads(1)
library = random_effective_rank.expressions

# %% [markdown]
# ## 1. The entropy needs two means
#
# With $S=\sum s_i$ and $T=\sum s_i\log s_i$ the entropy is $\log S-T/S$, and the scale of the entries drops
# out. To leading order $S=k\mu$ and $T=k\nu$.

# %%
S, T, k, mu, nu, scale = sp.symbols("S T k mu nu r", positive=True)
entropy = sp.log(S) - T / S
values = sp.symbols("s_1:4", positive=True)
total = sum(values)
by_definition = -sum(s / total * sp.log(s / total) for s in values)
sums = {S: total, T: sum(s * sp.log(s) for s in values)}
assert sp.simplify(by_definition - sp.expand_log(entropy.subs(sums))) == 0
scaled = entropy.subs({S: scale * S, T: scale * T + scale * sp.log(scale) * S}, simultaneous=True)
assert sp.simplify(sp.expand_log(scaled) - entropy) == 0
leading = sp.exp(entropy.subs({S: k * mu, T: k * nu}))
assert sp.simplify(leading - library["effective rank, leading order"]) == 0
library["effective rank, leading order"]

# %% [markdown]
# ## 2. A square matrix in closed form
#
# At $c=1$ the law of $s$ is a quarter of a circle; with $s=2\sin\varphi$ both means are elementary.

# %%
s, c, phi, u = sp.symbols("s c varphi u", positive=True)
quarter = sp.simplify(library["density of s"].subs(c, 1))
assert sp.simplify(quarter - sp.sqrt(4 - s**2) / sp.pi) == 0
weight = 4 * sp.cos(phi) ** 2 / sp.pi  # the density times ds/dφ
assert sp.integrate(weight, (phi, 0, sp.pi / 2)) == 1
mean = sp.integrate(weight * 2 * sp.sin(phi), (phi, 0, sp.pi / 2))
assert mean == 8 / (3 * sp.pi)

# s log s = 2 sinφ (log 2 + log sinφ); the second part by u = cosφ, log sinφ = log(1 - u²)/2.
part = 4 / sp.pi * sp.integrate(u**2 * (sp.log(1 - u) + sp.log(1 + u)), (u, 0, 1))
mean_log = sp.expand(sp.simplify(mean * sp.log(2) + part))
assert sp.simplify(mean_log / mean - (2 * sp.log(2) - sp.Rational(4, 3))) == 0
share = sp.exp(sp.log(mean) - mean_log / mean)
assert sp.simplify(share / library["effective rank over k, square"]) == 1
print(f"effective rank of a large square matrix: {float(share):.5f} n")
sp.Eq(sp.Symbol("share"), library["effective rank over k, square"])

# %% [markdown]
# ## 3. The shift
#
# Bai and Silverstein (2004): $\sum_i f(s_i)$ of a real Gaussian matrix has the mean $k\,\mathrm
# E[f]+\frac{f(\theta=0)+f(\theta=\pi)}4-\frac12\langle f\rangle_\theta$, where $s^2=1+c+2\sqrt c\cos\theta$
# and $\langle\cdot\rangle_\theta$ is the mean over $\theta\in(0,\pi)$. Applied to the change of the entropy
# by one more singular value, $f(s)=\frac{s(\nu/\mu+1)-s\log s}{k\mu}$:

# %%
ratio = sp.expand(mean_log / mean)
assert sp.simplify(sp.diff(entropy, S) - (S + T) / S**2) == 0
assert sp.diff(entropy, T) == -1 / S


def influence(value):
    """k f(s): how the entropy changes with one more singular value, times k."""
    return (value * (ratio + 1) - value * sp.log(value)) / mean


at_origin = sp.limit(influence(s), s, 0, "+")
half = 2 * sp.cos(phi)  # s as a function of θ = 2φ, at c = 1
circle = 2 / sp.pi * sp.integrate(half, (phi, 0, sp.pi / 2))
# ∫ cosφ log cosφ dφ by u = sinφ: half of ∫ log(1 - u²) du, and log(1 - u) integrates as log u does.
log_part = sp.integrate(sp.log(u), (u, 0, 1)) + sp.integrate(sp.log(1 + u), (u, 0, 1))
circle_log = circle * sp.log(2) + 2 / sp.pi * log_part
average = sp.simplify((circle * (ratio + 1) - circle_log) / mean)
shift = sp.simplify((influence(sp.Integer(2)) + at_origin) / 4 - average / 2) * share
assert abs(float(shift - library["finite-size shift, square"])) < 1e-14
print(f"shift of a square matrix: {float(shift):.4f}")
for n in (100, 400):
    assert abs(random_effective_rank(n, n).value - float(share * n + shift)) < 0.1 / n

# %% [markdown]
# ## 4. Simulation
#
# 2,000 Gaussian matrices of two shapes, and the same shape with entries that break the hypothesis.

# %%
DRAWS = 2000
rng = np.random.default_rng(0)


def sample(entries):
    return effective_rank(torch.from_numpy(entries)).numpy()


samples = {shape: sample(rng.standard_normal((DRAWS, *shape))) for shape in ((64, 64), (48, 96))}
controls = {
    "Student t, 2 degrees of freedom": sample(rng.standard_t(2, size=(DRAWS // 2, 64, 64))),
    "rows correlated by 0.5": sample(
        np.sqrt(0.5) * (rng.standard_normal((DRAWS // 2, 64, 64)) + rng.standard_normal((DRAWS // 2, 1, 64)))
    ),
}
signs = sample(rng.choice([-1.0, 1.0], size=(DRAWS // 2, 64, 64)))
for shape, found in samples.items():
    null = random_effective_rank(*shape)
    error = found.std() / np.sqrt(DRAWS)
    print(
        f"{shape}: mean {found.mean():.3f} ± {error:.3f} (null {null.value:.3f}), "
        f"spread {found.std():.3f} (null {null.standard_deviation:.3f}), "
        f"above the null's 95 % quantile: {np.mean(found > null.quantile(0.95)):.3f}"
    )
    # The neglected term is of relative order 1/k², with a factor of 1.3 for square matrices.
    assert abs(found.mean() - null.value) < 4 * error + 2 * null.value / min(shape) ** 2
    assert abs(found.std() / null.standard_deviation - 1) < 4 / np.sqrt(2 * DRAWS) + 2 / min(shape)
square = random_effective_rank(64, 64)
for name, found in controls.items():
    print(
        f"{name}: {found.mean():.2f}, "
        f"{(found.mean() - square.value) / square.standard_deviation:.0f} spreads away"
    )
    assert abs(found.mean() - square.value) > 10 * square.standard_deviation
print(f"entries ±1: mean {signs.mean():.3f}, spread {signs.std():.3f}")

# %% [markdown]
# Entries $\pm1$ obey the same leading law (it is universal), but not the same shift and spread: those depend
# on the fourth cumulant of the entries. The null is exact in its second order for Gaussian entries alone.

# %%
with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.7), layout="constrained")
    for axis, (shape, found) in zip(axes, samples.items(), strict=True):
        null = random_effective_rank(*shape)
        grid = np.linspace(null.quantile(1e-4), null.quantile(1 - 1e-4), 200)
        axis.hist(found, bins=40, density=True, color="0.8", label=f"{DRAWS:,} Gaussian matrices")
        axis.plot(
            grid,
            stats.norm.pdf(grid, null.value, null.standard_deviation),
            color="C0",
            label="null, with shift",
        )
        axis.set(xlabel=f"effective rank, {shape[0]} × {shape[1]}", ylabel="density")
    axes[0].axvline(float(share) * 64, color="C3", linestyle=":", ymax=0.8, label="0.80504 n, no shift")
    axes[0].hist(signs, bins=40, density=True, histtype="step", color="C1", label="entries ±1")
    axes[0].set_ylim(0, 2.4)
    axes[0].legend(fontsize="small", loc="upper left", ncols=2)
    plt.show()

# %% [markdown]
# ## References
#
# - O. Roy, M. Vetterli, *The effective rank: a measure of effective dimensionality*, EUSIPCO 2007.
# - V. Marchenko, L. Pastur, *Distribution of eigenvalues for some sets of random matrices*, 1967.
# - Z. Bai, J. Silverstein, *CLT for linear spectral statistics of large-dimensional sample covariance
#   matrices*, Annals of Probability 2004. Shift, spread and the closed form for square matrices are derived
#   here.
