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
# # The frequency law on the circle
#
# A two-layer ReLU network $f(x)=\frac1{\sqrt m}\sum_k a_k\,\mathrm{relu}(w_k\cdot x+b_k)$ on the unit circle,
# $a$ and the entries of $w$ of variance 1, $b=0$ at the start. If it is wide and lazy, gradient descent on
# $\frac1{2n}\sum_i(f(x_i)-y_i)^2$ is linear: the residual $r$ obeys $\dot r_i=-\frac1n\sum_j\Theta_{ij}r_j$,
# with the tangent kernel $\Theta$, which depends on the angle between two inputs alone.
#
# **Claim.** Frequency $k$ of the residual decays at the rate $c_k$, the Fourier coefficient of $\Theta$, and
# $k^2c_k\to1/\pi^2$: low frequencies first. Without biases the odd frequencies $k\ge3$ have $c_k=0$.
#
# Every step is computed here and compared with `lowcomplex.predictions.circle_ntk`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp

from lowcomplex.plots import style
from lowcomplex.predictions import circle_ntk
from lowcomplex.theorems.circle_ntk.formula import circle_kernel, direction_error

theta, phi = sp.symbols("theta phi", nonnegative=True)
library = circle_ntk.expressions

# %% [markdown]
# ## 1. The kernel
#
# Put $x$ at angle 0 and $x'$ at $\theta\in[0,\pi]$, the neuron's direction at $\phi$, uniform. Both inputs
# are active for $\phi\in[\theta-\frac\pi2,\frac\pi2]$. The output weights' gradient gives
# $\mathrm E[\mathrm{relu}\,\mathrm{relu}']$ with $\mathrm E|w|^2=2$; the input weights' and the bias'
# gradients give $\mathrm E[a^2]\,(x\cdot x'+1)\,P(\text{both active})$.

# %%
both = (phi, theta - sp.pi / 2, sp.pi / 2)
kappa_0 = sp.integrate(1, both) / (2 * sp.pi)
kappa_1 = 2 * sp.integrate(sp.expand_trig(sp.cos(phi) * sp.cos(phi - theta)), both) / (2 * sp.pi)
kernel = kappa_0 * sp.cos(theta) + kappa_1


def renamed(name):
    """An expression of the library in this notebook's symbols."""
    here = {"theta": theta, "k": k}
    formula = library[name]
    return formula.subs({symbol: here[str(symbol)] for symbol in formula.free_symbols})


k = sp.Symbol("k", integer=True, positive=True)
assert sp.simplify(kernel - renamed("kernel")) == 0
assert sp.simplify(kappa_0 - renamed("bias part of the kernel")) == 0
grid = np.linspace(0, np.pi, 7)
np.testing.assert_allclose(sp.lambdify(theta, kernel)(grid), circle_kernel(grid), atol=1e-15)
sp.Eq(sp.Symbol("Theta"), sp.simplify(kernel))

# %% [markdown]
# ## 2. Its Fourier coefficients
#
# $c_k=\frac1\pi\int_0^\pi\Theta(\theta)\cos k\theta\,d\theta$. Products of cosines are sums, so two
# integrals are enough: $\int_0^\pi(\pi-\theta)\cos K\theta$ and $\int_0^\pi\sin K\theta$.

# %%
K = sp.Symbol("K", positive=True)
antiderivatives = {
    (sp.pi - theta) * sp.cos(K * theta): (sp.pi - theta) * sp.sin(K * theta) / K - sp.cos(K * theta) / K**2,
    sp.sin(K * theta): -sp.cos(K * theta) / K,
}
for function, primitive in antiderivatives.items():
    assert sp.expand(sp.diff(primitive, theta) - function) == 0
ramp, sine = (
    sp.Lambda(K, primitive.subs(theta, sp.pi) - primitive.subs(theta, 0))
    for primitive in antiderivatives.values()
)
# Θ = (π-θ) cos θ / π + sin θ / 2π
assert sp.simplify(kernel - (sp.pi - theta) * sp.cos(theta) / sp.pi - sp.sin(theta) / (2 * sp.pi)) == 0
c = ((ramp(k + 1) + ramp(k - 1)) / (2 * sp.pi) + (sine(k + 1) - sine(k - 1)) / (4 * sp.pi)) / sp.pi
half = sp.Symbol("h", integer=True, positive=True)
assert sp.simplify(c.subs(k, 2 * half) - renamed("c_k, even k").subs(k, 2 * half)) == 0
assert sp.simplify(c.subs(k, 2 * half + 1)) == 0  # odd k >= 3
bias_part = ramp(k) / (2 * sp.pi) / sp.pi
assert sp.simplify(bias_part.subs(k, 2 * half)) == 0
assert sp.simplify((bias_part - renamed("bias part of c_k, odd k")).subs(k, 2 * half - 1)) == 0
for frequency, value in ((0, 3 / sp.pi**2), (1, sp.Rational(1, 4))):
    integrand = sp.expand(kernel * sp.cos(frequency * theta))
    assert sp.simplify(sp.integrate(integrand, (theta, 0, sp.pi)) / sp.pi - value) == 0
    assert abs(float(value) - circle_ntk(frequency)) < 1e-15
for frequency in range(2, 9):
    assert abs(float(c.subs(k, frequency)) - circle_ntk(frequency)) < 1e-15
    both_parts = float((c + bias_part).subs(k, frequency))
    assert abs(both_parts - circle_ntk(frequency, bias=True)) < 1e-15
assert sp.limit(k**2 * renamed("c_k, even k"), k, sp.oo) == 1 / sp.pi**2
sp.Eq(sp.Symbol("c_k"), renamed("c_k, even k"))

# %% [markdown]
# ## 3. Odd frequencies, beyond the kernel
#
# That $c_3=c_5=\dots=0$ is no accident of the lazy limit. $\mathrm{relu}(z)-\mathrm{relu}(-z)=z$, so without
# biases $f(x)-f(-x)=\frac1{\sqrt m}\sum_k a_k w_k\cdot x$: the odd part of the network is linear *whatever
# its weights*. It cannot represent $\cos3\theta$, let alone learn it.

# %%
z = sp.Symbol("z", real=True)
assert sp.simplify((sp.Max(z, 0) - sp.Max(-z, 0)).rewrite(sp.Piecewise) - z) == 0

# %% [markdown]
# ## 4. A finite network that has this kernel
#
# Random weights miss these rates by several percent even with thousands of neurons. $D$ equispaced directions
# with $|w|=\sqrt2$ and $a=\pm1$ on each do better, and their error can be computed.
#
# On $n$ equispaced samples frequency $k$ has the rate $\langle F\rangle$, the mean over the directions
# $\phi$ of $F=2|\hat r_k|^2+\dots$, $\hat r_k(\phi)=\frac1n\sum_i\mathrm{relu}(\cos(\theta_i-\phi))
# e^{-ik\theta_i}\approx\rho_ke^{-ik\phi}$. It has kinks wherever $\theta_i=\phi\pm\frac\pi2$: there the
# slope of $\hat r_k$ jumps by $e^{-ik\theta_i}/n$, that of $F$ by $[F']=\frac4n\rho_k\cos\frac{k\pi}2$.
# (The rest of $F$, from the step functions, is constant between kinks and jumps by a multiple of
# $\cos\frac{(k\pm1)\pi}{2}=0$ for even $k$.) A slope jump is the series $-\frac{[F']}{2\pi}\sum_K
# K^{-2}e^{iK\phi}$ of which $D$ equispaced points keep the multiples of $D$: an error of $-\frac{[F']}{2\pi
# D^2}\sum_{s\ne0}e^{2\pi isq}/s^2$ for each of the $2n$ kinks, with $q$ the distance of kinks from
# directions in units of the spacing. (For finite $n$, $\rho_k$ becomes the sum of its aliases
# $\rho_{k+jn}$.)
#
# The next term comes from the jumps of $F'''$. Between kinks $\mathrm{relu}\,\mathrm{relu}'$ is a product
# of two cosines, whose third derivative is $-4$ times its first. So it is
# $-\frac{4\pi^2}{3D^2}\frac{B_4(q)}{B_2(q)}$ of the first, for all $k$ alike.

# %%
relu_part = sp.integrate(sp.cos(theta) * sp.cos(2 * half * theta), (theta, 0, sp.pi / 2)) / sp.pi
q = sp.Symbol("q", nonnegative=True)
D = sp.Symbol("D", positive=True)
bernoulli = q**2 - q + sp.Rational(1, 6)
s = sp.Symbol("s", integer=True, positive=True)
# Σ_{s≠0} e^{2πisq}/s² = 2π² B_2(q) on [0, 1]: the Fourier coefficients of B_2.
assert (
    sp.simplify(2 * sp.pi**2 * sp.integrate(bernoulli * sp.cos(2 * sp.pi * s * q), (q, 0, 1)) - 1 / s**2) == 0
)
n = sp.Symbol("n", positive=True)
jump = 4 / n * relu_part * sp.cos(half * sp.pi)
error = 2 * n * (-jump / (2 * sp.pi * D**2)) * 2 * sp.pi**2 * bernoulli
claimed = 8 * bernoulli / ((4 * half**2 - 1) * D**2)
assert sp.simplify(error - claimed) == 0
fourth, spacing = q**4 - 2 * q**3 + q**2 - sp.Rational(1, 30), 2 * sp.pi / D  # B_4, and of the directions
following = (-4 * spacing**4 * fourth / sp.factorial(4)) / (spacing**2 * bernoulli / 2)
assert sp.simplify(following + 4 * sp.pi**2 / (3 * D**2) * fourth / bernoulli) == 0
assert following.subs(q, sp.Rational(1, 2)) == 7 * sp.pi**2 / (15 * D**2)
np.testing.assert_allclose(
    [float(claimed.subs({half: h, D: 256, q: sp.Rational(1, 2)})) for h in (1, 2, 3)],
    direction_error([2, 4, 6], 256),
)
aliases = sum(1 / ((6 + 32 * shift) ** 2 - 1) for shift in range(-20000, 20001))
np.testing.assert_allclose(
    direction_error(6, 256, samples=32) / direction_error(6, 256), aliases * (6**2 - 1), rtol=1e-5
)
sp.Eq(sp.Symbol("c_k(D) - c_k"), sp.factor(claimed.subs(half, sp.Symbol("k") / 2)))

# %% [markdown]
# ## 5. A training
#
# 32 samples; one network for each target $\cos(k\theta+\text{phase})$; output $\alpha f$, learning rate
# $\eta/\alpha^2$. The prediction does not use the neurons.

# %%
SAMPLES, STEP = 32, 1.5
FREQUENCIES = np.arange(1, 7)
rng = np.random.default_rng(0)
angles = 2 * np.pi * np.arange(SAMPLES) / SAMPLES
phases = rng.uniform(0, 2 * np.pi, len(FREQUENCIES))
inputs = np.stack((np.cos(angles), np.sin(angles)), axis=1)
targets = np.cos(FREQUENCIES[:, None] * angles + phases[:, None])
waves = np.exp(-1j * FREQUENCIES[:, None] * angles)


def train(alpha, directions, steps, bias=False):
    """Amplitude of each target's frequency in the residual at every step, relative to its start."""
    turned = np.pi / 2 + 2 * np.pi * (np.arange(directions) + 0.5) / directions
    w = np.tile(np.sqrt(2) * np.stack((np.cos(turned), np.sin(turned)), axis=1), (len(targets), 2, 1))
    a = np.tile(np.repeat([1.0, -1.0], directions), (len(targets), 1))
    b = np.zeros_like(a)
    scale = alpha / np.sqrt(2 * directions)
    path = []
    for _ in range(steps + 1):
        before = w @ inputs.T + b[..., None]
        hidden = np.maximum(before, 0)
        residual = targets - scale * np.einsum("km,kmn->kn", a, hidden)
        path.append(np.abs((residual * waves).sum(1)))
        pull = STEP * scale / (alpha**2 * SAMPLES) * residual[:, None]
        active = (before > 0) * pull
        a, w, b = (
            a + (hidden * pull).sum(-1),
            w + a[..., None] * (active @ inputs),
            b + bias * a * active.sum(-1),
        )
    return np.array(path) / path[0]


steps = 240
lazy, rich, biased = train(1e4, 256, steps), train(1.0, 256, steps), train(1e4, 256, steps, bias=True)
predicted = circle_ntk(FREQUENCIES, samples=SAMPLES, step=STEP)
predicted_biased = circle_ntk(FREQUENCIES, bias=True, samples=SAMPLES, step=STEP)


def rates(path, expected):
    """Rates over about one e-folding; over 100 steps where nothing is to be learned."""
    wait = np.where(expected > 1e-9, np.rint(1 / np.maximum(expected, 1e-9) / STEP), 100).astype(int)
    wait = np.clip(wait, 1, len(path) - 1)
    return -np.log(path[wait, np.arange(len(FREQUENCIES))]) / (wait * STEP)


measured, measured_biased = rates(lazy, predicted), rates(biased, predicted_biased)
measured_rich = rates(rich, predicted)
for row in zip(
    FREQUENCIES, predicted, measured, measured_rich, predicted_biased, measured_biased, strict=True
):
    print(
        "k = {:.0f}   predicted {:.6f}   α = 1e4 {:.6f}   α = 1 {:.6f}   with biases {:.6f} {:.6f}".format(
            *row
        )
    )

even = FREQUENCIES % 2 == 0
coefficient = circle_ntk(FREQUENCIES[even], samples=SAMPLES)
neglected = np.abs(direction_error(FREQUENCIES[even], 256, samples=SAMPLES)) / coefficient
assert np.all(np.abs(measured[even] / predicted[even] - 1) < 2 * neglected)
assert np.all(np.abs(measured[~even] - predicted[~even]) < 1e-7)
assert np.all(np.abs(measured_biased / predicted_biased - 1) < 2 * neglected.max())
assert abs(measured_rich[-1] / predicted[-1] - 1) > 0.3

# %% [markdown]
# The rates agree to the four digits that 256 directions allow. With $\alpha=1$ features move, and $k=6$ is
# learned a third slower: the law is one of lazy training. $k=3,5$ stay where they are, even at $\alpha=1$.

# %%
counts = np.array([64, 128, 256, 512])
errors = []
for count in counts:
    run = train(1e4, count, 160)
    errors.append(np.abs(rates(run, predicted) / np.where(predicted > 1e-9, predicted, 1) - 1)[even])
errors = np.array(errors)
with_error = coefficient + direction_error(FREQUENCIES[even], counts[:, None], samples=SAMPLES)
forecast = np.abs(np.log1p(-STEP * with_error) / np.log1p(-STEP * coefficient) - 1)
np.testing.assert_allclose(errors, forecast, rtol=0.01)

with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    fine = np.arange(1, 41)
    for with_bias, label, color in ((True, "biases trained", "C1"), (False, "no bias", "C0")):
        values = circle_ntk(fine, bias=with_bias)
        axes[0].loglog(fine[values > 0], values[values > 0], ".", color=color, markersize=3, label=label)
    axes[0].loglog(fine, 1 / (np.pi * fine) ** 2, color="0.6", label="1/(πk)²", zorder=0)
    # From the rate of a step of length η back to c_k.
    found, found_biased = ((1 - np.exp(-STEP * rate)) / STEP for rate in (measured, measured_biased))
    axes[0].loglog(FREQUENCIES[found > 1e-9], found[found > 1e-9], "o", color="C0", mfc="none")
    axes[0].loglog(FREQUENCIES, found_biased, "s", color="C1", mfc="none", markersize=5)
    axes[0].set(xlabel="frequency k", ylabel="rate $c_k$")
    axes[0].set_title("law (dots), trained (open symbols)")
    axes[0].legend()

    time = np.arange(steps + 1) * STEP
    for index, color in ((1, "C0"), (3, "C1"), (4, "C2"), (5, "C3")):
        decay = np.exp(-predicted[index] * time)
        axes[1].plot(time, decay, color=color, linewidth=1, label=f"k = {FREQUENCIES[index]}")
        axes[1].plot(time[::12], lazy[::12, index], "o", color=color, markersize=3)
        axes[1].plot(time[::12], rich[::12, index], "x", color=color, markersize=3)
    axes[1].set(xlabel="time", ylabel="amplitude in the residual")
    axes[1].set_title("law (lines), α = 1e4 (dots), α = 1 (crosses)")
    axes[1].legend(loc="upper right", bbox_to_anchor=(1, 0.94))

    for index, color in enumerate(("C0", "C1", "C3")):
        axes[2].loglog(counts, forecast[:, index], color=color, linewidth=1)
        axes[2].loglog(counts, errors[:, index], "o", color=color, label=f"k = {FREQUENCIES[even][index]}")
    control = abs(measured_rich[-1] / predicted[-1] - 1)
    axes[2].axhline(control, color="C3", linestyle=":", label="k = 6, α = 1 (control)")
    axes[2].set(xlabel="directions D", ylabel="relative error of the rate", ylim=(1e-5, 2))
    axes[2].set_xticks(counts, [str(count) for count in counts], minor=False)
    axes[2].minorticks_off()
    axes[2].set_title("error: predicted (lines), measured (dots)")
    axes[2].legend()
    plt.show()

# %% [markdown]
# ## References
#
# - R. Basri, D. Jacobs, Y. Kasten, S. Kritchman, *The convergence rate of neural networks for learned
#   functions of different frequencies*, NeurIPS 2019, arXiv 1906.00425: rates by frequency, and that odd
#   ones need a bias.
# - A. Bietti, J. Mairal, *On the inductive bias of neural tangent kernels*, NeurIPS 2019, arXiv 1905.12173:
#   the kernel and its decay. The error of equispaced directions is derived here.
