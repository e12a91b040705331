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
#   lowcomplex:
#     slow: true
# ---

# %% [markdown]
# # Rank collapse: deep networks escape late, and nearly of rank one
#
# $L\ge3$ matrices, $f(x)=W_L\,s(\cdots s(W_1x))$ with $s$ linear or $\tanh$, no biases, gradient flow on
# $L(\theta)=\frac1{2n}\sum_i(f(x_i)-y_i)^2$ from matrices $\sigma W_l^{(1)}$.
#
# **Claim.** The loss has lost a small share $\delta$ at $T=T_1\,\sigma^{-(L-2)}-\text{tail}$, with $T_1$ the
# blow-up time of the leading flow from $\sigma=1$. At that time the middle matrix $W_2$ has one singular
# value $s_1\approx(\delta L_0/\lambda)^{1/L}$ that does not depend on $\sigma$; all others are $\sigma$ times
# finite limits. Hence $s_2/s_1\propto\sigma$, and the effective rank tends to one.
#
# $v=\frac1n\sum_iy_ix_i$, $\lambda=|v|$, $\hat v=v/\lambda$ as in the linear stage.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from scipy.integrate import solve_ivp

from lowcomplex.measures import effective_rank
from lowcomplex.plots import style
from lowcomplex.predictions import rank_collapse
from lowcomplex.theorems.linear_stage.formula import driving_vector
from lowcomplex.theorems.rank_collapse.formula import deep_escape

torch.set_num_threads(1)
library = rank_collapse.expressions
L = sp.Symbol("L", positive=True)


def in_library(expression, name):
    """Whether an expression is the library's of that name for three to six matrices."""
    by_name = {str(symbol): symbol for symbol in library[name].free_symbols}
    renamed = expression.subs({symbol: by_name[str(symbol)] for symbol in expression.free_symbols})
    difference = renamed - library[name]
    return all(sp.simplify(difference.subs(by_name["L"], depth)) == 0 for depth in range(3, 7))


# %% [markdown]
# ## 1. The leading flow
#
# Two samples, two inputs, three $2\times2$ and smaller matrices, symbolic, all scaled by $\varepsilon$. To
# leading order, $\varepsilon^{L-1}$, only $v$ is left of the data, and $\dot W_l=(W_L\cdots
# W_{l+1})^T(W_{l-1}\cdots W_1v)^T$:

# %%
eps, s3 = sp.symbols("epsilon s_3", real=True)
x = sp.Matrix(2, 2, sp.symbols("x_1:5", real=True))
y = sp.Matrix(sp.symbols("y_1:3", real=True))
W1 = sp.Matrix(2, 2, sp.symbols("w_1:5", real=True))
W2 = sp.Matrix(2, 2, sp.symbols("u_1:5", real=True))
W3 = sp.Matrix(1, 2, sp.symbols("a_1:3", real=True))


def s(z):
    return z.applyfunc(lambda entry: entry + s3 * entry**3)


outputs = [(W3 * s(W2 * s(W1 * x[i, :].T)))[0] for i in range(2)]
v = sum((y[i] * x[i, :].T for i in range(2)), sp.zeros(2, 1)) / 2
leading = (
    (W1, (W3 * W2).T * v.T),
    (W2, W3.T * (W1 * v).T),
    (W3, (W2 * W1 * v).T),
)
at_zero = dict.fromkeys((*W1, *W2, *W3), 0)
for matrix, rate in leading:
    for index in range(len(matrix)):
        # Minus the gradient, -½ d(f-y)²/2: its part of first order in f, then its lowest order in ε.
        first = sum(y[i] * sp.diff(outputs[i], matrix[index]) for i in range(2)) / 2
        scaled = first.subs({symbol: eps * symbol for symbol in at_zero}, simultaneous=True)
        lowest = sp.expand(sp.diff(scaled, eps, 2).subs(eps, 0) / 2)
        assert sp.expand(lowest - rate[index]) == 0
        assert sp.diff(scaled, eps).subs(eps, 0) == 0

# %% [markdown]
# It is homogeneous of degree $L-1$: if $\theta(t)$ is a solution, so is $\sigma\,\theta(\sigma^{L-2}t)$, and
# the blow-up comes $\sigma^{-(L-2)}$ times later. At $L=2$ the exponent vanishes: there is a logarithm
# instead, the escape time of the linear stage.
#
# It conserves $W_{l+1}^TW_{l+1}-W_lW_l^T$. These differences are of order $\sigma^2$ throughout, so when one
# singular value has become large, its singular vectors fit those of the neighbors up to
# $O(\sigma^2/s_1^2)$, and the other singular values are driven no longer: they freeze at the order of
# $\sigma$.

# %%
rates = dict(zip("123", (rate for _, rate in leading), strict=True))
for below, above, rate_below, rate_above in (
    (W1, W2, rates["1"], rates["2"]),
    (W2, W3, rates["2"], rates["3"]),
):
    change = rate_above.T * above + above.T * rate_above - rate_below * below.T - below * rate_below.T
    assert change.applyfunc(sp.expand) == sp.zeros(2, 2)

sigma, T1, s_k, s_1 = sp.symbols("sigma T_1 s_k s_1", positive=True)
assert in_library(T1 * sigma ** (2 - L), "T")

# %% [markdown]
# ## 2. The end of the flow
#
# All matrices have one singular value $s$, aligned: $f=g\,\hat v\cdot x$ with $g=s^L$. The loss has fallen by
# $D=\lambda g-\frac12cg^2$, $c=\frac1n\sum_i(\hat v\cdot x_i)^2$, and $\dot s=(\lambda-cg)\,s^{L-1}$, so that
# $\dot g=L(\lambda-cg)\,g^{2-2/L}$. As for one neuron of multiplicity $p$: what the leading flow needs from
# here to infinity, minus what the feedback has cost, with $g$ slightly more than $D/\lambda$.

# %%
g, lam, c, D, r = sp.symbols("g lambda c D s", positive=True)
e = 2 - 2 / L
assert sp.simplify(sp.diff(r**L, r) * r ** (L - 1) - L * (r**L) ** e) == 0
from_here = g ** (1 - e) / (L * lam * (e - 1))
assert sp.simplify(sp.diff(from_here, g) + 1 / (L * lam * g**e)) == 0
cost = c / lam**2 * g ** (2 - e) / (L * (2 - e))
assert sp.simplify(sp.diff(cost, g) - c * g / lam / (L * lam * g**e)) == 0
needed = D / lam * (1 + c * D / (2 * lam**2))
assert sp.simplify(sp.expand(lam * needed - c * needed**2 / 2 - D).coeff(c, 1)) == 0

whole = (from_here - cost).subs(g, needed) / from_here.subs(g, D / lam)
first_order = sp.simplify(sp.diff(whole, c).subs(c, 0))
assert sp.simplify(first_order + (L - 2) * (L + 1) / (2 * L) * D / lam**2) == 0
tail = from_here.subs(g, D / lam) * (1 + first_order * c)
assert in_library(tail, "tail")
largest = (D / lam) ** (1 / L) * (1 + c * D / (2 * L * lam**2))  # g^{1/L} to first order
assert sp.simplify(sp.diff(needed ** (1 / L), c).subs(c, 0) - sp.diff(largest, c)) == 0
assert in_library(largest, "s_1")
assert in_library(sigma * s_k / largest, "s_k/s_1")
sp.Eq(sp.Symbol("tail"), library["tail"])

# %% [markdown]
# The cubic term of $\tanh$ costs $\int s^2\,ds/s^{L-1}$: a constant for $L=3$, $\log(1/\sigma)$ for $L=4$.
#
# ## 3. Small runs
#
# Thirty samples, five inputs, width 20; $\tanh$ and linear networks by an adaptive solver with hand-derived
# gradients, in the time $\tau$ with $d\tau=|\theta|^{L-2}dt$. Nothing is fitted.

# %%
SAMPLES, INPUTS, WIDTH, SHARE = 30, 5, 20, 1e-2


def draw(depth, seed=0):
    rng = np.random.default_rng([seed, depth])
    data = rng.standard_normal((SAMPLES, INPUTS))
    targets = np.tanh(data @ rng.standard_normal(INPUTS)) + 0.3 * rng.standard_normal(SAMPLES)
    shapes = [(WIDTH, INPUTS), *[(WIDTH, WIDTH)] * (depth - 2), (1, WIDTH)]
    return data, targets, [rng.standard_normal(shape) for shape in shapes]


def split(theta, matrices):
    ends = np.cumsum([matrix.size for matrix in matrices])
    return [part.reshape(m.shape) for part, m in zip(np.split(theta, ends[:-1]), matrices, strict=True)]


def trained(data, targets, matrices, sigma, *, tanh=True, records=None):
    """Time of the δ-stop and singular values of W_2 there (or at many times before)."""
    depth = len(matrices)

    def descent(theta):
        parts = split(theta, matrices)
        signals = [data.T]
        for matrix in parts[:-1]:
            signals.append(np.tanh(matrix @ signals[-1]) if tanh else matrix @ signals[-1])
        residual = targets - (parts[-1] @ signals[-1])[0]
        back, steps = residual[None] / SAMPLES, []
        for layer in range(depth - 1, -1, -1):
            steps.append((back @ signals[layer].T).ravel())
            back = parts[layer].T @ back * ((1 - signals[layer] ** 2) if tanh else 1)
        return np.concatenate(steps[::-1]), (residual**2).mean() / 2

    def slope(_, state):
        speed = np.linalg.norm(state[:-1]) ** (depth - 2)
        return np.append(descent(state[:-1])[0] / speed, 1 / speed)

    start = sigma * np.concatenate([matrix.ravel() for matrix in matrices])
    goal = (1 - SHARE) * descent(start)[1]

    def escaped(_, state):
        return descent(state[:-1])[1] - goal

    escaped.terminal = True
    flow = solve_ivp(
        slope,
        (0, 1e4),
        np.append(start, 0),
        "DOP853",
        rtol=1e-10,
        atol=1e-13 * np.linalg.norm(start),
        events=escaped,
    )
    values = np.linalg.svd([split(state, matrices)[1] for state in flow.y[:-1].T], compute_uv=False)
    return (flow.y[-1], values) if records else (flow.y[-1, -1], values[-1])


def rank(values):
    """Effective rank from singular values."""
    return float(effective_rank(torch.diag(torch.from_numpy(np.asarray(values)))))


sigmas = np.array([0.3, 0.1, 1e-2, 1e-3, 1e-4, 1e-5])
found = {}
for depth in (3, 4):
    data, targets, matrices = draw(depth)
    drive = driving_vector(data, targets)
    collapse = rank_collapse(drive, matrices)
    runs = [trained(data, targets, matrices, sigma) for sigma in sigmas]
    times, values = np.array([run[0] for run in runs]), np.array([run[1] for run in runs])
    forecast = deep_escape(collapse, data, drive, (targets**2).mean() / 2, sigma=sigmas, share=SHARE)
    found[depth] = (collapse, times, values, forecast)
    print(f"L = {depth}: T_1 = {collapse.blow_up:.6f}, limit of s_2/σ {collapse.frozen[0]:.5f}")
    for sigma, time, measured, predicted in zip(sigmas, times, values, forecast.singular_values, strict=True):
        print(
            f"  σ = {sigma:.0e}  T σ^(L-2)/T_1 = {time * sigma ** (depth - 2) / collapse.blow_up:.6f}  "
            f"s_2/σ = {measured[1] / sigma:.5f}  s_1 = {measured[0]:.5f}, predicted {predicted[0]:.5f}  "
            f"effective rank {rank(measured):.3f}, predicted {rank(predicted):.3f}"
        )
    small = slice(3, None)
    exponents = [
        np.polyfit(np.log(sigmas[small]), np.log(q[small]), 1)[0]
        for q in (times, values[:, 1] / values[:, 0])
    ]
    print(f"  exponents in σ: T {exponents[0]:.4f}, s_2/s_1 {exponents[1]:.5f}")
    # The tail is a few σ^(L-2) of T and bends its line; s_2/s_1 deviates only by its square.
    assert abs(exponents[0] + depth - 2) < 1 - times[3] * sigmas[3] ** (depth - 2) / collapse.blow_up + 1e-6
    assert abs(exponents[1] - 1) < (values[3, 1] / values[3, 0]) ** 2 + 1e-4
    # The solver's 1e-10 of s_1 is in s_2 too; s_1 is known up to the square of δ and tanh's s_1²/m.
    np.testing.assert_allclose(values[3:5, 1] / sigmas[3:5], collapse.frozen[0], rtol=1e-4)
    np.testing.assert_allclose(values[3:, 0], forecast.singular_values[3:, 0], rtol=2e-2)
    # Control: at σ = 0.3 nothing separates.
    assert rank(values[0]) > 10

# %% [markdown]
# The tail, what is missing to $T_1\sigma^{-(L-2)}$, beside its closed form:

# %%
tail_sigmas = np.array([1e-2, 1e-3, 1e-4])
ratios = {}
for depth in (3, 4):
    data, targets, matrices = draw(depth)
    drive = driving_vector(data, targets)
    collapse = found[depth][0]
    forecast = deep_escape(collapse, data, drive, (targets**2).mean() / 2, sigma=tail_sigmas, share=SHARE)
    whole_time = collapse.blow_up * tail_sigmas ** (2.0 - depth)
    for tanh in (False, True):
        times = np.array([trained(data, targets, matrices, sigma, tanh=tanh)[0] for sigma in tail_sigmas])
        ratios[depth, tanh] = (whole_time - times) / (whole_time - forecast.time)
        print(
            f"L = {depth}, {'tanh  ' if tanh else 'linear'}: tail over prediction",
            np.round(ratios[depth, tanh], 5),
        )
    feedback = np.mean((data @ drive) ** 2) * SHARE * (targets**2).mean() / 2 / (drive @ drive) ** 2
    assert abs(ratios[depth, False][1] - 1) < 10 * feedback**2 + 1e-3
steps = np.diff(ratios[4, True])
assert abs(steps[1] / steps[0] - 1) < 0.1  # a logarithm

# %%
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), layout="constrained")
    for depth, color in ((3, "C0"), (4, "C1")):
        collapse, times, values, forecast = found[depth]
        held = sigmas < 0.05
        axes[0].loglog(sigmas, collapse.blow_up * sigmas ** (2.0 - depth), color="0.6")
        axes[0].loglog(sigmas[held], times[held], "o", color=color, label=f"L = {depth}")
        axes[0].loglog(
            sigmas[~held], times[~held], "x", color="C3", label="large σ (control)" if depth == 4 else None
        )
        predicted = forecast.singular_values
        axes[1].loglog(sigmas, predicted[:, 1] / predicted[:, 0], color="0.6")
        axes[1].loglog(
            sigmas[held], (values[:, 1] / values[:, 0])[held], "o", color=color, label=f"L = {depth}"
        )
        axes[1].loglog(sigmas[~held], (values[:, 1] / values[:, 0])[~held], "x", color="C3")
    data, targets, matrices = draw(3)
    path_times, path = trained(data, targets, matrices, 1e-3, records=True)
    left = found[3][0].blow_up / 1e-3 - path_times
    axes[2].loglog(left, path[:, :6] / 1e-3, color="C0", linewidth=1)
    for limit in found[3][0].frozen[:5]:
        axes[2].axhline(limit, color="0.6", linewidth=0.8, linestyle=":")
    axes[0].set(xlabel="scale of the start σ", ylabel="escape time T")
    axes[0].set_title("lines: $T_1σ^{-(L-2)}$")
    axes[0].legend()
    axes[1].set(xlabel="scale of the start σ", ylabel="$s_2/s_1$ of $W_2$ at the escape")
    axes[1].set_title("lines: predicted")
    axes[1].legend(loc="upper left")
    axes[2].invert_xaxis()
    axes[2].set(xlabel="time left to the blow-up", ylabel="singular values of $W_2$, over σ")
    axes[2].set_title("L = 3, σ = 1e-3; dotted: their limits")
    plt.show()

# %% [markdown]
# ## References
#
# - A. Saxe, J. McClelland, S. Ganguli, *Exact solutions to the nonlinear dynamics of learning in deep linear
#   neural networks*, 2013, arXiv 1312.6120.
# - Z. Li, Y. Luo, K. Lyu, *Towards resolving the implicit bias of gradient descent for matrix factorization:
#   greedy low-rank learning*, ICLR 2021, arXiv 2012.09839: one direction escapes first, for deep
#   factorizations too.
#
# The escape time, its tail, and the frozen singular values are derived here.
