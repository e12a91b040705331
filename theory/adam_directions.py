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
# # Adam at a small start: neurons follow signs, and the plateau forgets the start
#
# Two layers, $f(x)=\sum_k a_k\,s(w_k\cdot x)$ with $m$ neurons, $s(0)=0$, $s'(0)=1$, loss
# $L=\frac1{2n}\sum_i(f(x_i)-y_i)^2$, and Adam on the full batch with learning rate $\eta$, $\beta_1$,
# $\beta_2$ and $\epsilon\to0$. Initial weights have scale $\sigma\ll m^{-1/2}$.
#
# **Claim.** With $v=\frac1n\sum_iy_ix_i$,
#
# $$w_k=w_k(0)+\eta A_k\,\mathrm{sign}(v),\qquad a_k=a_k(0)+\eta B_k,$$
#
# where $(A_k,B_k)$ is a recursion of two numbers for each neuron. Once $\sigma\ll\eta\,t$ all weights have
# one size, $|w_{kj}|=|a_k|=\eta\,q_t$, with a sequence $q_t$ that depends on $\beta_1$ and $\beta_2$ alone,
# and the loss leaves its plateau when $m\,(\eta q_t)^2\,|v|_1=\delta L(0)$, whatever $\sigma$ is. Gradient
# flow differs: it follows $v$ itself, and its plateau lasts for a time $\propto\log(1/\sigma)$.
#
# Each step is computed by SymPy and compared with `lowcomplex.predictions.adam_directions`, the formula that
# `lowcomplex check adam_directions` uses.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch

from lowcomplex.plots import style
from lowcomplex.predictions import adam_directions, linear_stage
from lowcomplex.theorems.adam_directions.formula import adam_amplitude, adam_escape_steps
from lowcomplex.theorems.linear_stage.formula import driving_vector

torch.set_num_threads(1)

# %% [markdown]
# ## 1. All coordinates of a neuron move alike
#
# At a small start $-\nabla_{w}L=a\,v$ and $-\partial_aL=w\cdot v$ (derived in the notebook of the linear
# stage). So the gradients that coordinate $j$ of a neuron sees in the course of time are $a_1v_j$, $a_2v_j$,
# … Adam's update for them, with $\hat m=m/(1-\beta_1^t)$ and $\hat v=v/(1-\beta_2^t)$, holds $v_j$ as a
# sign only:

# %%
b1, b2 = sp.symbols("beta_1 beta_2", positive=True)
entry = sp.Symbol("v_j", real=True, nonzero=True)
history = sp.symbols("a_1:4", positive=True)


def update(gradients):
    """Adam's last update for gradients in the course of time, at ε = 0."""
    t = len(gradients)
    mean = sum((1 - b1) * b1 ** (t - 1 - i) * g for i, g in enumerate(gradients)) / (1 - b1**t)
    square = sum((1 - b2) * b2 ** (t - 1 - i) * g**2 for i, g in enumerate(gradients)) / (1 - b2**t)
    return mean / sp.sqrt(square)


for t in (1, 2, 3):
    seen = update([a * entry for a in history[:t]])
    alone = update(history[:t])
    for value in (sp.Rational(7, 3), -sp.Rational(2, 5)):
        assert sp.simplify(seen.subs(entry, value) - sp.sign(value) * alone) == 0

# %% [markdown]
# Hence $w_k-w_k(0)=\eta A_k\,\mathrm{sign}(v)$. The gradient of $a_k$ is then
# $w_k(0)\cdot v+\eta A_k|v|_1$, whose scale drops out as well. What remains is one pair for each neuron:
# Adam's update of $A$ for the gradients $\alpha+B$ and of $B$ for $\mu+A$, with
# $\alpha=a(0)/\eta$ and $\mu=w(0)\cdot v/(\eta|v|_1)$. It depends on $\sigma/\eta$ alone. The library's
# evaluator is that recursion; here against Adam on all coordinates:

# %%
rng = np.random.default_rng(0)
some_v = np.array([0.7, -0.1, 0.02, -1.3])
some_w, some_a = rng.standard_normal((20, 4)), rng.standard_normal(20)
weights = [torch.from_numpy(some_w.copy()).requires_grad_(), torch.from_numpy(some_a.copy()).requires_grad_()]
optimizer = torch.optim.Adam(weights, lr=0.3, eps=0.0)
for _ in range(50):
    optimizer.zero_grad()
    (-(weights[1] * (weights[0] @ torch.from_numpy(some_v))).sum()).backward()
    optimizer.step()
moved = adam_directions(some_w, some_a, some_v, step=0.3, steps=50)
np.testing.assert_allclose(moved.input_weight, weights[0].detach(), rtol=1e-8)
np.testing.assert_allclose(moved.output_weight, weights[1].detach(), rtol=1e-8)

# %% [markdown]
# ## 2. One amplitude for all
#
# From nothing ($\sigma\to0$) with agreeing signs, $A=B=q$: the gradient of a step is the weight before it.
# The first gradient is as small as one likes, and its update is 1.

# %%
tiny = sp.Symbol("epsilon", positive=True)
q1 = update([tiny])
assert sp.simplify(q1) == 1
q2 = q1 + sp.limit(update([tiny, q1]), tiny, 0, "+")
assert sp.simplify(q2 - 1 - sp.sqrt(1 + b2) / (1 + b1)) == 0
q3 = q2 + sp.limit(update([tiny, q1, q2]), tiny, 0, "+")
usual = {b1: sp.Rational(9, 10), b2: sp.Rational(999, 1000)}
sequence = adam_amplitude(3000)
np.testing.assert_allclose(sequence[1:4], [float(q.subs(usual)) for q in (q1, q2, q3)], rtol=1e-12)

# %% [markdown]
# How fast does $q$ grow later? Between $1/(1-\beta_1)$ and $1/(1-\beta_2)$ steps the mean follows the last
# gradient, while the mean square still averages over the whole past. For a gradient that grows linearly the
# update is then $\sqrt3$, and weights that move by a constant update have such a gradient. After
# $1/(1-\beta_2)$ steps the mean square, too, forgets, and the update falls to 1. So Adam's early updates are
# *not* of size $\eta$: they are up to $\sqrt3\,\eta$.

# %%
time, past, slope = sp.symbols("t s c", positive=True)
mean_square = sp.integrate((slope * past) ** 2, (past, 0, time)) / time
assert sp.simplify(slope * time / sp.sqrt(mean_square)) == sp.sqrt(3)
assert adam_directions.expressions["updates per step"] == sp.sqrt(3)
window = sp.Symbol("tau", positive=True)  # 1/(1-β2), far below t
forgetful = sp.integrate((slope * (time - past)) ** 2 * sp.exp(-past / window) / window, (past, 0, sp.oo))
assert sp.limit(slope * time / sp.sqrt(forgetful), time, sp.oo) == 1

patient = np.diff(adam_amplitude(4000, betas=(0.9, 1 - 1e-6)))
print("update with the usual β2 at steps 2, 10, 100, 300, 1000, 3000:")
print([round(float(np.diff(sequence)[t - 1]), 3) for t in (2, 10, 100, 300, 1000, 3000)])
print(f"with β2 = 1 - 1e-6 after 4000 steps: {patient[-1]:.4f}, sqrt(3) = {3**0.5:.4f}")
assert abs(patient[-1] - 3**0.5) < 0.01

# %% [markdown]
# ## 3. The end of the plateau
#
# To leading order the loss falls by $\sum_ka_kw_k\cdot v$. With $w_k=\pm\eta q\,\mathrm{sign}(v)$ and
# $a_k=\pm\eta q$ of the same sign that is $m(\eta q)^2|v|_1$. There is no $\sigma$ in it.

# %%
eta, q, m, norm, drop = sp.symbols("eta q m v_1 Delta", positive=True)
fallen = m * (eta * q) * (eta * q) * norm
assert sp.simplify(fallen - adam_directions.expressions["loss drop"]) == 0
at_escape = [root for root in sp.solve(sp.Eq(fallen, drop), q) if root.is_positive]
assert sp.simplify(at_escape[0] - adam_directions.expressions["amplitude at escape"]) == 0
sp.Eq(sp.Symbol("q_T"), at_escape[0])

# %% [markdown]
# ## 4. A small run
#
# Forty samples, five inputs, 100 neurons with tanh. $\eta$ is such that $\delta=10^{-3}$ is predicted to
# take 100 steps. The start's scale goes from $10^{-3}\eta$ to $100\,\eta$.

# %%
SAMPLES, INPUTS, NEURONS, STEPS, DELTA = 40, 5, 100, 100, 1e-3
rng = np.random.default_rng(2)
data = rng.standard_normal((SAMPLES, INPUTS))
targets = np.tanh(data @ rng.standard_normal(INPUTS)) + 0.3 * rng.standard_normal(SAMPLES)
v = driving_vector(data, targets)
print("v =", np.round(v, 2))
draw_w, draw_a = rng.standard_normal((NEURONS, INPUTS)), rng.standard_normal(NEURONS)
allowed = DELTA * float(np.square(targets).mean()) / 2
rate = float(np.sqrt(allowed / (NEURONS * np.abs(v).sum())) / adam_amplitude(STEPS)[-1])
predicted_steps = adam_escape_steps(v, NEURONS, drop=allowed, step=rate)


def train(sigma, step, *, steps, adam=True):
    """Weights and losses in the course of training."""
    inputs, labels = torch.from_numpy(data), torch.from_numpy(targets)
    weights = [torch.from_numpy(sigma * draw).requires_grad_() for draw in (draw_w, draw_a)]
    optimizer = torch.optim.Adam(weights, lr=step, eps=0.0) if adam else torch.optim.SGD(weights, lr=step)
    path, losses = [], []
    for index in range(steps + 1):
        residual = torch.tanh(inputs @ weights[0].mT) @ weights[1] - labels
        loss = residual.square().mean() / 2
        losses.append(loss.item())
        path.append([weight.detach().clone().numpy() for weight in weights])
        if index < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return path, np.array(losses)


def escape(losses):
    below = np.flatnonzero(losses <= losses[0] - allowed)
    return int(below[0]) if len(below) else np.nan


ratios = np.array([1e-3, 1e-2, 0.1, 1, 10, 100])
runs = [train(ratio * rate, rate, steps=2 * STEPS) for ratio in ratios]
escapes = np.array([escape(losses) for _, losses in runs])
print(f"η = {rate:.1e}, predicted escape {predicted_steps:.1f}")
for ratio, measured in zip(ratios, escapes, strict=True):
    print(f"σ/η = {ratio:g}: escape at step {measured}")
assert np.abs(escapes[2:5] / predicted_steps - 1).max() < 0.05

sigmas = np.array([1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
errors = []
for sigma in sigmas:
    w_end, a_end = train(sigma, sigma, steps=STEPS)[0][-1]
    predicted = adam_directions(sigma * draw_w, sigma * draw_a, v, step=sigma, steps=STEPS)
    miss = np.append(w_end - predicted.input_weight, a_end - predicted.output_weight)
    errors.append(
        np.linalg.norm(miss) / np.linalg.norm(np.append(predicted.input_weight, predicted.output_weight))
    )
errors = np.array(errors)
exponent = np.polyfit(np.log(sigmas[:3]), np.log(errors[:3]), 1)[0]
print("relative error of all weights:", " ".join(f"{error:.1e}" for error in errors))
print(f"exponent in σ at fixed η/σ, below 1e-5: {exponent:.4f}")
assert abs(exponent - 2) < 0.02
assert errors[-1] > 0.1

# %% [markdown]
# The two-number recursion is exact up to $\sigma^2$. The escape is as predicted within a few steps for starts
# between a tenth and ten learning rates. It is not quite constant outside: a start of $100\,\eta$ is already
# as large as the weights will be ($\sigma\not\ll\eta t$), and for $\sigma\ll\eta$ the half of the neurons
# whose $a(0)$ and $w(0)\cdot v$ differ in sign overshoot into $a=-w$, where they wait for a few steps for
# each factor of ten in $\sigma$. Both are in the recursion, not in $q_t$.

# %%
flow_escapes = []
flow_sigmas = ratios * rate
for sigma in flow_sigmas:
    strength = np.square(sigma * (draw_a + draw_w @ v / np.linalg.norm(v))).sum() / 4
    expected = np.log(allowed / (np.linalg.norm(v) * strength)) / (2 * np.log1p(0.05 * np.linalg.norm(v)))
    flow_escapes.append(escape(train(sigma, 0.05, steps=int(expected + 60), adam=False)[1]))
print("escape of gradient descent, η = 0.05:", flow_escapes)

path = runs[3][0]
early = np.arange(41)
cosine_sign = np.array([np.abs(w @ np.sign(v)) / np.linalg.norm(w, axis=1) for w, _ in path]) / INPUTS**0.5
cosine_v = np.array([np.abs(w @ v) / np.linalg.norm(w, axis=1) for w, _ in path]) / np.linalg.norm(v)
formula = np.array(
    [np.abs(adam_directions(rate * draw_w, rate * draw_a, v, step=rate, steps=t).cosine) for t in early]
)
gradient_descent = linear_stage(rate * draw_w, rate * draw_a, v, step=0.05, steps=400)
assert np.abs(gradient_descent.cosine).mean() > 0.99
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), layout="constrained")
    shown = slice(0, 100, 12)
    axes[0].plot(early, formula[:, shown], color="0.6", linewidth=1)
    axes[0].plot(early[::2], cosine_sign[early[::2], shown], "o", markersize=2, color="C0")
    axes[0].plot(early, cosine_v.mean(1)[early], "--", color="C3")
    axes[0].text(20, cosine_v[-1].mean() - 0.1, "mean |cos(w, v)|", color="C3")
    axes[0].set(xlabel="step", ylabel="|cos(w, sign v)|", ylim=(0, 1.03))
    axes[0].set_title("nine neurons: trained (dots), formula (lines)")

    late = np.arange(1, 3001)
    axes[1].semilogx(late, sequence[1:] / late, color="0.6", label="q/t, predicted")
    for index, marker in ((1, "s"), (3, "o"), (4, "^")):
        mean = np.array([np.abs(a).mean() for _, a in runs[index][0]]) / rate
        chosen = np.unique(np.geomspace(5, len(mean) - 1, 14).astype(int))
        axes[1].plot(
            chosen, mean[chosen] / chosen, marker, markersize=3, label=f"trained, σ/η = {ratios[index]:g}"
        )
    axes[1].axhline(3**0.5, color="0.8", linestyle=":")
    axes[1].text(1, 3**0.5 + 0.03, "√3")
    axes[1].set(xlabel="step t", ylabel="mean |a| / (η t)", ylim=(0, 2.6))
    axes[1].legend()

    axes[2].loglog(ratios, np.full(len(ratios), predicted_steps), color="0.6", label="predicted")
    axes[2].loglog(ratios, escapes, "o", color="C0", label="Adam")
    axes[2].loglog(ratios, flow_escapes, "x", color="C3", label="gradient descent (control)")
    axes[2].set(xlabel="scale of the start σ/η", ylabel="steps to escape", ylim=(20, 1000))
    axes[2].set_yticks([30, 100, 300, 1000], ["30", "100", "300", "1000"])
    axes[2].minorticks_off()
    axes[2].legend()
    plt.show()

# %% [markdown]
# ## What is known beyond
#
# Sign descent, Adam's limit $\beta_1,\beta_2\to0$, moves along $\mathrm{sign}(v)$ by $\eta$ per step; that
# Adam behaves like it is well known (Balles and Hennig 2018; Bernstein et al. 2018). The two-number
# recursion, the factor $\sqrt3$ and the escape time are derived here. With the usual $\epsilon=10^{-8}$ the
# law needs gradients well above that, $\sigma|v|\gg10^{-8}$. The neurons' limit is a line through
# $\mathrm{sign}(v)$, so which coordinates are rotated into which matters: unlike under gradient flow,
# condensation under Adam depends on the basis of the inputs.
#
# ## References
#
# - D. P. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015, arXiv 1412.6980,
#   algorithm 1.
# - L. Balles, P. Hennig, *Dissecting Adam: the sign, magnitude and variance of stochastic gradients*,
#   ICML 2018, arXiv 1705.07774.
# - J. Bernstein, Y.-X. Wang, K. Azizzadenesheli, A. Anandkumar, *signSGD: compressed optimisation for
#   non-convex problems*, ICML 2018, arXiv 1802.04434.
