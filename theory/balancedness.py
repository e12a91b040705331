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
# # Balance: what gradient flow conserves, and how far steps break it
#
# Two layers, $f(x)=\sum_ka_k\,s(w_k\cdot x)$, any loss of the outputs; the activation is homogeneous,
# $z\,s'(z)=p\,s(z)$: ReLU ($p=1$), a power $z^p$.
#
# **Claim.** Gradient flow conserves $|w_k|^2-p\,a_k^2$ of every neuron. A step $\eta$ of gradient descent
# moves $p\,a_k^2-|w_k|^2$ by exactly $\eta^2(p\,g_a^2-|g_w|^2)$, so over a fixed time it drifts by $O(\eta)$.
#
# By balance one number per neuron describes its whole growth: from a small start both layers stay of one
# size. Steps below are computed by SymPy and compared with `lowcomplex.predictions.balancedness`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp

from lowcomplex.plots import style
from lowcomplex.predictions import balancedness

library = balancedness.expressions

# %% [markdown]
# ## 1. Euler's identity makes the two layers' gradients agree
#
# Two samples, two inputs; $e_i=\partial L/\partial f(x_i)$ depends on the loss, and other neurons enter
# only through it.

# %%
a, p, eta = sp.symbols("a p eta", positive=True)
w = sp.Matrix(sp.symbols("w_1 w_2", real=True))
e = sp.symbols("e_1 e_2", real=True)
z = sp.symbols("z_1 z_2", positive=True)
x = sp.Matrix(2, 2, sp.symbols("x_11 x_12 x_21 x_22", real=True))
for power in (1, 2, 3, p):
    g_a = sum(e[i] * z[i] ** power for i in range(2))
    # w·∇_w L = Σ e_i a s'(z_i) (w·x_i), and w·x_i = z_i.
    w_g_w = sum(e[i] * a * sp.diff(z[i] ** power, z[i]) * z[i] for i in range(2))
    assert sp.simplify(w_g_w - power * a * g_a) == 0
    assert sp.simplify(-2 * w_g_w + 2 * power * a * g_a) == 0
assert library["rate of |w|² - p a² under gradient flow"] == 0

# With the chain rule written out, for the square:
dots = [(x[i, :] * w)[0] for i in range(2)]
grad_w = [sum(e[i] * a * 2 * dots[i] * x[i, j] for i in range(2)) for j in range(2)]
grad_a = sum(e[i] * dots[i] ** 2 for i in range(2))
assert sp.expand(sum(w[j] * grad_w[j] for j in range(2)) - 2 * a * grad_a) == 0

# %% [markdown]
# ReLU is homogeneous too: on each side of its kink it is $z$ or $0$. tanh is not; $z\tanh z$ is $z^2$ only to
# leading order, so its balance holds only while weights are small:

# %%
y = sp.Symbol("y", real=True)
assert sp.simplify(y * sp.diff(sp.Max(y, 0), y) - sp.Max(y, 0)).subs(y, 2) == 0
assert sp.simplify(y * sp.diff(sp.Max(y, 0), y) - sp.Max(y, 0)).subs(y, -2) == 0
for s, power in ((sp.tanh(y), 1), (y * sp.tanh(y), 2)):
    defect = sp.series(y * sp.diff(s, y) - power * s, y, 0, power + 3).removeO()
    print(f"z s' - {power} s =", sp.simplify(defect), "+ ...  for", s)
    assert defect != 0

# %% [markdown]
# ## 2. One step of descent
#
# The first order in $\eta$ is that of the flow, and vanishes; the rest is exact.

# %%
G_a, G_w = sp.symbols("g_a g_w", real=True)  # in one input dimension |g_w| = |G_w|
size = sp.Symbol("w", real=True)
step = p * (a - eta * G_a) ** 2 - (size - eta * G_w) ** 2 - (p * a**2 - size**2)
balanced = sp.expand(step.subs(size, p * a * G_a / G_w))  # w g_w = p a g_a
claimed = library["drift of p a² - |w|² in one step"]
assert sp.simplify(balanced - claimed) == 0
claimed

# %% [markdown]
# ## 3. Runs
#
# Thirty neurons, full-batch gradient descent to $t=2$ on the square loss, gradients by hand.

# %%
SAMPLES, INPUTS, NEURONS, TIME = 20, 4, 30, 2.0
rng = np.random.default_rng(0)
data, targets = rng.standard_normal((SAMPLES, INPUTS)), rng.standard_normal(SAMPLES)
w_start = 0.5 * rng.standard_normal((NEURONS, INPUTS)) / np.sqrt(INPUTS)
a_start = 0.5 * rng.standard_normal(NEURONS) / np.sqrt(NEURONS)
ACTIVATIONS = {
    "relu": (1, lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "square": (2, lambda z: z**2, lambda z: 2 * z),
    "tanh": (1, np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "z tanh z": (2, lambda z: z * np.tanh(z), lambda z: np.tanh(z) + z * (1 - np.tanh(z) ** 2)),
}


def run(name, step, scale=1.0):
    """The balance p a² - |w|² along training, and its drift by the formula."""
    degree, value, slope = ACTIVATIONS[name]
    w, a = scale * w_start, scale * a_start
    path, g_as, g_ws = [], [], []
    for _ in range(round(TIME / step) + 1):
        path.append(degree * a**2 - np.square(w).sum(1))
        z = data @ w.T
        residual = (value(z) @ a - targets) / SAMPLES
        g_as.append(residual @ value(z))
        g_ws.append(((residual[:, None] * slope(z)) * a).T @ data)
        w, a = w - step * g_ws[-1], a - step * g_as[-1]
    predicted = balancedness(np.array(g_as[:-1]), np.array(g_ws[:-1]), step=step, degree=degree)
    return np.array(path), predicted


steps = np.array([1.6e-2, 8e-3, 4e-3, 2e-3, 1e-3])
drifts, errors = {}, {}
for name in ACTIVATIONS:
    drifts[name], errors[name] = [], []
    for step in steps:
        path, predicted = run(name, step)
        drifts[name].append(np.linalg.norm(path[-1] - path[0]))
        errors[name].append(np.abs(path[-1] - path[0] - predicted).max())
    exponent = np.polyfit(np.log(steps[-3:]), np.log(drifts[name][-3:]), 1)[0]
    print(
        f"{name:9s} drift {drifts[name][0]:.1e} to {drifts[name][-1]:.1e}, exponent in η {exponent:.3f}, "
        f"error of the formula {max(errors[name]):.1e}"
    )
    if name in ("relu", "square"):
        assert abs(exponent - 1) < 0.02
        # Rounding of 2,000 updates of squared weights below 10.
        assert max(errors[name]) < 2000 * np.finfo(float).eps * 100
    else:
        assert abs(exponent) < 0.2
        assert min(errors[name]) > 1e-4

# %% [markdown]
# $z\tanh z$ from ever smaller starts, over the same time: its balance relative to the weights' size.

# %%
for scale in (1.0, 0.3, 0.1):
    path, _ = run("z tanh z", 1e-3, scale)
    relative = np.linalg.norm(path[-1] - path[0]) / np.linalg.norm(path[0])
    print(f"scale {scale:g}: relative drift {relative:.1e}")

# %%
with style():
    figure, axes = plt.subplots(1, 2, figsize=(7.5, 2.9), layout="constrained")
    marks = {"relu": ("o", "C0"), "square": ("s", "C2"), "tanh": ("x", "C3"), "z tanh z": ("+", "C1")}
    for name, (marker, color) in marks.items():
        label = name if name in ("relu", "square") else f"{name} (control)"
        axes[0].loglog(steps, drifts[name], marker=marker, linestyle="none", color=color, label=label)
    for name in ("relu", "square"):
        anchor = drifts[name][-1] / steps[-1]
        axes[0].loglog(steps, anchor * steps, color="0.6", zorder=0)
    axes[0].set(xlabel="step η", ylabel="drift of all neurons' balance", ylim=(1e-5, 10))
    axes[0].legend(fontsize="small", ncols=2, loc="upper left")
    for name, color in (("tanh", "C3"), ("relu", "C0")):
        path, _ = run(name, 1e-3)
        times = 1e-3 * np.arange(len(path))
        axes[1].plot(times, (path - path[0])[:, :8], color=color, linewidth=1)
        axes[1].plot([], [], color=color, label=name)
    axes[1].set(xlabel="time t", ylabel="change of a² - |w|², eight neurons")
    axes[1].legend(fontsize="small")
    plt.show()

# %% [markdown]
# ## References
#
# - S. Du, W. Hu, J. Lee, *Algorithmic regularization in learning deep homogeneous models: layers are
#   automatically balanced*, NeurIPS 2018, arXiv 1806.00900, theorem 2.1. Other degrees and the drift of a
#   step are derived here.
