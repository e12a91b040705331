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
# # Greedy low-rank learning: a matrix is completed one rank at a time
#
# A symmetric matrix $M$ is observed at the entries of a symmetric mask $O$ and fitted by $W=UU^T$, $U$
# square:
#
# $$f(W)=\tfrac12\sum_{ij}O_{ij}(W_{ij}-M_{ij})^2,\qquad L(U)=\tfrac12 f(UU^T),\qquad \dot U=-\nabla L(U),$$
#
# from a random start of scale $\sigma$. Nothing in $L$ favors a low rank.
#
# **Claim.** As $\sigma\to0$ the flow passes plateaus $W_1,W_2,\dots$ of rank $1,2,\dots$ They are those of
# a greedy procedure: $W_r$ is the limit of the flow of $r$ columns from $W_{r-1}$ and an infinitesimal new
# column along the top eigenvector of $-\nabla f(W_{r-1})$. It ends where $-\nabla f$ has no positive
# eigenvalue.
#
# How close the path comes to $W_1$ is a power of $\sigma$ that depends on the data. It is derived too.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from scipy.integrate import solve_ivp

from lowcomplex.measures import effective_rank
from lowcomplex.plots import style
from lowcomplex.predictions import greedy_low_rank

torch.set_num_threads(1)
library = greedy_low_rank.expressions

# %% [markdown]
# ## 1. The flow
#
# $\nabla L(U)=\nabla f(UU^T)\,U$, with $\nabla f(W)=O\circ(W-M)$. SymPy, with $2\times2$ matrices:

# %%
u = sp.Matrix(2, 2, sp.symbols("u_11 u_12 u_21 u_22", real=True))
m11, m12, m22, o11, o12, o22 = sp.symbols("m_11 m_12 m_22 o_11 o_12 o_22", real=True)
truth, mask = sp.Matrix([[m11, m12], [m12, m22]]), sp.Matrix([[o11, o12], [o12, o22]])


def gradient_of_f(w):
    return mask.multiply_elementwise(w - truth)


difference = u * u.T - truth
loss = sum(mask[i, j] * difference[i, j] ** 2 for i in range(2) for j in range(2)) / 4
gradient = sp.Matrix(2, 2, lambda i, j: sp.diff(loss, u[i, j]))
assert sp.expand(gradient - gradient_of_f(u * u.T) * u) == sp.zeros(2, 2)

# %% [markdown]
# ## 2. The first rank
#
# At a small start $\dot U=(O\circ M)\,U$: every column grows along the top eigenvector, at the rate
# $\lambda$ of the top eigenvalue, and $T_1\simeq\log(1/\sigma)/\lambda$. The second eigenvalue $\nu$ has
# by then grown from $\sigma$ to $\sigma^{1-\nu/\lambda}$, which is still small.

# %%
lam, nu, mu, kappa, sigma, t, s = sp.symbols("lambda nu mu kappa sigma t s", positive=True)
small = sp.Symbol("epsilon")
linear = sp.diff(gradient_of_f(small**2 * u * u.T) * (small * u), small).subs(small, 0)
assert sp.expand(linear + mask.multiply_elementwise(truth) * u) == sp.zeros(2, 2)
T1 = sp.solve(sp.Eq(library["growth of a new column"].subs(sp.Symbol("t", positive=True), t), 1), t)[0]
assert sp.simplify(-sigma * sp.diff(sp.expand_log(T1), sigma) - library["dT_1/dlog(1/σ)"]) == 0
entered = sp.exp(sp.expand_log(sp.log(sigma) + nu * T1))
assert sp.simplify(sp.expand_log(sp.log(entered)) - (1 - nu / lam) * sp.log(sigma)) == 0

# %% [markdown]
# ## 3. A new column on a plateau
#
# Let $W_1=uu^T$ be stationary, $\nabla f(W_1)u=0$. A small second column $\delta$ changes $W$ to second
# order only, so to first order it obeys $\dot\delta=-\nabla f(W_1)\,\delta$: the greedy rule. It starts
# at right angles to $u$, since $\nabla f(W_1)$ is symmetric and $u$ is in its kernel.

# %%
column, delta = (
    sp.Matrix(sp.symbols("u_1 u_2", real=True)),
    sp.Matrix(sp.symbols("delta_1 delta_2", real=True)),
)
pair = sp.Matrix.hstack(column, small * delta)
velocity = -gradient_of_f(pair * pair.T) * pair
first_order = sp.diff(velocity, small).subs(small, 0)
assert sp.expand(first_order[:, 1] + gradient_of_f(column * column.T) * delta) == sp.zeros(2, 1)
assert sp.expand(first_order[:, 0]) == sp.zeros(2, 1)

# %% [markdown]
# ## 4. How close does the path come?
#
# On the plateau, for a time $s$, the first stage converges at the slowest rate $\mu$ of the flow of one
# column, while the new column, which entered with the size $\sigma^{1-\nu/\lambda}$, grows at the rate
# $\kappa$ and counts by its square. The sum of both is least at a power of $\sigma$:

# %%
size = sp.Symbol("b", positive=True)  # σ^{2(1 - ν/λ)}
away = sp.exp(-mu * s) + size * sp.exp(2 * kappa * s)
best = sp.log(mu / (2 * kappa * size)) / (mu + 2 * kappa)
assert sp.simplify(sp.diff(away, s).subs(s, best)) == 0
least = away.subs(s, best)
power_of_size = sp.simplify(size * sp.diff(least, size) / least)
exponent = 2 * (1 - nu / lam) * power_of_size
assert sp.simplify(exponent - library["exponent of the distance to W_1"]) == 0
sp.Eq(sp.Symbol("exponent"), sp.factor(exponent))

# %% [markdown]
# ## 5. Runs
#
# Completions of $5\times5$ matrices of rank two, with about four fifths of the entries observed. Kept are
# draws with two stages that attract at a visible rate, a gap at each, and a second stage that is clearly of
# rank two. The flow is integrated without knowledge of the stages.

# %%
SIZE = 5


def draw(rng):
    while True:
        factor = rng.standard_normal((SIZE, 2))
        matrix, seen = factor @ factor.T, np.triu(rng.random((SIZE, SIZE)) < 0.8)
        seen = seen | seen.T
        first = np.linalg.eigvalsh(np.where(seen, matrix, 0))
        if first[-2] > 0.6 * first[-1]:
            continue
        try:
            law = greedy_low_rank(matrix, seen, max_stages=3)
        except ArithmeticError:  # a stage that does not attract
            continue
        values = np.linalg.eigvalsh(law.stages[-1])
        if (
            len(law.rates) == 2
            and law.losses[-1] < 1e-12 * law.losses[0]
            and law.gaps.max() < 0.6
            and min(law.contractions.min(), law.rates.min()) > 0.1 * law.rates[0]
            and values[-2] > 0.1 * values[-1]
        ):
            return matrix, seen, law


def flow(matrix, seen, law, start, sigma, points=2000):
    """Times and W on the way."""

    def slope(_, flat):
        factor = flat.reshape(SIZE, SIZE)
        return -((seen * (factor @ factor.T - matrix)) @ factor).ravel()

    growing = max(np.log(1 / sigma), 1) * (1 / law.rates).sum()
    span = 1.4 * growing + 12 / law.contractions.min()
    grid = np.linspace(0, span, points)
    path = solve_ivp(
        slope, (0, span), sigma * start.ravel(), "LSODA", t_eval=grid, rtol=1e-8, atol=1e-8 * sigma
    )
    factors = path.y.T.reshape(-1, SIZE, SIZE)
    return path.t, factors @ factors.transpose(0, 2, 1)


def distances(path, law):
    sizes = np.linalg.norm(law.stages[1:], axis=(1, 2))
    return (np.linalg.norm(path[:, None] - law.stages[1:], axis=(2, 3)) / sizes).min(0)


rng = np.random.default_rng(0)
matrix, seen, law = draw(rng)
start = rng.standard_normal((SIZE, SIZE)) / np.sqrt(SIZE)
stage_ranks = [float(effective_rank(torch.from_numpy(stage))) for stage in law.stages[1:]]
print("rates", law.rates.round(3), " gaps", law.gaps.round(3), " contractions", law.contractions.round(3))
print("effective ranks of the stages", np.round(stage_ranks, 4))
runs = {}
for scale in (1e-2, 1e-5, 1e-8, 1.0):
    runs[scale] = flow(matrix, seen, law, start, scale)
    print(f"σ = {scale:.0e}   distance of the path to the two stages", distances(runs[scale][1], law))
assert (distances(runs[1e-8][1], law) < 10 * 1e-8**law.distance_exponent).all()
assert distances(runs[1.0][1], law)[0] > 0.1

# %%
measured, predicted = [], []
for _ in range(6):
    one, where, stages = draw(rng)
    begin = rng.standard_normal((SIZE, SIZE)) / np.sqrt(SIZE)
    near = [distances(flow(one, where, stages, begin, scale)[1], stages)[0] for scale in (1e-6, 1e-9)]
    measured.append(np.log(near[0] / near[1]) / np.log(1e3))
    predicted.append(stages.distance_exponent)
measured, predicted = np.array(measured), np.array(predicted)
print("exponent of the distance to W_1, measured - predicted:", (measured - predicted).round(3))
print(f"predicted from {predicted.min():.2f} to {predicted.max():.2f}, correlation", end=" ")
print(f"{np.corrcoef(measured, predicted)[0, 1]:.4f}")

# %%
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    times, path = runs[1e-8]
    eigenvalues = np.linalg.eigvalsh(path)[:, ::-1]
    for index in range(3):
        axes[0].plot(
            times * law.rates[0], eigenvalues[:, index], color=f"C{index}", label=f"eigenvalue {index + 1}"
        )
    for stage, line in zip(law.stages[1:], (":", "--"), strict=True):
        for value in np.linalg.eigvalsh(stage)[-2:]:
            if value > 1e-6:
                axes[0].axhline(value, color="0.6", linestyle=line, linewidth=1, zorder=0)
    axes[0].set(xlabel="time $λ_1t$", ylabel="eigenvalues of W, σ = 1e-8", xlim=(0, 80))
    axes[0].legend(loc="center right", bbox_to_anchor=(1, 0.22))

    for (scale, (times, path)), color in zip(runs.items(), ("C2", "C1", "C0", "C3"), strict=True):
        ranks = effective_rank(torch.from_numpy(path))
        in_units = times * law.rates[0] / np.log(1 / scale) if scale < 1 else times * law.rates[0] / 10
        axes[1].plot(
            in_units, ranks, color=color, label=f"σ = {scale:.0e}" if scale < 1 else "σ = 1 (control)"
        )
    for value in stage_ranks:
        axes[1].axhline(value, color="0.6", linestyle=":", linewidth=1, zorder=0)
    axes[1].set(xlabel="time $λ_1t$ / log(1/σ)", ylabel="effective rank of W", ylim=(0.9, 3.6), xlim=(0, 6))
    axes[1].legend()

    ends = [0.9 * predicted.min(), 1.05 * predicted.max()]
    axes[2].plot(ends, ends, color="0.6", zorder=0)
    axes[2].plot(predicted, measured, "o", color="C0")
    axes[2].set(xlabel="predicted exponent", ylabel="measured, σ = 1e-6 to 1e-9")
    axes[2].set_title("distance of the path to $W_1$")
    plt.show()

# %% [markdown]
# Left: one eigenvalue arrives at that of $W_1$ (dotted) and waits, then two arrive at those of $W_2$
# (dashed). Middle: the staircase of ranks gets sharper as $\sigma$ falls; at $\sigma=1$ there is none, and
# the effective rank ends elsewhere. Right: the exponent with which the path approaches $W_1$, in twelve
# problems; the deviations that remain come from the finite $\sigma$ where two directions are close to each
# other.
#
# ## What is known beyond
#
# The procedure is not the minimization of the nuclear norm: Li, Luo and Lyu construct completions on
# which both differ. With more factors the growth is no longer exponential, and the stages separate
# already at larger $\sigma$.
#
# ## References
#
# - Z. Li, Y. Luo, K. Lyu, *Towards resolving the implicit bias of gradient descent for matrix
#   factorization: greedy low-rank learning*, ICLR 2021, arXiv 2012.09839.
# - The exponent of the distance is derived here.
