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
# # Linear networks learn their modes one by one
#
# $f(x)=W_L\cdots W_1x$ on whitened inputs, loss $\frac12\|W_L\cdots W_1-T\|_F^2$, gradient flow. A network
# that starts on the singular vectors of $T$ stays on them, and each mode $u$ with strength $s$ obeys an
# equation of its own:
#
# | start | equation | solution |
# | --- | --- | --- |
# | two balanced layers | $\dot u=2u(s-u)$ | sigmoid |
# | $L$ balanced layers | $\dot u=Lu^{2-2/L}(s-u)$ | time as a function of $u$ |
# | two layers of unequal size, $\ell=\lvert a^2-b^2\rvert$ | $\dot u=\sqrt{\ell^2+4u^2}\,(s-u)$ | Riccati |
#
# From a small start modes rise one after another, the strongest first: the effective rank of the product
# climbs a staircase. `lowcomplex.predictions.deep_linear_modes` holds the formulas.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch

from lowcomplex.measures import effective_rank
from lowcomplex.plots import style
from lowcomplex.predictions import deep_linear_modes
from lowcomplex.theorems.deep_linear_modes.formula import null_start, random_start
from lowcomplex.theorems.deep_linear_modes.mode_equations import layered_modes, unbalanced_mode

torch.set_num_threads(1)
library = deep_linear_modes.expressions


def put(formula, **values):
    """A formula of the library, with values for symbols of these names."""
    symbols = {symbol.name: symbol for symbol in library[formula].free_symbols}
    return library[formula].subs({symbols[name]: value for name, value in values.items()})


s, t, u0, length = sp.symbols("s t u_0 l", positive=True)
x, x0 = sp.symbols("x x_0", real=True)

# %% [markdown]
# ## 1. On the target's singular vectors the modes decouple
#
# Let $W_1$ and $W_2$ be diagonal in the bases of $T$: the gradient has no entry off the diagonal, and along
# it is that of two scalar layers.

# %%
a1, a2, b1, b2, s1, s2 = sp.symbols("a_1 a_2 b_1 b_2 s_1 s_2", real=True)
entries = sp.symbols("w_1:5", real=True)
first, second = sp.diag(a1, a2), sp.diag(b1, b2)
free = sp.Matrix(2, 2, entries)
error = second * free - sp.diag(s1, s2)
gradient = sp.Matrix(2, 2, [sp.diff((error.T * error).trace() / 2, entry) for entry in entries])
on_start = gradient.subs(dict(zip(entries, first, strict=True)))
assert on_start == sp.diag(b1 * (a1 * b1 - s1), b2 * (a2 * b2 - s2))

# %% [markdown]
# ## 2. $L$ balanced layers
#
# One mode, $u=\prod_i w_i$, $\dot w_i=(s-u)\,u/w_i$: differences $w_i^2-w_j^2$ are conserved. If all are
# equal, $w_i=u^{1/L}$,

# %%
w = sp.symbols("w_1:5", positive=True)
for depth in (2, 3, 4):
    layers = w[:depth]
    product = sp.prod(layers)
    rates = [(s - product) * product / layer for layer in layers]
    assert sp.expand(2 * layers[0] * rates[0] - 2 * layers[1] * rates[1]) == 0
    speed = sum(sp.diff(product, layer) * rate for layer, rate in zip(layers, rates, strict=True))
    u = sp.Symbol("u", positive=True)
    balanced = sp.powsimp(sp.expand(speed.subs({layer: u ** sp.Rational(1, depth) for layer in layers})))
    claimed = put("rate of u, L layers", L=depth, u=u)
    assert sp.simplify(balanced - claimed) == 0
library["rate of u, L layers"]

# %% [markdown]
# Two layers: the sigmoid. Modes that the target lacks ($s=0$) decay as a power of time at any depth.

# %%
sigmoid = library["u(t)"]
assert sp.simplify(sp.diff(sigmoid, t) - 2 * sigmoid * (s - sigmoid)) == 0
assert sp.simplify(sigmoid.subs(t, 0) - u0) == 0
assert sp.simplify(sp.limit(sigmoid, s, 0) - library["u(t) of a null mode"]) == 0
for depth in (2, 3, 5):
    null = put("u(t) of a null mode, L layers", L=depth)
    rate = put("rate of u, L layers", L=depth, s=0, u=null)
    assert sp.simplify(sp.diff(null, t) / rate) == 1

# %% [markdown]
# Any depth: with $v=u/s$ and $q=2-2/L$, $\;L s^{q}t=\Phi(v)-\Phi(v_0)$, $\Phi'(v)=\frac{v^{-q}}{1-v}$. The
# library's $\Phi$ is hypergeometric; for four layers it is elementary:

# %%
v = sp.Symbol("v", positive=True)
for depth in (3, 4, 7):
    derivative = sp.diff(put("L s^(2-2/L) t at u = s v", L=depth), v)
    power = sp.Rational(2 * depth - 2, depth)
    for share in (sp.Rational(1, 10), sp.Rational(2, 3)):
        assert abs((derivative - v**-power / (1 - v)).subs(v, share).evalf()) < 1e-12
four = 2 * sp.atanh(sp.sqrt(v)) - 2 / sp.sqrt(v)
assert sp.simplify(sp.diff(four, v) - v ** sp.Rational(-3, 2) / (1 - v)) == 0

h = 1e-5
for depth in (3, 4, 7):
    before, here, after = layered_modes([2.0], [0.1], [0.8 - h, 0.8, 0.8 + h], depth=depth)[:, 0]
    rate = float(put("rate of u, L layers", L=depth, s=2, u=here))
    assert abs((after - before) / (2 * h) / rate - 1) < 1e-8

# %% [markdown]
# The plateau before the rise is $\log(s/u_0)/2s$ with two layers, and a *power* of the start with more:
# $-\Phi(v_0)/(L s^q)\to\frac{u_0^{-(1-2/L)}}{(L-2)\,s}$. Depth sharpens the staircase.

# %%
depth = 4
plateau = -four.subs(v, u0 / s) / (depth * s ** sp.Rational(3, 2))
assert sp.limit(plateau * u0 ** sp.Rational(1, 2) * (depth - 2) * s, u0, 0) == 1

# %% [markdown]
# ## 3. Two layers of unequal size
#
# $\dot a=b(s-ab)$, $\dot b=a(s-ab)$ conserve $a^2-b^2$, so $\dot u=(a^2+b^2)(s-u)$ with
# $(a^2+b^2)^2=\ell^2+4u^2$. The substitution $u=\ell x/(1-x^2)$ turns this into Riccati's
# $\dot x=s-\ell x-s x^2$.

# %%
a, b = sp.symbols("a b", real=True)
pull = s - a * b
assert sp.expand(a * b * pull - b * a * pull) == 0
assert sp.expand((a**2 + b**2) ** 2 - (a**2 - b**2) ** 2 - 4 * (a * b) ** 2) == 0
of_x = library["u of x"]
riccati = s - length * x - s * x**2
rate = put("rate of u, unbalanced", u=of_x)
# The square root is l (1 + x²)/(1 - x²) for |x| < 1.
assert sp.simplify(rate - sp.sqrt(length**2 + 4 * of_x**2) * (s - of_x)) == 0
assert sp.simplify(length**2 + 4 * of_x**2 - (length * (1 + x**2) / (1 - x**2)) ** 2) == 0
rational = length * (1 + x**2) / (1 - x**2) * (s - of_x)
assert sp.simplify(sp.diff(of_x, x) * riccati - rational) == 0

solution = library["x(t)"]
assert sp.simplify(sp.diff(solution, t) - riccati.subs(x, solution)) == 0
assert sp.simplify(solution.subs(t, 0) - x0) == 0
start = put("x_0", u_0=-0.2, l=0.6)
then = put("x(t)", x_0=start, s=1.3, l=0.6, t=0.9)
symbolic = float(put("u of x", x=then, l=0.6))
assert abs(unbalanced_mode([1.3], [-0.2], [0.6], [0.9])[0, 0] - symbolic) < 1e-13

# %% [markdown]
# $\ell\to0$ is the sigmoid, with an error of order $\ell^2$; $\ell\gg s$ is an exponential,
# $\dot u=\ell(s-u)$: one layer hardly moves, the lazy regime of Kunin et al. A mode may start at zero or
# below it, where a balanced one would stay.

# %%
times = np.linspace(0, 5, 200)
sizes = np.array([1e-1, 1e-2, 1e-3])
gaps = [
    np.abs(unbalanced_mode([1.0], [0.01], [size], times) - deep_linear_modes([1.0], [0.01], times)).max()
    for size in sizes
]
print("distance from the sigmoid at l = 0.1, 0.01, 0.001:", *(f"{gap:.1e}" for gap in gaps))
assert abs(np.log10(gaps[1] / gaps[2]) - 2) < 0.05

# %% [markdown]
# ## 4. A random start
#
# Small Gaussian $W_1$ ($h\times d$) and $W_2$. For a mode $(u_i,v_i)$ of the target, $W_1v_i+W_2^Tu_i$
# grows as $e^{s_it}$ and $W_1v_i-W_2^Tu_i$ dies out; the product's mode is the square of half the growing
# part, so it follows the balanced law from $u_{0i}=|W_1v_i+W_2^Tu_i|^2/4$.
#
# The null part of the product, $U_0^TW_2W_1V_0$, obeys $\frac{d}{dt}(U_0^TW_2)=-U_0^TW_2\,W_1W_1^T$: it stays
# while $W_1W_1^T$ is small. Once mode $i$ is learned $W_1W_1^T$ has the eigenvalue $s_i$ along its hidden
# direction, and the null part dies out *there*. So it ends at $U_0^TW_2(1-P)W_1V_0$, $P$ the projection on
# the learned hidden directions, a relative $\sqrt{r/h}$ from its start.

# %%
p, m = sp.symbols("p m", real=True)  # the growing and dying part of one hidden unit's (W1 v, W2ᵀ u)
coupling = sp.Matrix([[0, s], [s, 0]])
assert coupling * sp.Matrix([p, p]) == s * sp.Matrix([p, p])
assert coupling * sp.Matrix([m, -m]) == -s * sp.Matrix([m, -m])
assert sp.expand(((p + m) / 2) * ((p - m) / 2)).subs(m, 0) == p**2 / 4

# %%
SIZE, STRENGTHS, STEP = 6, np.array([4.0, 2.0, 1.0]), 5e-3
rng = np.random.default_rng(0)
left, right = (np.linalg.qr(rng.standard_normal((SIZE, SIZE)))[0] for _ in range(2))
target = left[:, :3] * STRENGTHS @ right[:, :3].T


def descend(layers, end, step=STEP, every=10):
    """The product along gradient descent, every so many updates."""
    layers, path = list(layers), []
    for update in range(round(end / step) + 1):
        before = [np.eye(SIZE)]
        for layer in layers:
            before.append(layer @ before[-1])
        if update % every == 0:
            path.append(before[-1])
        pull, moved = target - before[-1], []
        for layer, early in zip(reversed(layers), reversed(before[:-1]), strict=True):
            moved.append(layer + step * pull @ early.T)
            pull = layer.T @ pull
        layers = moved[::-1]
    return np.array(path)


def rank_of(modes):
    return effective_rank(torch.from_numpy(np.array([np.diag(row) for row in modes]))).numpy()


staircases = {}
for width, sigma, end in ((200, 1e-4, 14.0), (200, 0.3, 14.0), (50, 1e-4, 14.0)):
    start = [sigma * rng.standard_normal((width, SIZE)), sigma * rng.standard_normal((SIZE, width))]
    path = descend(start, end)
    strengths, initial = random_start(*start, target)
    grid = STEP * 10 * np.arange(len(path))
    staircases[width, sigma] = grid, path, deep_linear_modes(strengths, initial, grid)
    if sigma < 0.1:
        ends = np.linalg.svd(path[-1], compute_uv=False)[3:]
        stay = np.linalg.svd(left[:, 3:].T @ start[1] @ start[0] @ right[:, 3:], compute_uv=False)
        print(
            f"h = {width}: null singular values at the end, relative to the frozen block "
            f"{np.abs(ends / stay - 1).max():.1e}, with learned directions taken out "
            f"{np.abs(ends / null_start(*start, target) - 1).max():.1e}"
        )
        assert np.abs(ends / null_start(*start, target) - 1).max() < 8 * sigma**2 * width * end + 2 * STEP**2
grid, path, modes = staircases[200, 1e-4]
late = grid > 1.5
miss = np.abs(effective_rank(torch.from_numpy(path)).numpy() - rank_of(modes))[late]
print(f"effective rank of the product after t = 1.5: mean error {miss.mean():.4f}, largest {miss.max():.4f}")
assert miss.mean() < 1 / np.sqrt(200)

# %% [markdown]
# ## 5. Deeper and unequal networks, trained
#
# Gradient descent from spectral starts of three and four layers, and of two layers with $\ell$ from 0.1 to 5,
# where the largest layer leads; the error is that of Euler's method, of order $\eta$.

# %%
bases = [right, *(np.linalg.qr(rng.standard_normal((SIZE, SIZE)))[0] for _ in range(3))]
deep = {}
for depth in (2, 3, 4):
    initial = np.array([0.03, 0.03, 0.03, 0.0, 0.0, 0.0]) + 1e-6
    ends = [*bases[:depth], left]
    start = [ends[index + 1] * initial ** (1 / depth) @ ends[index].T for index in range(depth)]
    errors = []
    for step in (4e-3, 2e-3):
        path = np.einsum("ki,tij,jk->tk", left.T, descend(start, 12.0, step, round(0.1 / step)), right)
        grid = 0.1 * np.arange(len(path))
        exact = layered_modes(np.append(STRENGTHS, [0, 0, 0]), initial, grid, depth=depth)
        errors.append(np.abs(path - exact).max())
    deep[depth] = grid, path, exact
    print(
        f"L = {depth}: error {errors[0]:.4f} at η = 4e-3, ratio {errors[0] / errors[1]:.3f} when η is halved"
    )
    assert abs(np.log2(errors[0] / errors[1]) - 1) < 0.05
unequal = {}
for size in (0.1, 1.0, 5.0):
    # a b = 0.01 for all modes and a² - b² = l.
    large = np.sqrt((size + np.sqrt(size**2 + 4e-4)) / 2)
    start = [bases[1] * large @ right.T, left * (0.01 / large) @ bases[1].T]
    path = np.einsum("ki,tij,jk->tk", left.T, descend(start, 3.0, 1e-3, 50), right)
    grid = 0.05 * np.arange(len(path))
    exact = unbalanced_mode(STRENGTHS, [0.01] * 3, [size] * 3, grid)
    unequal[size] = grid, path, exact
    assert np.abs(path[:, :3] - exact).max() < 0.03

# %%
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9.5, 2.8), layout="constrained")
    for (width, sigma), color, label in (
        ((200, 1e-4), "C0", "σ = 1e-4"),
        ((200, 0.3), "C3", "σ = 0.3 (control)"),
    ):
        grid, path, modes = staircases[width, sigma]
        axes[0].plot(grid, effective_rank(torch.from_numpy(path)), color=color, label=label)
        if sigma < 0.1:
            shown = grid > 1.5
            axes[0].plot(grid[shown], rank_of(modes)[shown], "k:", label="closed form")
    axes[0].set(xlabel="time t", ylabel="effective rank of the product")
    axes[0].legend(fontsize="small")
    for depth, color in ((2, "C0"), (3, "C1"), (4, "C2")):
        grid, path, exact = deep[depth]
        axes[1].plot(grid, exact[:, :3], color=color, linewidth=1)
        axes[1].plot(grid[::4], path[::4, :3], "o", markersize=2, color=color)
        axes[1].plot([], [], color=color, label=f"{depth} layers")
    axes[1].set(xlabel="time t", ylabel="mode u", xlim=(0, 8))
    axes[1].legend(fontsize="small")
    for size, color in ((0.1, "C0"), (1.0, "C1"), (5.0, "C2")):
        grid, path, exact = unequal[size]
        axes[2].plot(grid, exact, color=color, linewidth=1)
        axes[2].plot(grid[::2], path[::2, :3], "o", markersize=2, color=color)
        axes[2].plot([], [], color=color, label=f"ℓ = {size:g}")
    axes[2].set(xlabel="time t", ylabel="mode u, two unequal layers")
    axes[2].legend(fontsize="small")
    plt.show()

# %% [markdown]
# ## References
#
# - A. Saxe, J. McClelland, S. Ganguli, *Exact solutions to the nonlinear dynamics of learning in deep linear
#   neural networks*, ICLR 2014, arXiv 1312.6120.
# - D. Kunin et al., *Get rich quick: exact solutions reveal how unbalanced initializations promote rapid
#   feature learning*, NeurIPS 2024, arXiv 2406.06158.
# - C. Dominé et al., *From lazy to rich: exact learning dynamics in deep linear networks*, 2024, arXiv
#   2409.14623. Random start and null modes are derived here.
