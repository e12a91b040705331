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
# # Close pairs among random directions
#
# Condensed neurons point the same way. How many pairs of neurons would by chance?
#
# **Claim.** Of the $N=\frac{m(m-1)}2$ pairs among $m$ independent uniform directions in $\mathbb R^d$, the
# number with $|\cos|>\tau$ has
#
# $$\text{mean }Np,\qquad\text{variance }Np(1-p),\qquad p=I_{1-\tau^2}\big(\tfrac{d-1}2,\tfrac12\big),$$
#
# exactly, as if the pairs were independent. They are so two at a time, but not three at a time: these
# moments are binomial, the distribution is not.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from scipy import stats

from lowcomplex.measures import cosine_similarity
from lowcomplex.plots import style
from lowcomplex.predictions import random_cosines
from lowcomplex.theorems.random_cosines.formula import pair_count_skewness

torch.set_num_threads(1)
library = random_cosines.expressions

# %% [markdown]
# ## 1. One pair
#
# Seen from one direction, the other lies on a circle of latitude $z=\cos\vartheta$ whose size is
# $\sin^{d-2}\vartheta$: the density of $z$ is $(1-z^2)^{(d-3)/2}/B(\frac12,\frac{d-1}2)$, and its tail is a
# regularized beta function of $1-\tau^2$.

# %%
z, tau = sp.symbols("z tau", positive=True)
symbols = {str(symbol): symbol for formula in library.values() for symbol in formula.free_symbols}
for d in (3, 4, 5, 8):
    density = library["density of the cosine"].subs({symbols["d"]: d, symbols["z"]: z})
    assert sp.gammasimp((2 * sp.integrate(density, (z, 0, 1))).rewrite(sp.gamma)) == 1
    tail = 2 * sp.integrate(density, (z, tau, 1))
    library_p = library["p"].subs({symbols["d"]: d, symbols["tau"]: tau})
    for threshold in (sp.Rational(1, 5), sp.Rational(3, 4)):
        symbolic = float(tail.subs(tau, threshold))
        assert abs(symbolic - float(library_p.subs(tau, threshold).evalf())) < 1e-12
        assert abs(symbolic - random_cosines(2, d, float(threshold)).value) < 1e-12

# %% [markdown]
# ## 2. Two pairs are independent, three are not
#
# Given direction 2, the cosines of 1 and 3 with it are independent, for every 2: pairs $(1,2)$ and $(2,3)$
# are independent, and variances add. The triangle $(1,2),(2,3),(3,1)$ is another matter. On the circle
# ($d=2$) "close" means an angle below $w=\arccos\tau$ and everything can be counted:

# %%
w, a, b = sp.symbols("w a b", positive=True)
# Signed, d = 2: neighbors at angles a, b in (-w, w); 1 and 3 are close if |a - b| < w.
p_circle = w / sp.pi
both = p_circle**2
all_three = (
    2 * (sp.integrate(sp.integrate(1, (b, a - w, w)), (a, 0, w))) / (2 * sp.pi) ** 2
)  # for w < π/3 no pair closes around the back
assert sp.simplify(all_three - 3 * w**2 / (4 * sp.pi**2)) == 0
t_circle = sp.expand(all_three - 3 * p_circle * both + 2 * p_circle**3)
assert sp.limit(t_circle / p_circle**2, w, 0) == sp.Rational(3, 4)

# %% [markdown]
# If 1 is close to 2 and 2 to 3, then 1 is close to 3 with probability ¾. In general
# $t=\sum_{l\ge1}N(d,l)\lambda_l^3$ over spherical harmonics (on the circle $\lambda_l=\frac{\sin lw}{\pi l}$,
# two for each $l$), and the third cumulant of the count is $Np(1-p)(1-2p)+m(m-1)(m-2)\,t$. Its second term
# grows as fast as the variance to the power 3/2: the skewness does *not* vanish as $m$ grows.

# %%
width = 0.6
order = np.arange(1, 200_000)
series = 2 * np.sum((np.sin(order * width) / (np.pi * order)) ** 3)
assert abs(series - float(t_circle.subs(w, width))) < 1e-12
m, p, t = symbols["m"], symbols["p"], symbols["t"]
limit = sp.limit(library["third cumulant"] / library["variance"] ** sp.Rational(3, 2), m, sp.oo)
assert sp.simplify(limit - 2 * sp.sqrt(2) * t / (p * (1 - p)) ** sp.Rational(3, 2)) == 0
for d, threshold in ((3, 0.5), (16, 0.5), (64, 0.3)):
    skewness = [pair_count_skewness(neurons, d, threshold) for neurons in (100, 1000, 10000)]
    print(
        f"d = {d}, τ = {threshold}: skewness at m = 100, 1000, 10000:",
        *(f"{value:.3f}" for value in skewness),
    )

# %% [markdown]
# ## 3. Simulation
#
# Counts over 4,000 draws of 100 directions; and with rows that share a mean.

# %%
DRAWS, NEURONS = 4000, 100
rng = np.random.default_rng(0)


def counts(matrices, threshold):
    close = cosine_similarity(torch.from_numpy(matrices)).abs() > threshold
    return (close.sum((1, 2)).numpy() - NEURONS) / 2


cases = ((16, 0.5), (3, 0.5))
samples = {
    case: np.concatenate(
        [counts(rng.standard_normal((500, NEURONS, case[0])), case[1]) for _ in range(DRAWS // 500)]
    )
    for case in cases
}
for (d, threshold), found in samples.items():
    null = random_cosines(NEURONS, d, threshold)
    standard = (found - found.mean()) / found.std()
    skewness = np.mean(standard**3)
    predicted = pair_count_skewness(NEURONS, d, threshold)
    error = np.sqrt(np.mean(standard**6) / DRAWS)
    print(
        f"d = {d}: mean {found.mean():.2f} (null {null.value:.2f}), spread {found.std():.2f} "
        f"(null {null.standard_deviation:.2f}), skewness {skewness:.2f} ± {error:.2f} "
        f"(predicted {predicted:.2f})"
    )
    assert abs(found.mean() - null.value) < 4 * null.standard_deviation / np.sqrt(DRAWS)
    fourth = np.mean(standard**4)
    assert abs(found.std() / null.standard_deviation - 1) < 4 * np.sqrt((fourth - 1) / (4 * DRAWS))
    assert abs(skewness - predicted) < 4 * error
shared = counts(rng.standard_normal((500, NEURONS, 16)) + 0.5, 0.5)
null = random_cosines(NEURONS, 16, 0.5)
print(f"rows of a common mean: {shared.mean():.0f} pairs against {null.value:.0f}")
assert shared.min() > null.quantile(0.9999)

# %%
with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.7), layout="constrained")
    for axis, ((d, threshold), found) in zip(axes, samples.items(), strict=True):
        null = random_cosines(NEURONS, d, threshold)
        grid = np.linspace(found.min(), found.max(), 200)
        bins = np.arange(found.min() - 0.5, found.max() + 3, max(1, round(found.std() / 5)))
        axis.hist(
            found, bins=bins, density=True, color="0.8", label=f"{DRAWS:,} draws of {NEURONS} directions"
        )
        axis.plot(
            grid, stats.norm.pdf(grid, null.value, null.standard_deviation), color="C0", label="null, normal"
        )
        skewness = pair_count_skewness(NEURONS, d, threshold)
        gamma = stats.pearson3.pdf(grid, skewness, null.value, null.standard_deviation)
        axis.plot(grid, gamma, color="C3", linestyle="--", label="with the predicted skewness")
        axis.set(xlabel=f"pairs with |cos| > {threshold:g}, d = {d}", ylabel="density")
        axis.set_title(f"skewness {skewness:.2f}")
    axes[1].legend(fontsize="small")
    plt.show()

# %% [markdown]
# In few dimensions the count is far from normal, although mean and variance are exact: a quantile taken from
# the normal law is then too low, and chance clusters look significant. With $d$ in the tens the normal law
# is good.
#
# ## References
#
# - T. Cai, J. Fan, T. Jiang, *Distributions of angles in random packing on spheres*, JMLR 2013, arXiv
#   1306.0256: density and pairwise independence of the angles. Count and skewness are derived here.
