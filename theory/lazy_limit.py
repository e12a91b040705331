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
# # The lazy limit: a large output scale turns a network into its linearization
#
# Any network $h(\theta)$, centered and scaled: $f=\alpha\,(h(\theta)-h(\theta_0))$, loss
# $\frac1{2n}\sum_i(f(x_i)-y_i)^2$, gradient descent with the step $\eta/\alpha^2$.
#
# **Claim.** As $\alpha$ grows, the function differs from regression on the initial tangent kernel $K$ by
# $O(1/\alpha)$, and the parameters move by $\frac1\alpha\sqrt{y^TK^{-1}y}$ in all: laziness.
#
# Each step is computed and compared with `lowcomplex.predictions.lazy_limit`. Section 3 goes one order
# beyond: it predicts the error itself.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp

from lowcomplex.plots import style
from lowcomplex.predictions import lazy_limit
from lowcomplex.theorems.circle_ntk.formula import circle_kernel

library = lazy_limit.expressions

# %% [markdown]
# ## 1. Orders in $1/\alpha$
#
# Write $\theta=\theta_0+\delta/\alpha$. One neuron, $h=a\tanh(wx)$, shows every term; $\epsilon=1/\alpha$.

# %%
a, w, x, y, eps, eta = sp.symbols("a w x y epsilon eta", real=True)
da, dw = sp.symbols("delta_a delta_w", real=True)


def h(a, w):
    return a * sp.tanh(w * x)


moved = {a: a + eps * da, w: w + eps * dw}
there = h(a, w).subs(moved, simultaneous=True)  # f = (there - h)/ε
jacobian = sp.Matrix([h(a, w)]).jacobian([a, w])
hessian = sp.hessian(h(a, w), (a, w))
delta = sp.Matrix([da, dw])
assert there.subs(eps, 0) == h(a, w)
assert sp.simplify(sp.diff(there, eps).subs(eps, 0) - (jacobian * delta)[0]) == 0
assert sp.simplify(sp.diff(there, eps, 2).subs(eps, 0) - (delta.T * hessian * delta)[0]) == 0
# The step in δ is α · (η/α²) (f - y) α ∂h/∂θ; α² cancels, and at ε = 0 the derivative is the Jacobian:
for component, change in zip(jacobian, (da, dw), strict=True):
    slope_there = sp.cancel(sp.diff(there, change) / eps)
    assert sp.simplify(slope_there.subs(eps, 0) - component) == 0

# %% [markdown]
# To leading order $f=J\delta$ and $\delta\mapsto\delta-\frac\eta nJ^T(J\delta-y)$: gradient descent on a
# linear model, free of $\alpha$. The next order is smaller by $1/\alpha$.
#
# ## 2. The linear model, solved
#
# Along an eigenvector of $K=JJ^T$ with eigenvalue $\lambda$, the output $u$ obeys
# $u\mapsto u-\frac{\eta\lambda}n(u-y)$, and $\delta$ stays in the row space of $J$, on a right singular
# vector of singular value $\sqrt\lambda$, so that $\delta=u/\sqrt\lambda$.

# %%
lam, n, t = sp.symbols("lambda n t", positive=True)
N = sp.Symbol("N", integer=True, positive=True)


def renamed(name):
    here = {"lambda": lam, "n": n, "t": t, "eta": eta, "N": N, "y": y, "alpha": 1 / eps}
    formula = library[name]
    return formula.subs({symbol: here[str(symbol)] for symbol in formula.free_symbols}, simultaneous=True)


discrete = renamed("learned share of an eigenvector, steps") * y
assert sp.simplify(discrete.subs(N, N + 1) - discrete + eta * lam / n * (discrete - y)) == 0
assert discrete.subs(N, 0) == 0
flow = renamed("learned share of an eigenvector, flow") * y
assert sp.simplify(sp.diff(flow, t) + lam / n * (flow - y)) == 0
squared = renamed("squared displacement of an eigenvector, flow")
assert sp.simplify(squared - (flow / sp.sqrt(lam)) ** 2 * eps**2) == 0
assert sp.limit(squared, t, sp.oo) == y**2 * eps**2 / lam

# %% [markdown]
# The last line, summed over eigenvectors, is $y^TK^{-1}y/\alpha^2$.
#
# ## 3. One order further: the error of the claim, predicted
#
# With $\delta=\delta_0+\delta_1/\alpha$ and $Q_i=\delta_0^T\nabla^2h(x_i)\delta_0$,
#
# $$\delta_1\mapsto\delta_1-\tfrac\eta n\big[J^T(J\delta_1+\tfrac12Q)+\textstyle\sum_i(J\delta_0-y)_i
# \nabla^2h(x_i)\delta_0\big],\qquad f=J\delta_0+\tfrac1\alpha(J\delta_1+\tfrac12Q)+O(\alpha^{-2}).$$

# %%
d1a, d1w = sp.symbols("delta_1a delta_1w", real=True)
first = sp.Matrix([d1a, d1w])
both = {da: da + eps * d1a, dw: dw + eps * d1w}
quadratic = (delta.T * hessian * delta)[0]
f_both = sp.expand((jacobian * delta)[0].subs(both) + eps * quadratic.subs(both) / 2)
assert sp.simplify(f_both.coeff(eps, 1) - (jacobian * first)[0] - quadratic / 2) == 0
# ∂f/∂δ_0 to first order is J + ε ∇²h δ_0; multiply by the residual and keep the order ε.
residual_0, residual_1 = (jacobian * delta)[0] - y, (jacobian * first)[0] + quadratic / 2
gradient = (jacobian.T + eps * hessian * delta) * (residual_0 + eps * residual_1)
order_1 = gradient.applyfunc(lambda entry: sp.expand(entry).coeff(eps, 1))
assert sp.simplify(order_1 - jacobian.T * residual_1 - hessian * delta * residual_0) == sp.zeros(2, 1)

# %% [markdown]
# ## 4. A run
#
# 100 neurons, 8 samples in four dimensions, 400 steps of $0.1\,n/\lambda_{\max}$.

# %%
NEURONS, SAMPLES, TESTS, INPUTS, STEPS = 100, 8, 40, 4, 400
rng = np.random.default_rng(0)
points = rng.standard_normal((SAMPLES + TESTS, INPUTS))
points /= np.linalg.norm(points, axis=1, keepdims=True)
labels = rng.standard_normal(SAMPLES)
w_start, a_start = rng.standard_normal((NEURONS, INPUTS)), rng.standard_normal(NEURONS)
ACTIVATIONS = {
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
}


def linearize(name):
    """The step, and the closed form at all points, samples included."""
    s, slope = ACTIVATIONS[name]
    hidden, slopes = s(points @ w_start.T), slope(points @ w_start.T) * a_start
    kernel = (
        hidden @ hidden[:SAMPLES].T + (slopes @ slopes[:SAMPLES].T) * (points @ points[:SAMPLES].T)
    ) / NEURONS
    step = 0.1 * SAMPLES / np.linalg.eigvalsh(kernel[:SAMPLES])[-1]
    return step, lazy_limit(kernel[:SAMPLES], kernel, labels, time=STEPS * step, step=step)


def train(alpha, name, step, centered=True):
    s, slope = ACTIVATIONS[name]
    scale = alpha / np.sqrt(NEURONS)
    a, w = a_start, w_start
    offset = scale * s(points @ w.T) @ a if centered else np.zeros(len(points))
    inputs = points[:SAMPLES]
    for _ in range(STEPS):
        before = inputs @ w.T
        pull = (labels - scale * s(before) @ a + offset[:SAMPLES]) * scale * step / (SAMPLES * alpha**2)
        a, w = a + s(before).T @ pull, w + (a * slope(before) * pull[:, None]).T @ inputs
    moved = np.sqrt(((a - a_start) ** 2).sum() + ((w - w_start) ** 2).sum())
    return scale * s(points @ w.T) @ a - offset, moved


def next_order(step):
    """f_1 for tanh by the recursion of section 3, at all points."""
    z = points @ w_start.T
    s, s1 = np.tanh(z), 1 - np.tanh(z) ** 2
    s2 = -2 * s * s1
    scale = 1 / np.sqrt(NEURONS)
    inputs = points[:SAMPLES]

    def forward(da, dw):
        return scale * (s @ da + (s1 * a_start * (points @ dw.T)).sum(1))

    def quadratic(da, dw):
        u = points @ dw.T
        return scale * (2 * da * s1 * u + a_start * s2 * u**2).sum(1)

    def backward(r):
        r = scale * r
        return s[:SAMPLES].T @ r, (s1[:SAMPLES] * a_start * r[:, None]).T @ inputs

    def turned(da, dw, r):
        r, u = scale * r, inputs @ dw.T
        weights = (da * s1[:SAMPLES] + a_start * s2[:SAMPLES] * u) * r[:, None]
        return (s1[:SAMPLES] * u).T @ r, weights.T @ inputs

    zero, one = (
        [np.zeros(NEURONS), np.zeros((NEURONS, INPUTS))],
        [np.zeros(NEURONS), np.zeros((NEURONS, INPUTS))],
    )
    for _ in range(STEPS):
        residual = forward(*zero)[:SAMPLES] - labels
        correction = (forward(*one) + quadratic(*zero) / 2)[:SAMPLES]
        change_one = [p + q for p, q in zip(backward(correction), turned(*zero, residual), strict=True)]
        one = [p - step / SAMPLES * q for p, q in zip(one, change_one, strict=True)]
        zero = [p - step / SAMPLES * q for p, q in zip(zero, backward(residual), strict=True)]
    return forward(*one) + quadratic(*zero) / 2


size = np.sqrt((a_start**2).sum() + (w_start**2).sum())
alphas = np.geomspace(0.03, 1e4, 10)
results = {}
for name in ACTIVATIONS:
    step_length, limit = linearize(name)
    runs = [
        train(alpha, name, step_length if name == "tanh" or alpha > 0.1 else step_length / 4)
        for alpha in alphas
    ]
    errors = [np.sqrt(np.mean((output - limit.output)[SAMPLES:] ** 2)) for output, _ in runs]
    results[name] = limit, np.array(errors), np.array([moved for _, moved in runs]) / size
step_length, limit = linearize("tanh")
scale_of_f = np.sqrt(np.mean(limit.output[SAMPLES:] ** 2))
constant = np.sqrt(np.mean(next_order(step_length)[SAMPLES:] ** 2))
uncentered = [train(alpha, "tanh", step_length, centered=False)[1] / size for alpha in alphas]

lazy = alphas > 100
_, errors, displacement = results["tanh"]
slopes = [np.polyfit(np.log(alphas[lazy]), np.log(values[lazy]), 1)[0] for values in (errors, displacement)]
print("exponents in α, tanh: function error {:.4f}, RD {:.5f}".format(*slopes))
print(f"α · error at α = 1e4: {errors[-1] * alphas[-1]:.5f}, predicted by section 3: {constant:.5f}")
print(f"α · RD at α = 1e4: {displacement[-1] * alphas[-1]:.7f}, predicted: {limit.displacement / size:.7f}")
assert np.allclose(slopes, -1, atol=0.01)
assert abs(errors[-1] * alphas[-1] / constant - 1) < 1e-3
assert abs(displacement[-1] * alphas[-1] / (limit.displacement / size) - 1) < 1e-4

# %% [markdown]
# Both constants come out. With ReLU the displacement obeys the law too, but the function's error does not
# fall smoothly: it jumps whenever the kink of a neuron crosses a sample on its way.
#
# How far is the initial kernel itself from that of infinite width? For ReLU the latter is known
# (`circle_kernel`, of the angle between inputs of unit norm in any dimension), and the error is the error of
# a mean of $m$ independent neurons, $m^{-1/2}$:

# %%
cosines = np.clip(points[:SAMPLES] @ points[:SAMPLES].T, -1, 1)
widths, draws = np.array([30, 100, 300, 1000]), 100
kernel_errors = []
for width in widths:
    w = rng.standard_normal((draws, width, INPUTS))
    a = rng.standard_normal((draws, 1, width))
    z = points[:SAMPLES] @ w.mT
    active = a * (z > 0)
    kernels = (np.maximum(z, 0) @ np.maximum(z, 0).mT + (active @ active.mT) * cosines) / width
    kernel_errors.append(np.sqrt(np.mean((kernels - circle_kernel(np.arccos(cosines))) ** 2)))
kernel_slope = np.polyfit(np.log(widths), np.log(kernel_errors), 1)[0]
print(f"exponent of the kernel's error in the width: {kernel_slope:.3f}")
assert abs(kernel_slope + 0.5) < 0.06

with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    axes[0].loglog(alphas, constant / scale_of_f / alphas, color="0.6", label="predicted (section 3)")
    for (name, (own, values, _)), color in zip(results.items(), ("C0", "C1"), strict=True):
        own_scale = np.sqrt(np.mean(own.output[SAMPLES:] ** 2))
        axes[0].loglog(alphas, values / own_scale, "o", color=color, label=name)
    axes[0].set(xlabel="output scale α", ylabel="relative error of the function")

    for (name, (own, _, values)), color in zip(results.items(), ("C0", "C1"), strict=True):
        axes[1].loglog(alphas, own.displacement / size / alphas, color=color, linewidth=1)
        axes[1].loglog(alphas, values, "o", color=color, label=name)
    axes[1].loglog(alphas, uncentered, "x", color="C3", label="tanh, not centered (control)")
    axes[1].set(xlabel="output scale α", ylabel="relative displacement RD")
    axes[1].set_title("predicted (lines), trained (symbols)")

    axes[2].loglog(widths, kernel_errors[0] * np.sqrt(widths[0] / widths), color="0.6", label="slope -1/2")
    axes[2].loglog(widths, kernel_errors, "o", color="C1", label="ReLU")
    axes[2].set(xlabel="width m", ylabel="rms error of the kernel")
    for axis in axes:
        axis.legend()
    plt.show()

# %% [markdown]
# Below $\alpha\approx1$ the weights move as far as they are large, features are learned, and the error
# against the regression is no longer small. A network whose output is not centered has the wrong target
# $y-\alpha h(\theta_0)$, and moves by the same amount at every $\alpha$.
#
# ## References
#
# - L. Chizat, E. Oyallon, F. Bach, *On lazy training in differentiable programming*, NeurIPS 2019, arXiv
#   1812.07956: the rate $1/\alpha$. The constants of the displacement and of the error are derived here.
