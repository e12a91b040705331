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
# # A diagonal linear network: from ℓ1 to ℓ2 as the start grows
#
# Regression $X\beta=y$ with more unknowns than equations, $\beta=u^2-v^2$ entry by entry, gradient flow from
# $u=v=\alpha\mathbf 1$. Of all solutions, which one is reached?
#
# **Claim.** The one that minimizes $\sum_i\alpha^2q(\beta_i/\alpha^2)$,
# $q(z)=2-\sqrt{4+z^2}+z\,\mathrm{asinh}(z/2)$: nearly the $\ell_1$ norm for small $\alpha$ (sparse), the
# $\ell_2$ norm for large $\alpha$ (dense), which it approaches as
#
# $$\beta=\beta_{\ell_2}+\frac{(1-X^+X)\,\beta_{\ell_2}^3}{24\,\alpha^4}+O(\alpha^{-8}).$$
#
# The scale of the start sets the complexity of the solution. The formula is
# `lowcomplex.predictions.diagonal_linear`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from scipy.integrate import solve_ivp
from scipy.optimize import linprog

from lowcomplex.measures import effective_rank
from lowcomplex.plots import style
from lowcomplex.predictions import diagonal_linear
from lowcomplex.theorems.diagonal_linear.formula import least_norm_correction, minimum_norm

library = diagonal_linear.expressions


def put(formula, **values):
    """A formula of the library, with values for symbols of these names."""
    symbols = {symbol.name: symbol for symbol in library[formula].free_symbols}
    return library[formula].subs({symbols[name]: value for name, value in values.items()})


# %% [markdown]
# ## 1. The flow stays on a curve
#
# $\dot u=-2u\,g$, $\dot v=2v\,g$ with $g=X^T(X\beta-y)$: the product $uv=\alpha^2$ is conserved entry by
# entry, and $\log(u/v)$ only integrates $g$. With $4\int(-g)\,dt=X^T\nu$ this is
# $\beta=2\alpha^2\sinh(X^T\nu)$: at all times $\beta$ lies on a manifold of dimension $n$.

# %%
t, alpha = sp.symbols("t alpha", positive=True)
force = sp.Function("g")(t)
total = sp.Integral(force, t)
u, v = alpha * sp.exp(-2 * total), alpha * sp.exp(2 * total)
assert sp.simplify(sp.diff(u, t) + 2 * u * force) == 0
assert sp.simplify(sp.diff(v, t) - 2 * v * force) == 0
assert sp.simplify(u * v) == alpha**2
dual = sp.Symbol("nu", real=True)
beta_of_dual = (u**2 - v**2).subs(total, -dual / 4)
assert sp.simplify((beta_of_dual - put("beta(nu)", alpha=alpha, nu=dual)).rewrite(sp.exp)) == 0

# %% [markdown]
# ## 2. The limit is the minimizer of a penalty
#
# Lagrange's condition for $\min\sum\alpha^2q(\beta_i/\alpha^2)$ subject to $X\beta=y$ is
# $q'(\beta_i/\alpha^2)=(X^T\nu)_i$. $q'(z)=\mathrm{asinh}(z/2)$ inverts the curve above, and $q''>0$ makes
# the solution unique.

# %%
z = sp.Symbol("z", real=True)
q = put("q(z)", z=z)
assert sp.simplify(sp.diff(q, z) - sp.asinh(z / 2)) == 0
on_curve = put("stationarity", beta=2 * alpha**2 * sp.sinh(dual), alpha=alpha)
assert abs(float(on_curve.subs(dual, 1.4)) - 1.4) < 1e-14
assert sp.simplify(sp.diff(q, z, 2) - 1 / sp.sqrt(4 + z**2)) == 0

# %% [markdown]
# ## 3. Large and small $\alpha$
#
# Small $z$ (large $\alpha$): $q=z^2/4-z^4/192$, whose slope's second term gives the correction to the
# least-norm solution. Large $z$ (small $\alpha$): $q\to|z|\log|z|$, the $\ell_1$ norm up to a logarithm,
# which is why the approach to $\ell_1$ is slow.

# %%
assert sp.series(q, z, 0, 6).removeO() == z**2 / 4 - z**4 / 192
beta = sp.Symbol("beta", real=True)
slope = put("slope at large alpha", beta=beta, alpha=alpha)
assert (
    sp.simplify(sp.diff(alpha**2 * (z**2 / 4 - z**4 / 192), z).subs(z, beta / alpha**2) / alpha**2 - slope)
    == 0
)
# N slope = 0 for the projector N on the kernel of X: N β = N β³/(24 α⁴).
assert sp.simplify(slope * 2 * alpha**2 - (beta - beta**3 / (24 * alpha**4))) == 0
large = sp.Symbol("z", positive=True)
assert sp.limit(put("q(z)", z=large) / (large * sp.log(large)), large, sp.oo) == 1

# %% [markdown]
# ## 4. Runs
#
# Ten equations, thirty unknowns, a planted solution of three entries; $u$ and $v$ integrated, not $\nu$.

# %%
SAMPLES, UNKNOWNS = 10, 30


def problem(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((SAMPLES, UNKNOWNS)) / np.sqrt(SAMPLES)
    planted = np.zeros(UNKNOWNS)
    planted[:3] = 1, -1.5, 2
    return x, x @ planted


def flow(x, y, scale, start=1.0):
    """β where the flow has come to rest, from u = scale · start, v = scale."""
    signs = np.repeat((1.0, -1.0), UNKNOWNS)

    def gradient(w):
        return np.tile(x.T @ (x @ (w[:UNKNOWNS] ** 2 - w[UNKNOWNS:] ** 2) - y), 2)

    def jacobian(_, w):
        scaled = signs * w
        return np.diag(-2 * signs * gradient(w)) - 4 * scaled[:, None] * np.tile(x.T @ x, (2, 2)) * scaled

    w = solve_ivp(
        lambda _, w: -2 * signs * w * gradient(w),
        (0, 1e6),
        scale * np.append(start * np.ones(UNKNOWNS), np.ones(UNKNOWNS)),
        method="LSODA",
        jac=jacobian,
        rtol=1e-11,
        atol=1e-14 * scale,
    ).y[:, -1]
    return w[:UNKNOWNS] ** 2 - w[UNKNOWNS:] ** 2


def entropy_rank(solution):
    """exp of the entropy of |β_i| / Σ|β|: how many entries carry the solution."""
    return float(effective_rank(torch.from_numpy(np.diag(solution))))


x, y = problem(0)
nearest, correction = minimum_norm(x, y), least_norm_correction(x, y)
trained_scales = np.array([1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0])
trained = np.array([flow(x, y, scale) for scale in trained_scales])
for scale, found in zip(trained_scales, trained, strict=True):
    exact = diagonal_linear(x, y, alpha=scale)
    error = np.linalg.norm(found - exact) / np.linalg.norm(exact)
    distance = np.linalg.norm(exact - nearest)
    print(
        f"α = {scale:<6g} error of the formula {error:.1e}, entropy rank {entropy_rank(found):5.2f}, "
        f"distance to ℓ2 {distance:.1e} (α^-4 law {np.linalg.norm(correction) / scale**4:.1e})"
    )
    # u² - v² holds 4α² times the integrator's error.
    assert error < 1e-8 * max(1, scale**2)
far = np.linalg.norm(trained[-1] - nearest) * trained_scales[-1] ** 4
assert abs(far / np.linalg.norm(correction) - 1) < 1e-2

# %% [markdown]
# Control: a start with $u\ne v$ ends elsewhere. And the ℓ1 side: the excess of the ℓ1 norm over the least
# possible falls with $\alpha$, at a rate that depends on the data.

# %%
unequal = 1 + 0.5 * np.random.default_rng(1).uniform(-1, 1, UNKNOWNS)
scales = np.geomspace(1e-4, 10, 26)
off = [
    np.linalg.norm(flow(x, y, scale, unequal) - diagonal_linear(x, y, alpha=scale)) / np.linalg.norm(nearest)
    for scale in (0.1, 1.0)
]
print("control, u = α (1 ± 0.5): relative errors at α = 0.1 and 1:", *(f"{value:.2f}" for value in off))
assert min(off) > 1e-2

excess, exponents = {}, []
for seed in range(6):
    inputs, labels = problem(seed)
    pairs = np.hstack((inputs, -inputs))
    least = linprog(np.ones(2 * UNKNOWNS), A_eq=pairs, b_eq=labels, bounds=(0, None)).fun
    norms = [np.abs(diagonal_linear(inputs, labels, alpha=scale)).sum() for scale in scales]
    excess[seed] = np.array(norms) / least - 1
    small = scales < 1e-2
    exponents.append(np.polyfit(np.log(scales[small]), np.log(excess[seed][small]), 1)[0])
print("exponent of the ℓ1 excess below α = 0.01, six data sets:", *(f"{value:.2f}" for value in exponents))
assert all((values > -1e-9).all() for values in excess.values())

# %%
path = np.array([diagonal_linear(x, y, alpha=scale) for scale in scales])
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9.5, 2.8), layout="constrained")
    axes[0].semilogx(
        scales, [entropy_rank(found) for found in path], color="0.6", label="penalty's minimizer"
    )
    axes[0].semilogx(
        trained_scales, [entropy_rank(found) for found in trained], "o", color="C0", label="gradient flow"
    )
    axes[0].set(xlabel="scale of the start α", ylabel="entropy rank of |β|", ylim=(0, None))
    axes[0].legend(fontsize="small")
    axes[1].loglog(scales, np.linalg.norm(path - nearest, axis=1), color="0.6")
    axes[1].loglog(trained_scales, np.linalg.norm(trained - nearest, axis=1), "o", color="C0")
    late = scales[scales > 0.4]
    axes[1].loglog(late, np.linalg.norm(correction) / late**4, "k:", label="predicted, α^-4")
    axes[1].set(xlabel="scale of the start α", ylabel="distance to the least ℓ2 norm", ylim=(1e-8, 30))
    axes[1].legend(fontsize="small")
    for seed, values in excess.items():
        axes[2].loglog(scales, values, color="C0" if seed == 0 else "0.7", linewidth=1)
    axes[2].set(xlabel="scale of the start α", ylabel="excess of the ℓ1 norm, six data sets")
    plt.show()

# %% [markdown]
# ## References
#
# - B. Woodworth et al., *Kernel and rich regimes in overparametrized models*, COLT 2020, arXiv 2002.09277,
#   theorem 1. The correction at large $\alpha$ is derived here.
