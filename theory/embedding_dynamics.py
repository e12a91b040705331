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
# # Embeddings at a small start: one matrix drives them all
#
# A model of tokens in its simplest form: the logits of a sequence are $z=U\,\frac1T\sum_t E_{s_t}$, with an
# embedding $E_s\in\mathbb R^h$ for every token and an output row $U_y$ for every label, trained by the mean
# cross-entropy from weights of scale $\sigma\ll1$.
#
# **Claim.** While logits are small, one matrix drives both layers,
#
# $$\dot E=G\,U,\qquad \dot U=G^TE,\qquad G_s=\mathrm{freq}_s\,(P^s-\tfrac1V),$$
#
# where $\mathrm{freq}_s$ is the share of positions that hold token $s$ and $P^s$ the distribution of labels
# over them. With the singular values $G=L\,S\,R^T$, $L^TE\pm R^TU$ is multiplied by $(1\pm\eta S)^N$ in $N$
# steps of size $\eta$. Hence embeddings *first* resemble each other exactly as their tokens' label
# distributions do, and *then* all collapse to the space of $G$'s largest singular value. Two-layer networks
# with $C$ outputs obey the same law with $G=\frac1n\sum_i(e_{y_i}-\frac1C)x_i^T$, or $\frac1n\sum_iy_ix_i^T$
# for the square loss.
#
# Each step below is computed and compared with `lowcomplex.predictions.embedding_dynamics`, the formula that
# `lowcomplex check embedding_dynamics` uses.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from torch.nn import functional

from lowcomplex.measures import effective_rank
from lowcomplex.plots import style
from lowcomplex.predictions import embedding_dynamics
from lowcomplex.tasks import AnchorTask
from lowcomplex.theorems.embedding_dynamics.formula import (
    collapse_exponent,
    early_cosines,
    row_cosines,
    top_space,
)
from lowcomplex.theorems.formulas.token_drive import centered_one_hot, driving_matrix, token_drive

torch.set_num_threads(1)
library = embedding_dynamics.expressions

# %% [markdown]
# ## 1. The gradient at a small start
#
# Three tokens, two sequences of two tokens, two labels, width two, all symbolic; weights carry a bookkeeping
# factor $\varepsilon$.

# %%
eps = sp.Symbol("epsilon", positive=True)
E = sp.Matrix(3, 2, sp.symbols("E_:3(:2)", real=True))
U = sp.Matrix(2, 2, sp.symbols("U_:2(:2)", real=True))
sequences, answers = [[0, 1], [0, 2]], [1, 0]
loss = 0
for sequence, answer in zip(sequences, answers, strict=True):
    z = U * sum((E[s, :].T for s in sequence), sp.zeros(2, 1)) / 2
    loss += (sp.log(sum(sp.exp(entry) for entry in z)) - z[answer]) / 2
small = {symbol: eps * symbol for symbol in (*E, *U)}


def orders(symbol):
    """Coefficients of ε^0, ε^1 and ε^2 in the gradient along a weight."""
    gradient = sp.diff(loss, symbol).subs(small, simultaneous=True)
    return [sp.expand(sp.diff(gradient, eps, k).subs(eps, 0) / sp.factorial(k)) for k in range(3)]


G = sp.Matrix(token_drive(sequences, answers, 3, outputs=2)).applyfunc(
    lambda entry: sp.Rational(float(entry)).limit_denominator(100)
)
for (weights, driven), (row, column) in (
    ((E, G * U), (0, 0)),
    ((U, G.T * E), (0, 1)),
):
    zeroth, first, second = orders(weights[row, column])
    assert zeroth == 0
    assert sp.expand(first + driven[row, column]) == 0
    assert second == 0
G

# %% [markdown]
# The second order vanishes too, so what is neglected is of relative order $\varepsilon^2$: the error of the
# closed form must fall as $\sigma^2$. That a row of $G$ is the frequency times the centered label
# distribution is a matter of counting:

# %%
rng = np.random.default_rng(0)
some_tokens, some_labels = rng.integers(0, 4, (50, 3)), rng.integers(0, 5, 50)
counted = token_drive(some_tokens, some_labels, 4, outputs=5)
for token in range(4):
    times_seen = (some_tokens == token).sum(1)
    distribution = np.bincount(some_labels, times_seen, minlength=5) / times_seen.sum()
    frequency = times_seen.sum() / some_tokens.size
    np.testing.assert_allclose(counted[token], frequency * (distribution - 1 / 5), atol=1e-15)

# %% [markdown]
# ## 2. The solution
#
# In the singular bases of $G$ the components $l$ of $E$ and $r$ of $U$ along one singular pair form a system
# of two, and every column of the width is on its own:

# %%
l0, r0, eta, S, N, t = sp.symbols("l_0 r_0 eta S N t", real=True)
basis = sp.Matrix([[1, 1], [1, -1]])
one_step = sp.Matrix([[1, eta * S], [eta * S, 1]])
assert sp.simplify(basis.inv() * one_step * basis) == sp.diag(1 + eta * S, 1 - eta * S)
powers = sp.diag((1 + eta * S) ** N, (1 - eta * S) ** N)
solved = basis * powers * basis.inv() * sp.Matrix([l0, r0])
assert sp.simplify(solved - sp.Matrix([library["l_N"], library["r_N"]])) == sp.zeros(2, 1)

flow = sp.Matrix([library["l(t)"], library["r(t)"]])
assert sp.simplify(sp.diff(flow, t) - sp.Matrix([[0, S], [S, 0]]) * flow) == sp.zeros(2, 1)
assert sp.simplify(flow.subs(t, 0) - sp.Matrix([l0, r0])) == sp.zeros(2, 1)

left, right, drive = rng.standard_normal((5, 3)), rng.standard_normal((4, 3)), rng.standard_normal((5, 4))
evaluated = embedding_dynamics(left, right, drive, time=0.3, step=0.01)
for _ in range(30):
    left, right = left + 0.01 * drive @ right, right + 0.01 * drive.T @ left
np.testing.assert_allclose(evaluated.left, left, rtol=1e-10)
np.testing.assert_allclose(evaluated.right, right, rtol=1e-10)
sp.Eq(sp.Symbol("l_N"), library["l_N"])

# %% [markdown]
# ## 3. Early: embeddings resemble each other as their label distributions do
#
# From $E=0$ the first order in time is $E=t\,G\,U_0$.

# %%
assert sp.series(library["l(t)"].subs(l0, 0), t, 0, 2).removeO() == S * r0 * t

# %% [markdown]
# $U_0$ is a random projection to $h$ dimensions. For two rows of $G$ at cosine $\rho$ each column gives a
# pair $(p,q)$ of standard normals with correlation $\rho$, and the cosine of the embeddings is
# $\overline{pq}/\sqrt{\overline{p^2}\;\overline{q^2}}$. Its variance follows from fourth moments by the delta
# method:

# %%
rho, first_u, second_u, width = sp.symbols("rho a b h", real=True)
generating = sp.exp((first_u**2 + second_u**2 + 2 * rho * first_u * second_u) / 2)


def moment(i, j):
    return sp.diff(generating, first_u, i, second_u, j).subs({first_u: 0, second_u: 0})


monomials = [(1, 1), (2, 0), (0, 2)]
covariance = sp.Matrix(
    3,
    3,
    lambda m, n: (
        moment(monomials[m][0] + monomials[n][0], monomials[m][1] + monomials[n][1])
        - moment(*monomials[m]) * moment(*monomials[n])
    ),
)
pq, pp, qq = sp.symbols("pq pp qq", positive=True)
cosine = pq / sp.sqrt(pp * qq)
slope = sp.Matrix([sp.diff(cosine, symbol) for symbol in (pq, pp, qq)]).subs({pq: rho, pp: 1, qq: 1})
variance = sp.factor((slope.T * covariance * slope)[0] / width)
assert sp.simplify(variance - (1 - rho**2) ** 2 / width) == 0
# A centered normal's mean absolute value is sqrt(2/π) of its standard deviation.
scatter = library["mean |cos - rho|"]
assert sp.simplify(scatter**2 - 2 / sp.pi * variance) == 0
sp.Eq(sp.Symbol("scatter"), scatter)

# %% [markdown]
# ## 4. Late: collapse to the top singular space
#
# Of a mode only $\frac12(l_0+r_0)e^{St}$ is left, so beside the first mode another one falls as
# $e^{-(S_1-S_2)t}$. In terms of the growth $g=e^{S_1t}$, which is what a network has reached when it leaves
# its plateau ($s_1=\sigma g$ does not depend on $\sigma$ there), $s_2/s_1$ is a power of $\sigma$:

# %%
S1, S2, growth, sigma = sp.symbols("S_1 S_2 g sigma", positive=True)
ratio = sp.exp((S2 - S1) * t).subs(t, sp.log(growth) / S1)
assert sp.simplify(ratio - growth ** (S2 / S1 - 1)) == 0
assert sp.simplify(ratio.subs(growth, 1 / sigma) - sigma ** (1 - S2 / S1)) == 0
assert abs(collapse_exponent(np.diag([3.0, 1.2])) - float((1 - S2 / S1).subs({S1: 3.0, S2: 1.2}))) < 1e-14
ratio

# %% [markdown]
# The top value need not be single. If $k$ of them are equal, the weights collapse to a $k$-dimensional
# space in which they stay as random as they were: the effective rank tends to that of a random $k\times h$
# matrix, not to 1.

# %%
symmetric = np.eye(5) - 1 / 5  # five classes, one-hot inputs
start = [rng.standard_normal((5, 60)), rng.standard_normal((5, 60))]
limit = top_space(*start, symmetric)
late = embedding_dynamics(*start, symmetric, time=30.0)
print(f"top space of dimension {limit.dimension}")
print(f"effective rank of its limit {effective_rank(torch.from_numpy(limit.left)):.4f}")
np.testing.assert_allclose(late.left * np.exp(-30), limit.left, atol=1e-10)

# %% [markdown]
# ## 5. A run on anchor data
#
# Sequences of nine tokens, a key and two anchors among noise, in which each pair of anchors adds a number
# to the key. Prediction and training share only the start and the data.

# %%
WIDTH, VOCABULARY = 64, 110
batch = AnchorTask().sample(250, torch.Generator().manual_seed(0))
occurring = np.unique(batch.tokens.numpy())
drive = token_drive(batch.tokens.numpy(), batch.labels.numpy(), VOCABULARY)[occurring]
values = np.linalg.svd(drive, compute_uv=False)
STEP = 0.1 / values[0]
shares = functional.one_hot(batch.tokens, VOCABULARY).double().mean(1)[:, torch.from_numpy(occurring)]
draw = rng.standard_normal((len(occurring), WIDTH)), rng.standard_normal((VOCABULARY, WIDTH))


def train(start_left, start_right, steps, *, adam=False, bias=None):
    """Both layers before training and after every step."""
    weights = [torch.from_numpy(start.copy()).requires_grad_() for start in (start_left, start_right)]
    optimizer = torch.optim.Adam(weights, lr=1e-3) if adam else torch.optim.SGD(weights, lr=STEP)
    path = [[weight.detach().numpy().copy() for weight in weights]]
    for _ in range(steps):
        optimizer.zero_grad()
        logits = (shares @ weights[0]) @ weights[1].T + (0 if bias is None else bias)
        functional.cross_entropy(logits, batch.labels).backward()
        optimizer.step()
        path.append([weight.detach().numpy().copy() for weight in weights])
    return path


def relative_error(sigma, steps=30, matrix=drive, **how):
    left, right = train(sigma * draw[0], sigma * draw[1], steps, **how)[-1]
    predicted = embedding_dynamics(sigma * draw[0], sigma * draw[1], matrix, time=steps * STEP, step=STEP)
    miss = np.vstack((left - predicted.left, right - predicted.right))
    return np.linalg.norm(miss) / np.linalg.norm(np.vstack(predicted)), left, predicted


sigmas = np.array([1e-4, 1e-3, 1e-2, 1e-1, 1.0])
errors, worst_cosines = [], []
for sigma_ in sigmas:
    error, left, predicted = relative_error(sigma_)
    errors.append(error)
    worst_cosines.append(np.abs(row_cosines(left) - predicted.left_cosines).max())
    measured_rank = effective_rank(torch.from_numpy(left))
    expected_rank = effective_rank(torch.from_numpy(predicted.left))
    print(
        f"σ = {sigma_:.0e}   error {error:.2e}   worst cosine {worst_cosines[-1]:.2e}   "
        f"erank {measured_rank:.4f}, predicted {expected_rank:.4f}"
    )
adam_errors = [relative_error(sigma_, adam=True)[0] for sigma_ in sigmas]
print("with Adam:", *(f"{error:.1e}" for error in adam_errors))
slopes = [np.polyfit(np.log(sigmas[:3]), np.log(each[:3]), 1)[0] for each in (errors, worst_cosines)]
print(f"exponents in σ: weights {slopes[0]:.4f}, cosine matrix {slopes[1]:.4f}")
assert np.allclose(slopes, 2, atol=0.02)
assert errors[-1] > 0.1
assert min(adam_errors) > 0.1

# %% [markdown]
# ## 6. Early cosines at several widths, and networks at their escape

# %%
rho_matrix = early_cosines(drive)
pairs = np.triu_indices(len(drive), 1)
widths = np.array([16, 32, 64, 128, 256, 512])
early_spread, early_example = [], None
for h in widths:
    outputs = 1e-4 * rng.standard_normal((VOCABULARY, h))
    (left, _) = train(np.zeros((len(drive), h)), outputs, 1)[-1]
    early_spread.append(np.abs(row_cosines(left)[pairs] - rho_matrix[pairs]).mean())
    early_example = row_cosines(left)[pairs]
expected_spread = np.array(
    [np.mean([float(scatter.subs({width: h, rho: 0}))]) * (1 - rho_matrix[pairs] ** 2).mean() for h in widths]
)
print("mean |cos - ρ| over its prediction:", *(f"{x:.3f}" for x in early_spread / expected_spread))
assert np.allclose(early_spread / expected_spread, 1, atol=0.15)  # four standard deviations of a draw

# %% [markdown]
# A tanh network with five noisy linear classes, 60 neurons and eight inputs, trained from every $\sigma$
# until its loss has fallen by a thousandth. The data are drawn until $G$ has a gap, $S_2/S_1\le0.8$.

# %%
gap = 1.0
while gap > 0.8:
    x = rng.standard_normal((60, 8))
    classes = (x @ rng.standard_normal((8, 5)) + 0.5 * rng.standard_normal((60, 5))).argmax(1)
    network_drive = driving_matrix(x, centered_one_hot(classes, 5))
    network_values = np.linalg.svd(network_drive, compute_uv=False)
    gap = network_values[1] / network_values[0]
network_step = 0.1 / np.linalg.norm(network_drive, 2)
network_sigmas = 10.0 ** -np.arange(2, 8)
inputs, wanted = torch.from_numpy(x), torch.from_numpy(classes)
at_escape = []
draw_a, draw_w = rng.standard_normal((5, 60)), rng.standard_normal((60, 8))
for sigma_ in network_sigmas:
    a, w = (torch.from_numpy(sigma_ * each).requires_grad_() for each in (draw_a, draw_w))
    steps = 0
    while True:
        value = functional.cross_entropy(torch.tanh(inputs @ w.T) @ a.T, wanted)
        if value.item() <= (1 - 1e-3) * np.log(5):
            break
        gradient_a, gradient_w = torch.autograd.grad(value, (a, w))
        with torch.no_grad():
            a -= network_step * gradient_a
            w -= network_step * gradient_w
        steps += 1
    predicted = embedding_dynamics(
        sigma_ * draw_a, sigma_ * draw_w.T, network_drive, time=steps * network_step, step=network_step
    )
    trained_values = np.linalg.svd(w.detach().numpy(), compute_uv=False)
    ranks = effective_rank(w.detach()).item(), effective_rank(torch.from_numpy(predicted.right)).item()
    print(f"σ = {sigma_:.0e}   step {steps:3d}   erank(W) {ranks[0]:.3f}, predicted {ranks[1]:.3f}")
    at_escape.append((trained_values[0] / sigma_, trained_values[1] / trained_values[0], *ranks))
grown, second, measured_ranks, expected_ranks = np.array(at_escape).T
measured_exponent = -np.polyfit(np.log(grown[2:]), np.log(second[2:]), 1)[0]
expected_exponent = collapse_exponent(network_drive, step=network_step)
print(f"exponent of s_2/s_1: {measured_exponent:.4f}, predicted {expected_exponent:.4f}")
# At σ = 1e-4 modes still mix by (s_2/s_1)², which the regression divides by its range.
assert abs(measured_exponent - expected_exponent) < (second[2] ** 2 + 0.01) / np.log(1e3)

# %%
STEPS = 60
times = np.arange(0, STEPS + 1) * 0.1
small_path, large_path = (train(s * draw[0], s * draw[1], STEPS) for s in (1e-3, 1.0))
repeat = [np.broadcast_to(1e-3 * each, (STEPS + 1, *each.shape)) for each in draw]
theory_path = embedding_dynamics(*repeat, drive, time=times / values[0], step=STEP)


def rank_path(path):
    return effective_rank(torch.from_numpy(np.stack(path)))


with style():
    figure, axes = plt.subplots(2, 3, figsize=(9.5, 5.6), layout="constrained")
    trained = row_cosines(small_path[30][0])
    both = np.where(np.tri(len(drive), dtype=bool), trained, theory_path.left_cosines[30])
    image = axes[0, 0].imshow(both, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    axes[0, 0].set(xlabel="token (anchors first, then keys)", ylabel="token")
    axes[0, 0].set_title(r"cosines, $S_1t=3$: trained below," + "\nclosed form above the diagonal")
    figure.colorbar(image, ax=axes[0, 0], shrink=0.8)

    axes[0, 1].plot(times, rank_path(theory_path.left), color="0.6", label="closed form")
    axes[0, 1].plot(
        times[::4], rank_path([e for e, _ in small_path][::4]), "o", color="C0", label="σ = 0.001"
    )
    axes[0, 1].plot(
        times[::4], rank_path([e for e, _ in large_path][::4]), "x", color="C3", label="σ = 1 (control)"
    )
    axes[0, 1].set(xlabel=r"time $S_1t$", ylabel="effective rank of E", ylim=(0, 64))
    axes[0, 1].legend()

    axes[0, 2].loglog(sigmas, errors[0] * (sigmas / sigmas[0]) ** 2, color="0.6", label="slope 2")
    axes[0, 2].loglog(sigmas, errors, "o", color="C0", label="all weights")
    axes[0, 2].loglog(sigmas, worst_cosines, "s", color="C1", markersize=4, label="worst cosine")
    axes[0, 2].loglog(sigmas, adam_errors, "x", color="C3", label="Adam (control)")
    axes[0, 2].set(xlabel="scale of the start σ", ylabel="error", ylim=(1e-8, 1e4))
    axes[0, 2].legend()

    axes[1, 0].plot([-0.4, 1], [-0.4, 1], color="0.6")
    axes[1, 0].plot(rho_matrix[pairs], early_example, ".", markersize=1.5, color="C0", rasterized=True)
    axes[1, 0].set(xlabel=r"cos$(P^s-1/V,\ P^{s'}-1/V)$", ylabel=r"cos$(E_s,\ E_{s'})$")
    axes[1, 0].set_title(f"early, from E = 0, width {widths[-1]}")

    axes[1, 1].loglog(widths, expected_spread, color="0.6", label=r"$\sqrt{2/\pi h}\,(1-\rho^2)$")
    axes[1, 1].loglog(widths, early_spread, "o", color="C0", label="trained")
    axes[1, 1].set(xlabel="width h", ylabel=r"mean $|\cos-\rho|$")
    axes[1, 1].set_xticks(widths, widths, minor=False)
    axes[1, 1].set_xticks([], minor=True)
    axes[1, 1].legend()

    line = second[-1] * (grown / grown[-1]) ** -expected_exponent
    axes[1, 2].loglog(grown, line, color="0.6", label=f"power −{expected_exponent:.3f}")
    axes[1, 2].loglog(grown, second, "o", color="C0", label="tanh network, σ = 1e-2 … 1e-7")
    axes[1, 2].set(xlabel=r"growth $s_1/\sigma$ until the escape", ylabel=r"$s_2/s_1$ of W")
    axes[1, 2].legend()
    plt.show()

# %% [markdown]
# The closed form gives the whole matrix of cosines, at every time of the stage. At $\sigma=1$ nothing
# collapses: the embeddings stay what they were.
#
# ## 7. Which tokens resemble each other?
#
# What decides is not the role of a token but the labels that it was seen with in this sample. The early
# resemblance among anchors and among keys, for three numbers of sequences:

# %%
for number in (100, 1000, 10000):
    more = AnchorTask().sample(number, torch.Generator().manual_seed(1))
    present = np.unique(more.tokens.numpy())
    matrix = early_cosines(token_drive(more.tokens.numpy(), more.labels.numpy(), VOCABULARY)[present])
    anchors = present < 20
    mean = [
        (block.sum() - len(block)) / (len(block) * (len(block) - 1))
        for block in (matrix[np.ix_(kind, kind)] for kind in (anchors, ~anchors))
    ]
    print(f"{number:6d} sequences: mean cosine among anchors {mean[0]:.3f}, among keys {mean[1]:.3f}")

# %% [markdown]
# Anchors resemble each other more than keys do, as an anchor is seen with the labels of all keys. But how
# much depends on the number of sequences: with few, every token has been seen with a random handful of
# labels. And keys come to resemble each other too, although each has labels of its own: six of seven times
# a key occurs in a sequence as noise, with the marginal distribution of labels.
#
# ## 8. After the marginal is learned
#
# The direction that grows first is common to all tokens: the marginal, $\bar P-\frac1V$. A model with an
# output bias learns it at a speed that does not depend on $\sigma$. Once its bias is $\log\bar P$, the pull
# on the logits is $e_y-\bar P$, and the same derivation gives the same law with another matrix,
# $G'_s=\mathrm{freq}_s\,(P^s-\bar P)$:

# %%
marginal = np.bincount(batch.labels.numpy(), minlength=VOCABULARY) / len(batch.labels)
frequency = shares.mean(0).numpy()
after = drive + frequency[:, None] * (1 / VOCABULARY - marginal)
bias = torch.from_numpy(np.log(np.maximum(marginal, 1e-300)))
after_errors = [relative_error(sigma_, matrix=after, bias=bias)[0] for sigma_ in sigmas[:3]]
before_errors = [relative_error(sigma_, bias=bias)[0] for sigma_ in sigmas[:3]]
after_slope = np.polyfit(np.log(sigmas[:3]), np.log(after_errors), 1)[0]
after_values = np.linalg.svd(after, compute_uv=False)
print("error with G':", *(f"{error:.1e}" for error in after_errors), f"(exponent {after_slope:.3f})")
print("error with G: ", *(f"{error:.1e}" for error in before_errors))
print(
    f"S_1 {values[0]:.4f} → {after_values[0]:.4f}; S_2/S_1 {values[1] / values[0]:.2f} → "
    f"{after_values[1] / after_values[0]:.2f}"
)
assert abs(after_slope - 2) < 0.1
assert min(before_errors) > 0.1

# %% [markdown]
# The gap of $G$ is gone in $G'$: its first two values nearly agree, so embeddings hardly collapse once the
# marginal is known, and a token whose labels follow the marginal does not move. What a model *without* bias
# does after its first escape, when its embeddings must carry the marginal themselves, is not settled here.
#
# ## References
#
# - J. Yao, Z. Zhang, Z.-Q. J. Xu, *An analysis for reasoning bias of language models with small
#   initialization*, ICML 2025, arXiv 2502.04375, and arXiv 2509.20124: embeddings at a small start follow the
#   label distributions of their tokens. The closed form in both layers, its error, the scatter of early
#   cosines, and the exponent of the collapse are derived here.
