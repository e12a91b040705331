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
# # The stable rank of a random matrix
#
# $\mathrm{srank}=\|W\|_F^2/s_1^2$. Its null rests on one number, the largest singular value.
#
# **Claim.** For an $m\times n$ matrix of independent Gaussian entries, with
# $\mu=(\sqrt{m-\frac12}+\sqrt{n-\frac12})^2$ and
# $\varsigma=\sqrt\mu\,(1/\sqrt{m-\frac12}+1/\sqrt{n-\frac12})^{1/3}$,
#
# $$\mathrm E[\mathrm{srank}]\approx\frac{mn}{\mu_1},\qquad
# \frac{\mathrm{sd}}{\mathrm E}\approx\sqrt{1.6078\,\frac{\varsigma^2}{\mu_1^2}-\frac{2}{mn}},\qquad
# \mu_1=\mu-1.2065\,\varsigma .$$
#
# $\mu_1$ is the mean of $s_1^2$ by Tracy and Widom's law; the edge of Marchenko and Pastur's law alone,
# $(\sqrt m+\sqrt n)^2$, gives a stable rank 4 % low at $100\times100$.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from scipy import stats

from lowcomplex.measures import stable_rank
from lowcomplex.plots import style
from lowcomplex.predictions import random_stable_rank

torch.set_num_threads(1)
library = random_stable_rank.expressions
m, n = sp.symbols("m n", positive=True)

# %% [markdown]
# ## 1. The stable rank is independent of the norm
#
# A Gaussian matrix is a direction $W/\|W\|$, uniform on the sphere, times an independent norm. The stable
# rank depends on the direction alone, and $\log s_1^2=\log\|W\|_F^2-\log\mathrm{srank}$ is a difference of
# independent terms:
#
# $$\mathrm{Var}\log s_1^2=\mathrm{Var}\log\|W\|_F^2+\mathrm{Var}\log\mathrm{srank}.$$
#
# So the norm's share is *subtracted* from the relative variance of $s_1^2$. $\|W\|_F^2$ is $\chi^2$ with $mn$
# degrees of freedom:

# %%
degrees, x = sp.symbols("N x", positive=True)
chi_squared = x ** (degrees / 2 - 1) * sp.exp(-x / 2) / (2 ** (degrees / 2) * sp.gamma(degrees / 2))


def moment(order):
    return sp.gammasimp(sp.integrate(chi_squared * x**order, (x, 0, sp.oo), conds="none"))


assert sp.simplify(moment(1) - degrees) == 0
norm_share = sp.simplify((moment(2) - moment(1) ** 2) / moment(1) ** 2)
assert sp.simplify(norm_share - 2 / degrees) == 0

mean_tw, variance_tw = sp.Float("-1.2065335745820", 14), sp.Float("1.607781034581", 13)
top = library["mu"] + mean_tw * library["varsigma"]
assert sp.simplify(top - library["mean of s_1²"]) == 0
spread = (
    m * n / top * sp.sqrt(variance_tw * library["varsigma"] ** 2 / top**2 - norm_share.subs(degrees, m * n))
)
numbers = {m: 70, n: 30}
assert abs(float((spread - library["spread of the stable rank"]).subs(numbers))) < 1e-12
null = random_stable_rank(70, 30)
assert abs(null.value - float(library["stable rank"].subs(numbers))) < 1e-10
assert abs(null.standard_deviation - float(spread.subs(numbers))) < 1e-10
library["stable rank"]

# %% [markdown]
# ## 2. How large the corrections are
#
# For square matrices $\mu_1=4n-1.2065\cdot 2^{4/3}n^{1/3}+\dots$: the correction to $n/4$ dies only as
# $n^{-2/3}$, so the edge alone is not good enough at any width in use.

# %%
large = sp.Symbol("n", positive=True)
square = library["stable rank"].subs({m: large, n: large}, simultaneous=True) / large
correction = -mean_tw * 2 ** sp.Rational(4, 3) / 16
for width in (10**4, 10**6):
    excess = float(square.subs(large, sp.Integer(width)).evalf(30)) - 0.25
    assert abs(excess * width ** (2 / 3) / float(correction) - 1) < width ** (-1 / 3)
print(f"srank/n = 1/4 + {float(correction):.4f} n^(-2/3)")
for width in (100, 1000, 10000):
    print(f"n = {width}: {float(square.subs(large, width)):.4f} n")

# %% [markdown]
# ## 3. Simulation
#
# 2,000 Gaussian matrices, how independent stable rank and norm are, and what heavy tails do.

# %%
DRAWS = 2000
rng = np.random.default_rng(0)


def sample(entries):
    return stable_rank(torch.from_numpy(entries)).numpy()


shapes = ((64, 64), (48, 96))
draws = {shape: rng.standard_normal((DRAWS, *shape)) for shape in shapes}
samples = {shape: sample(entries) for shape, entries in draws.items()}
for shape, found in samples.items():
    null, least = random_stable_rank(*shape), min(shape)
    error = found.std() / np.sqrt(DRAWS)
    norms = np.square(draws[shape]).sum((1, 2))
    correlation = np.corrcoef(found, norms)[0, 1]
    edge = float(library["stable rank, edge alone"].subs({m: shape[0], n: shape[1]}))
    print(
        f"{shape}: mean {found.mean():.3f} ± {error:.3f} (null {null.value:.3f}, edge alone {edge:.3f}), "
        f"spread {found.std():.3f} (null {null.standard_deviation:.3f}), correlation with the norm "
        f"{correlation:.3f}"
    )
    # Tracy and Widom's law is reached at a rate of k^(-2/3); 1/E[x] differs from E[1/x] by k^(-4/3).
    assert abs(found.mean() - null.value) < 4 * error + null.value * least ** (-4 / 3)
    assert abs(found.std() / null.standard_deviation - 1) < 4 / np.sqrt(2 * DRAWS) + least ** (-2 / 3)
    assert abs(correlation) < 4 / np.sqrt(DRAWS)
    assert (null.value - edge) / error > 50
heavy = sample(rng.standard_t(2, size=(DRAWS // 2, 64, 64)))
planted = draws[64, 64][: DRAWS // 2].copy()
directions = rng.standard_normal((2, DRAWS // 2, 64)) / 8
planted += 6 * directions[0][:, :, None] * directions[1][:, None, :]
hidden = sample(planted)
planted += 18 * directions[0][:, :, None] * directions[1][:, None, :]
visible = sample(planted)
square_null = random_stable_rank(64, 64)
for name, found in (("Student t, 2 degrees", heavy), ("planted part, s = 3 sqrt n", visible)):
    print(f"{name}: {found.mean():.2f} against {square_null.value:.2f}")
    assert abs(found.mean() - square_null.value) > 5 * square_null.standard_deviation
print(f"planted part, s = 0.75 sqrt n: {hidden.mean():.2f}, hidden below the threshold")
assert abs(hidden.mean() - square_null.value) < square_null.standard_deviation

# %%
with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.7), layout="constrained")
    for axis, (shape, found) in zip(axes, samples.items(), strict=True):
        null = random_stable_rank(*shape)
        grid = np.linspace(null.quantile(1e-4), null.quantile(1 - 1e-4), 200)
        axis.hist(found, bins=20, density=True, color="0.8", label=f"{DRAWS:,} Gaussian matrices")
        axis.plot(grid, stats.norm.pdf(grid, null.value, null.standard_deviation), color="C0", label="null")
        edge = float(library["stable rank, edge alone"].subs({m: shape[0], n: shape[1]}))
        axis.axvline(edge, color="C3", linestyle=":", label="edge alone")
        axis.set(xlabel=f"stable rank, {shape[0]} × {shape[1]}", ylabel="density")
    axes[0].hist(visible, bins=20, density=True, histtype="step", color="C1", label="planted rank 1")
    axes[0].legend(fontsize="small")
    plt.show()

# %% [markdown]
# ## References
#
# - I. Johnstone, *On the distribution of the largest eigenvalue in principal components analysis*, Annals of
#   Statistics 2001, theorem 1.1.
# - Z. Ma, *Accuracy of the Tracy-Widom limits for the extreme eigenvalues in white Wishart matrices*,
#   Bernoulli 2012, arXiv 0810.1329: the centering with $m-\frac12$ and $n-\frac12$.
# - J. Baik, G. Ben Arous, S. Péché, Annals of Probability 2005: a planted part shows in $s_1$ only beyond a
#   threshold, here $s=\sqrt n$. The spread of the stable rank is derived here.
