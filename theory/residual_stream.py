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
# # What a transformer learns first from a small start
#
# One block: $x_t=E_{s_t}+\mathrm{Pos}_t$, then $x$ plus causal attention, then plus a tanh layer; logits
# $U\,x_{\rm last}$, mean cross-entropy at the last position, every weight of scale $\sigma\ll1$.
#
# **Claim.** The first stage is that of the direct path alone: embeddings and output head follow the matrix
# law of `embedding_dynamics`, with the rows of tokens and of positions in one matrix $G$ (and one set of
# singular vectors),
#
# $$G_s=\mathrm{freq}(\text{last}=s)\,\big(P(y\mid\text{last}=s)-\tfrac1V\big),\qquad
# G_{\mathrm{Pos}_{\rm last}}=\bar P-\tfrac1V,\qquad G_{\text{other positions}}=0 .$$
#
# Attention, the feed-forward layer, and the embeddings of all that is not last are frozen up to a
# relative order $\sigma^2$. What LayerNorms do to this is derived in section 3.
#
# Each step is computed and compared with `lowcomplex.predictions.residual_stream`, the formula that
# `lowcomplex check residual_stream` uses.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from torch.nn import functional

from lowcomplex.plots import style
from lowcomplex.predictions import residual_stream
from lowcomplex.tasks import AnchorTask
from lowcomplex.theorems.residual_stream.formula import residual_drive
from lowcomplex.training import LossShare, gradient_flow

torch.set_num_threads(1)
library = residual_stream.expressions

# %% [markdown]
# ## 1. Orders of the paths
#
# Width one and two positions suffice to count orders. All weights carry a bookkeeping factor $\varepsilon$.

# %%
eps = sp.Symbol("epsilon", positive=True)
first, last, q, k, v, o, up, down, u = sp.symbols("x_1 x_2 q k v o w_1 w_2 u", real=True)


z = sp.Symbol("z")
# A softmax over two positions is this function of the difference of their scores. The orders left out here
# are beyond those used below.
share_of = sp.series(1 / (1 + sp.exp(z)), z, 0, 3).removeO()
tanh_of = sp.series(sp.tanh(z), z, 0, 5).removeO()


def logit(projection, seen=None):
    """The logit with all weights of scale ε; `seen` is what the branches read, by default the stream."""
    x1, x2 = (eps * first, eps * last) if seen is None else seen
    share = share_of.subs(z, eps**2 * q * k * x2 * (x2 - x1))
    stream = eps * last + projection * eps * v * (share * x1 + (1 - share) * x2)
    return eps * u * (stream + eps * down * tanh_of.subs(z, eps * up * (stream if seen is None else x2)))


def coefficients(expression, orders):
    """Taylor coefficients in ε."""
    expanded = sp.expand(expression)
    return [expanded.coeff(eps, n) for n in range(orders)]


both = coefficients(logit(eps * o), 5)
assert both[:4] == [0, 0, u * last, 0]
assert sp.expand(both[4] - u * (o * v * (first + last) / 2 + down * up * last)) == 0
value_alone = coefficients(logit(1), 4)
assert sp.expand(value_alone[3] - u * v * (first + last) / 2) == 0
sp.Eq(sp.Symbol("logit"), eps**2 * both[2] + eps**4 * both[4])

# %% [markdown]
# The direct path is of order $\varepsilon^2$. With $W_V$ and $W_O$ attention adds $\varepsilon^4$, a relative
# $\varepsilon^2$, and so does the feed-forward layer. Attention reads the uniform mean of the positions, so
# query and key come later still. With $W_V$ alone attention is a relative $\varepsilon$, and the error of the
# direct path falls only as $\sigma$.
#
# ## 2. The matrix of the last token
#
# With logits $U(E_{s_{\rm last}}+\mathrm{Pos}_{\rm last})$ the model is the token-embedding model with two
# rows read at once, so `embedding_dynamics` applies to $[E;\mathrm{Pos}]$. The rows of $G$ are counted:

# %%
rng = np.random.default_rng(0)
some_tokens, some_labels = rng.integers(0, 4, (30, 3)), rng.integers(0, 5, 30)
drive = residual_drive(some_tokens, some_labels, 4, outputs=5)
f, p, mean, size = sp.symbols("f p q V", positive=True)
for token in range(4):
    here = some_tokens[:, -1] == token
    for label in range(5):
        conditional = (some_labels[here] == label).mean()
        expected = library["G of a token"].subs({f: here.mean(), p: conditional, size: 5})
        assert abs(drive[token, label] - float(expected)) < 1e-15
for label in range(5):
    expected = library["G of the last position"].subs({mean: (some_labels == label).mean(), size: 5})
    assert abs(drive[-1, label] - float(expected)) < 1e-15
assert not drive[4:-1].any()

e0, p0, u0 = rng.standard_normal((4, 6)), rng.standard_normal((3, 6)), rng.standard_normal((5, 6))
stacked, head = np.vstack((e0, p0)), u0
for _ in range(20):
    stacked, head = stacked + 0.1 * drive @ head, head + 0.1 * drive.T @ stacked
predicted = residual_stream(e0, p0, u0, drive, time=2.0, step=0.1)
np.testing.assert_allclose(np.vstack(predicted[:2]), stacked, rtol=1e-10)
np.testing.assert_allclose(predicted.output, head, rtol=1e-10)

# %% [markdown]
# ## 3. LayerNorm
#
# A LayerNorm $h\mapsto(h-\bar h)/\sqrt{v+\epsilon}$, with $v$ the variance of $h$ over the width, is nearly
# linear while $v\ll\epsilon$: a projection, divided by $\sqrt\epsilon$.

# %%
norm_eps, variance, rate = sp.symbols("epsilon v S", positive=True)
h = sp.Matrix(sp.symbols("h_1:4", real=True))
scale = sp.Symbol("t", positive=True)


def layer_norm(vector):
    average = sum(vector) / 3
    centered = vector - sp.ones(3, 1) * average
    return centered / sp.sqrt(centered.dot(centered) / 3 + norm_eps)


centering = sp.eye(3) - sp.ones(3, 3) / 3
slope_at_zero = sp.diff(layer_norm(scale * h), scale).subs(scale, 0)
assert sp.simplify(slope_at_zero - centering * h / sp.sqrt(norm_eps)) == sp.zeros(3, 1)
assert library["rate with a final LayerNorm"] == rate / sp.sqrt(norm_eps)
relative = sp.sqrt(norm_eps / (norm_eps + variance)) - 1
assert sp.simplify(sp.series(relative, variance, 0, 2).removeO() - library["its relative error"]) == 0
sp.Eq(sp.Symbol("relative"), library["its relative error"])

# %% [markdown]
# - **A final LayerNorm, $\sigma^2\ll\epsilon$**: the same law with $G/\sqrt\epsilon$, for the parts of $E$,
#   $\mathrm{Pos}$ and $U$ that are centered over the width; the rows' means are frozen. With
#   $\epsilon=10^{-5}$ learning is 316 times faster.
# - **A final LayerNorm, $\sigma^2\gg\epsilon$**: $x_{\rm last}$ enters by its direction alone, so
#   $\dot U=O(1)$ whatever $\sigma$ is, and $\dot E\propto U/|E|$ is no smaller than $E$: nothing is linear.
#   (Below: the map has slope zero along $h$, so the loss does not depend on the scale of $h$.) No plateau is
#   left whose length would grow as $\log(1/\sigma)$.
# - **LayerNorms before the branches**: far below $\epsilon$ they only rescale the branches. As $\epsilon\to0$
#   attention reads vectors of order one, and its path $\varepsilon^3$ is a relative $\varepsilon$.

# %%
along = sp.diff(layer_norm(scale * h), scale).subs(norm_eps, 0)
assert sp.simplify(along) == sp.zeros(3, 1)
normed1, normed2 = sp.symbols("n_1 n_2", real=True)  # of order one, whatever ε is
inner = coefficients(logit(eps * o, seen=(normed1, normed2)), 4)
assert inner[:3] == [0, 0, u * last]
assert sp.expand(inner[3] - u * (o * v * (normed1 + normed2) / 2 + down * up * normed2)) == 0

# %% [markdown]
# ## 4. A run on anchor data

# %%
VOCABULARY, WIDTH, HIDDEN = 110, 16, 32
batch = AnchorTask().sample(100, torch.Generator().manual_seed(0))
tokens, labels = batch.tokens, batch.labels
LENGTH = tokens.shape[1]
drive = residual_drive(tokens.numpy(), labels.numpy(), VOCABULARY)
largest = np.linalg.norm(drive, 2)
shapes = {
    "E": (VOCABULARY, WIDTH),
    "Pos": (LENGTH, WIDTH),
    "U": (VOCABULARY, WIDTH),
    **dict.fromkeys(("Q", "K", "V", "O"), (WIDTH, WIDTH)),
    "up": (HIDDEN, WIDTH),
    "down": (WIDTH, HIDDEN),
}
draw = {name: torch.from_numpy(rng.standard_normal(shape)) for name, shape in shapes.items()}


def normed(x, norm_eps):
    return x if norm_eps is None else functional.layer_norm(x, (x.shape[-1],), eps=norm_eps)


def loss(w, final=None, before=None, projection=True):
    """Cross-entropy at the last position, with LayerNorms of these ε."""
    x = w["E"][tokens] + w["Pos"]
    seen = normed(x, before)
    scores = (seen @ w["K"].T @ (seen[:, -1] @ w["Q"].T)[..., None]).squeeze(-1) / WIDTH**0.5
    attended = (scores.softmax(1)[..., None] * seen).sum(1) @ w["V"].T
    stream = x[:, -1] + (attended @ w["O"].T if projection else attended + 0 * w["O"].sum())
    stream = stream + torch.tanh(normed(stream, before) @ w["up"].T) @ w["down"].T
    return functional.cross_entropy(normed(stream, final) @ w["U"].T, labels)


def train(sigma, steps=30, final=None, record=False, **how):
    """Gradient descent with steps 0.1 / S_1; all states if `record`."""
    step = 0.1 / largest * (1 if final is None else final**0.5)
    w = {name: (sigma * normal).requires_grad_() for name, normal in draw.items()}
    path = [{name: value.detach().clone() for name, value in w.items()}]
    for _ in range(steps):
        gradients = torch.autograd.grad(loss(w, final=final, **how), list(w.values()))
        with torch.no_grad():
            for value, gradient in zip(w.values(), gradients, strict=True):
                value -= step * gradient
        if record:
            path.append({name: value.detach().clone() for name, value in w.items()})
    return path if record else {name: value.detach() for name, value in w.items()}


def relative_error(sigma, final=None, **how):
    end = train(sigma, final=final, **how)
    step = 0.1 / largest * (1 if final is None else final**0.5)
    start = [sigma * draw[name].numpy() for name in ("E", "Pos", "U")]
    expected = residual_stream(*start, drive, time=30 * step, step=step, final_norm_eps=final)
    moving = np.vstack([end[name].numpy() for name in ("E", "Pos", "U")])
    miss = moving - np.vstack(expected)
    return np.linalg.norm(miss) / np.linalg.norm(np.vstack(expected))


sigmas = 10.0 ** -np.arange(1, 6)
cases = {
    "no LayerNorm": {},
    r"inside, $\epsilon=10^{-5}$": {"before": 1e-5},
    r"inside, $\epsilon\to0$": {"before": 1e-30},
    r"$W_V$ alone (control)": {"projection": False},
}
errors = {name: np.array([relative_error(s, **how) for s in sigmas]) for name, how in cases.items()}
for name, values in errors.items():
    slopes = np.diff(np.log(values)) / np.diff(np.log(sigmas))
    print(f"{name:26s}", *(f"{value:.1e}" for value in values), f"  last slope {slopes[-1]:.3f}")
last_slopes = [np.log(values[-2] / values[-1]) / np.log(10) for values in errors.values()]
assert np.allclose(last_slopes, [2, 2, 1, 1], atol=0.05)
assert errors["no LayerNorm"][0] > 0.1

# %% [markdown]
# Under a final LayerNorm only $\sigma/\sqrt\epsilon$ matters:

# %%
ratios = 10.0 ** -np.arange(-3, 4).astype(float)
final_errors = {
    final: np.array([relative_error(ratio * final**0.5, final=final) for ratio in ratios])
    for final in (1e-5, 1e-8)
}
for final, values in final_errors.items():
    print(f"ε = {final:.0e}   σ/sqrt(ε) = 1e3 … 1e-3:", *(f"{value:.1e}" for value in values))
    assert abs(np.log10(values[-2] / values[-1]) - 2) < 0.05
    assert values[:3].min() > 0.1

# %% [markdown]
# ## 5. The length of the plateau
#
# Gradient flow until the loss has fallen by a hundredth. The plateau's length grows by $\log10/S_1$ for each
# decade in $\sigma$ where the linear stage exists, and stays bounded under a final LayerNorm with
# $\sigma^2\gg\epsilon$. A smaller model, to integrate the flow exactly:

# %%
flow_rng = np.random.default_rng(1)
anchor_scale = tokens, labels, draw, WIDTH  # kept, as `loss` reads them
tokens = torch.from_numpy(flow_rng.integers(0, 12, (40, 4)))
labels = torch.from_numpy((tokens[:, -1].numpy() + flow_rng.integers(0, 3, 40)) % 12)
WIDTH = 8
small_shapes = {"E": (12, 8), "Pos": (4, 8), "U": (12, 8), **dict.fromkeys("QKVO", (8, 8))}
small_shapes |= {"up": (8, 8), "down": (8, 8)}
small_draw = {name: torch.from_numpy(flow_rng.standard_normal(shape)) for name, shape in small_shapes.items()}
small_largest = np.linalg.norm(residual_drive(tokens.numpy(), labels.numpy(), 12), 2)
flow_sigmas = 10.0 ** -np.arange(1, 7)


def escape(sigma, final):
    flow = gradient_flow(
        lambda w: loss(w, final=final),
        {name: sigma * normal for name, normal in small_draw.items()},
        [0.0, 200.0],
        until=LossShare(0.99),
        rtol=1e-6,
        atol=1e-6 * sigma,
        method="RK45",
    )
    return float(flow.end_times) if flow.reached else np.nan


plain = np.array([escape(sigma, None) for sigma in flow_sigmas])
final = np.array([escape(sigma, 1e-5) for sigma in flow_sigmas])
far_above = np.array([escape(sigma, 1e-14) for sigma in flow_sigmas[:3]])
per_decade = np.log(10) / small_largest
print("no LayerNorm:  ", *(f"{time:.2f}" for time in plain), f"  log 10 / S_1 = {per_decade:.2f}")
print(
    "final, ε = 1e-5:", *(f"{time:.3f}" for time in final), f"  sqrt(ε) of it: {per_decade * 1e-5**0.5:.3f}"
)
print("final, ε = 1e-14:", *(f"{time:.3f}" for time in far_above), "  (σ = 0.1, 0.01, 0.001)")
assert np.allclose(np.diff(plain)[-2:], per_decade, rtol=0.02)
assert far_above.max() < 1.2 * far_above[0]  # it does not grow as σ falls
tokens, labels, draw, WIDTH = anchor_scale

# %% [markdown]
# ## 6. Which parts move

# %%
SIGMA, STEPS = 1e-3, 80
path = train(SIGMA, steps=STEPS, record=True)
read = torch.from_numpy(np.abs(drive).sum(1) > 0)
read_tokens, read_positions = read[:VOCABULARY], read[VOCABULARY:]
parts = {
    "read last: E, Pos, and U": [("E", read_tokens), ("Pos", read_positions), ("U", slice(None))],
    "other tokens and positions": [("E", ~read_tokens), ("Pos", ~read_positions)],
    "attention and feed-forward": [(name, slice(None)) for name in ("Q", "K", "V", "O", "up", "down")],
}


def displacement(state, chosen):
    moved = sum((state[name][rows] - path[0][name][rows]).square().sum() for name, rows in chosen)
    return (moved / sum(path[0][name][rows].square().sum() for name, rows in chosen)).sqrt().item()


times = np.arange(STEPS + 1) * 0.1
start = [np.broadcast_to(path[0][name].numpy(), (STEPS + 1, *shapes[name])) for name in ("E", "Pos", "U")]
expected = residual_stream(*start, drive, time=times / largest, step=0.1 / largest)
moved = [part - part[0] for part in expected]
closed = np.sqrt(
    sum(np.square(part).sum((1, 2)) for part in moved)
    / sum(path[0][name][rows].square().sum().item() for name, rows in parts["read last: E, Pos, and U"])
)
with style():
    figure, axes = plt.subplots(2, 2, figsize=(8.4, 6.2), layout="constrained")
    axes[0, 0].semilogy(times[1:], closed[1:], color="0.6", label="closed form")
    for (name, chosen), color, marker in zip(parts.items(), ("C0", "C1", "C2"), "os^", strict=True):
        values = [displacement(state, chosen) for state in path]
        axes[0, 0].semilogy(times[4::4], values[4::4], marker, color=color, markersize=4, label=name)
    axes[0, 0].set(xlabel=r"time $S_1t$", ylabel="relative displacement", ylim=(1e-9, 1e6))
    axes[0, 0].set_title(f"σ = {SIGMA:g}")
    axes[0, 0].legend(loc="lower right")

    for power in (1, 2):
        line = errors[r"inside, $\epsilon\to0$" if power == 1 else "no LayerNorm"][-1]
        axes[0, 1].loglog(sigmas, line * (sigmas / sigmas[-1]) ** power, color="0.6", zorder=0)
    for (name, values), color, marker in zip(errors.items(), ("C0", "C2", "C1", "C3"), "o^sx", strict=True):
        axes[0, 1].loglog(sigmas, values, marker, color=color, label=name)
    axes[0, 1].set(xlabel="scale of the start σ", ylabel="relative error", ylim=(1e-10, 10))
    axes[0, 1].set_title("lines: slopes 1 and 2")
    axes[0, 1].legend(loc="lower right")

    line = final_errors[1e-5][-1] * (ratios / ratios[-1]) ** 2
    axes[1, 0].loglog(ratios[2:], line[2:], color="0.6", label="slope 2")
    for (value, measured), marker in zip(final_errors.items(), "ox", strict=True):
        axes[1, 0].loglog(ratios, measured, marker, label=f"$\\epsilon$ = {value:.0e}")
    axes[1, 0].set(xlabel=r"$\sigma/\sqrt{\epsilon}$", ylabel="relative error", ylim=(1e-8, 100))
    axes[1, 0].set_title("final LayerNorm")
    axes[1, 0].legend()

    line = plain[-1] + per_decade * np.log10(flow_sigmas[-1] / flow_sigmas)
    axes[1, 1].semilogx(flow_sigmas, line / per_decade, color="0.6", label=r"slope $\log(1/\sigma)/S_1$")
    axes[1, 1].semilogx(flow_sigmas, plain / per_decade, "o", color="C0", label="no LayerNorm")
    axes[1, 1].semilogx(
        flow_sigmas, final / per_decade / 1e-5**0.5, "x", color="C3", label=r"final, $\epsilon=10^{-5}$"
    )
    axes[1, 1].axvline(1e-5**0.5, color="C3", linestyle=":", linewidth=1)
    axes[1, 1].set(
        xlabel="scale of the start σ",
        ylabel=r"time of escape $\times$ rate / log 10",
    )
    axes[1, 1].set_title(r"dotted: $\sigma=\sqrt{\epsilon}$")
    axes[1, 1].legend()
    plt.show()

# %% [markdown]
# The direct path grows while all else stays: attention and feed-forward layer move by $\sigma^2e^{2S_1t}$ of
# themselves, and by as much as they are only when the stage ends. Such a transformer first learns the label's
# distribution given the last token, and the marginal, which the last position's embedding carries. Under a
# final LayerNorm the plateau's length follows $\log(1/\sigma)$ only left of $\sigma=\sqrt\epsilon$.
#
# **What is not claimed.** Biases of the output head learn the marginal at a speed that does not depend on
# $\sigma$ and change $G$ (section 8 of the notebook on embedding_dynamics). A trained scale and shift of the
# final LayerNorm are left out: the shift is one more row that every sample reads. Adam follows none of this.
# After the escape, when query and key begin to move, nothing is derived here.
#
# ## References
#
# - Derived here, from the matrix law for embeddings: J. Yao, Z. Zhang, Z.-Q. J. Xu, *An analysis for
#   reasoning bias of language models with small initialization*, ICML 2025, arXiv 2502.04375.
# - J. L. Ba, J. R. Kiros, G. E. Hinton, *Layer normalization*, 2016, arXiv 1607.06450.
