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
# # The linear frequency principle on the line
#
# One input, $f(x)=\frac1{\sqrt m}\sum_ka_k\,\mathrm{relu}(w_kx+b_k)$, wide and lazy, all parameters trained,
# $b$ of constant density $p$ wherever kinks matter, the signs of $w$ and $a$ even. Write $r=\rho\,(f-y)$ for
# the residual times the density of the samples, and $\hat r(\xi)=\int r\,e^{-2\pi i\xi x}dx$.
#
# **Claim.** Gradient flow is, frequency by frequency,
#
# $$\partial_t\hat f=-\gamma^2(\xi)\,\hat r+\frac1{4\pi^2}\,\partial_\xi\big(D(\xi)\,\partial_\xi\hat r\big),
# \qquad\gamma^2=p\Big[\frac{\langle|w|^3\rangle}{16\pi^4\xi^4}+\frac{\langle
# a^2|w|\rangle}{4\pi^2\xi^2}\Big], \quad D=p\,\frac{\langle a^2|w|\rangle}{4\pi^2\xi^2}.$$
#
# The drift $D$ belongs to the parametrization: with locations, $\mathrm{relu}(w(x-l))$, it is zero, and
# $\gamma^2=p\,[\langle w^2+a^2\rangle/16\pi^4\xi^4+\langle a^2w^2\rangle/4\pi^2\xi^2]$.
#
# Every step is computed and compared with `lowcomplex.predictions.linear_frequency_principle`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp

from lowcomplex.plots import style
from lowcomplex.predictions import lazy_splines, linear_frequency_principle
from lowcomplex.theorems.formulas.line_kernels import line_coefficients, line_interpolant
from lowcomplex.theorems.linear_frequency_principle.formula import packet_decay

B, w, d = sp.symbols("B w d", positive=True)
a, b, y = sp.symbols("a b y", real=True)
library = linear_frequency_principle.expressions

# %% [markdown]
# ## 1. The kernel, exactly, at a finite range of biases
#
# $b$ uniform on $[-B,B]$, $p=1/2B$. Put $x=y+d$, $d>0$. Both inputs are active for $b>-wy$ ($+w$) or $b>wx$
# ($-w$); the parts of the tangent kernel are means of the products of gradients over $b$ and the sign of $w$.


# %%
def part(gradient, located=False):
    """2B times the mean of gradient(x) gradient(y) over b (or l) and the sign of w."""
    total = 0
    for weight, start in ((w, -w * y), (-w, w * (y + d))):
        product = sp.expand(gradient(y + d, weight) * gradient(y, weight))
        if located:  # active: l < y for +w, l > y + d for -w
            low, high = (-B, y) if weight is w else (y + d, B)
        else:
            low, high = start, B
        total += sp.integrate(product, (b, low, high)) / 2
    return sp.expand(total)


parts = {
    "output": part(lambda at, weight: weight * at + b),
    "bias": part(lambda at, weight: a),
    "input": part(lambda at, weight: a * at),
}
located = {
    "output": part(lambda at, weight: weight * (at - b), True),
    "bias": part(lambda at, weight: a * weight, True),
    "input": part(lambda at, weight: a * (at - b), True),
}
for parametrization, found in (("bias", parts), ("location", located)):
    for name, expression in found.items():
        numbers = {B: 1.9, w: 0.7, a: 1.3}
        c = line_coefficients(0.7, 1.3, bias_range=1.9, trained=(name,), parametrization=parametrization)
        x = y + d
        expected = c.constant + c.linear * x * y + c.cubic * d**3 / 12 - (c.kink + c.product * x * y) * d / 2
        difference = sp.Poly(sp.expand(expression.subs(numbers) - expected), y, d)
        assert all(abs(coefficient) < 1e-12 for coefficient in difference.coeffs())
parts

# %% [markdown]
# So $2BK=\text{const}+\text{linear}\cdot xy+\frac{c_3}{12}|x-y|^3-\frac12(c_1+c_x\,xy)|x-y|$, with
# $c_3=\langle|w|^3\rangle$, $c_1=c_x=\langle a^2|w|\rangle$. Only the first two terms grow with $B$, and
# they depend only on the mean and the slope of the residual, $\hat r(0)$ and $\hat r'(0)$.
#
# ## 2. Into the frequency domain
#
# $-\frac12|z|$ has the second derivative $-\delta$, $\frac1{12}|z|^3$ the fourth derivative $\delta$; a
# derivative is a factor $2\pi i\xi$. Multiplication by $x$ is $\frac i{2\pi}\partial_\xi$, on both sides of
# the last term.

# %%
z, xi, s, c0 = sp.symbols("z xi s c", real=True)
assert sp.diff(-sp.Abs(z) / 2, z, 2) == -sp.DiracDelta(z)
third = sp.sign(z) / 2  # of |z|³/12, on both sides of 0
for side in (-1, 1):
    assert sp.diff(side * z**3 / 12, z, 3) == third.subs(z, side)
assert sp.diff(third, z) == sp.DiracDelta(z)
kink_spectrum, cubic_spectrum = -1 / (2 * sp.pi * sp.I * xi) ** 2, 1 / (2 * sp.pi * sp.I * xi) ** 4

width = sp.Symbol("sigma", positive=True)
packet_spectrum = sp.exp(-2 * sp.pi**2 * width**2 * xi**2) * width * sp.sqrt(2 * sp.pi)
transform = sp.integrate(
    z * sp.exp(-(z**2) / (2 * width**2)) * sp.exp(-2 * sp.pi * sp.I * xi * z), (z, -sp.oo, sp.oo)
)
assert sp.simplify(transform - sp.I / (2 * sp.pi) * sp.diff(packet_spectrum, xi)) == 0

p, w3, a2w, w2, a2, a2w2 = sp.symbols("p w3 a2w w2 a2 a2w2", positive=True)
here = {str(symbol): symbol for symbol in (p, w3, a2w, w2, a2, a2w2, xi)}


def renamed(name):
    formula = library[name]
    return formula.subs({symbol: here[str(symbol)] for symbol in formula.free_symbols})


assert sp.simplify(p * (w3 * cubic_spectrum + a2w * kink_spectrum) - renamed("rate, bias")) == 0
assert sp.simplify(p * a2w * kink_spectrum - renamed("drift, bias")) == 0
located_rate = p * ((w2 + a2) * cubic_spectrum + a2w2 * kink_spectrum)
assert sp.simplify(located_rate - renamed("rate, location")) == 0
# The product term: F[x g * (x r)] = (i/2π) ∂ (ĝ (i/2π) ∂ r̂) = -(1/4π²) ∂ (ĝ ∂ r̂); the flow is its negative.
r_hat, g_hat = sp.Function("r")(xi), sp.Function("g")(xi)
twice = sp.I / (2 * sp.pi) * sp.diff(g_hat * sp.I / (2 * sp.pi) * sp.diff(r_hat, xi), xi)
assert sp.simplify(-twice - sp.diff(g_hat * sp.diff(r_hat, xi), xi) / (4 * sp.pi**2)) == 0
sp.Eq(sp.Symbol("gamma^2"), renamed("rate, bias"))

# %% [markdown]
# ## 3. Where training ends
#
# At $f=\sum_ic_iK(\cdot,x_i)$ through all samples: the least $\int|\hat f|^2/\gamma^2$ if there is no
# drift. In space, $f$ is a cubic between samples, and at each of them its derivatives jump in fixed
# proportions: one number $c_i$ per sample.

# %%
x_i, c1, cx, c3 = sp.symbols("x_i c_1 c_x c_3", positive=True)
branch = c3 * (z - x_i) ** 3 / 12 - (c1 + cx * z * x_i) * (z - x_i) / 2
jumps = [sp.simplify(sp.diff(2 * branch, z, order).subs(z, x_i)) for order in range(1, 4)]
assert sp.simplify(jumps[0] + c1 + cx * x_i**2) == 0
assert sp.simplify(jumps[1] + 2 * cx * x_i) == 0
assert jumps[2] == c3

samples = np.array([-1.0, -0.7, -0.1, 0.2, 0.6, 1.1])
targets = np.random.default_rng(1).standard_normal(6)
law = line_coefficients(1.0, 1.0, bias_range=2.0)
step = 1e-3 * np.arange(5)
for knot in samples[1:-1]:
    after, before = (
        np.polyfit(sign * step, line_interpolant(knot + sign * step, samples, targets, law), 3)
        for sign in (1, -1)
    )
    first, second, jump_3 = (after - before)[[2, 1, 0]] * [1, 2, 6]
    assert np.isclose(first / jump_3, float(jumps[0].subs({c1: 1, cx: 1, x_i: knot})), rtol=1e-3)
    assert np.isclose(second / jump_3, float(jumps[1].subs({cx: 1, x_i: knot})), rtol=1e-3)

# %% [markdown]
# ## 4. The start of training: wave packets
#
# Give the residual the shape of a wave packet. The loss falls at the rate $\langle
# r,Kr\rangle=\int\gamma^2|\hat r|^2+D|\hat r'|^2/4\pi^2\,d\xi$, the squared gradient of all parameters, here
# of an actual network with 200 biases, $|w|=\frac12$ and 1, four signs each.

# %%
RANGE, WIDTH, KNOTS, ALL = 2.0, 0.25, 200, ("output", "input", "bias")
WEIGHTS, OUTPUTS = np.array([0.5, 1.0]), np.array([1.2, 0.8])


def grid(knots, weights, outputs, wide=RANGE):
    centers = wide * ((np.arange(knots) + 0.5) * 2 / knots - 1)
    index, biases, plus, sign = (
        v.ravel() for v in np.meshgrid(range(len(weights)), centers, (1, -1), (1, -1))
    )
    return plus * weights[index], sign * outputs[index], biases


def features(network, inputs, trained, located=False):
    w, a, b = network
    before = w * (inputs[:, None] - b) if located else np.outer(inputs, w) + b
    active = (before > 0) * a
    gradient = {
        "output": np.maximum(before, 0),
        "bias": -w * active if located else active,
        "input": active * (inputs[:, None] - b) if located else active * inputs[:, None],
    }
    return np.concatenate([gradient[name] for name in trained], axis=1) / np.sqrt(len(a))


def rates(frequency, trained, located=False, center=0.2, wide=RANGE):
    """The squared gradient at a packet, per squared norm of the packet: network and law."""
    dx = 2 * RANGE / KNOTS / 8
    inputs = (np.arange(-760, 760) + 0.5) * dx
    packet = np.exp(-(((inputs - center) / WIDTH) ** 2) / 2) * np.cos(
        2 * np.pi * frequency * (inputs - center)
    )
    gradient = dx * packet @ features(grid(KNOTS, WEIGHTS, OUTPUTS, wide), inputs, trained, located)
    band = np.arange(max(frequency - 3.5, 0.3), frequency + 3.5, 0.02)
    decay = linear_frequency_principle(
        band,
        input_weight=WEIGHTS,
        output_weight=OUTPUTS,
        density=1 / (2 * wide),
        trained=trained,
        parametrization="location" if located else "bias",
    )
    norm = dx * packet @ packet
    return gradient @ gradient / norm, packet_decay(inputs, packet, band, decay) / norm


frequencies = np.array([4.0, 5.5, 7.5, 10.0])
curves = {
    name: np.array([rates(f, trained) for f in frequencies]).T
    for name, trained in (("all", ALL), ("outputs", ("output",)), ("biases", ("bias",)))
}
curves["all, locations"] = np.array([rates(f, ALL, True) for f in frequencies]).T
for name, (measured, predicted) in curves.items():
    slope = np.polyfit(np.log(frequencies), np.log(measured), 1)[0]
    print(f"{name}: largest relative error {np.abs(measured / predicted - 1).max():.1e}, slope {slope:.2f}")
    neglected = (np.pi * frequencies.max() * 2 * RANGE / KNOTS / 8) ** 2 / 3
    assert np.abs(measured / predicted - 1).max() < 2 * neglected
narrow, law_there = rates(5.0, ALL, wide=0.2)
print(f"biases within 0.2 (control): {narrow / law_there:.2f} of the law's rate")
assert abs(narrow / law_there - 1) > 0.2

# %% [markdown]
# The errors are those of samples $dx=0.0025$ apart, $(\pi\xi\,dx)^2/3$. If the biases do not reach the
# packet, the law fails.
#
# With Gaussian biases, $p=1/\sqrt{2\pi}\sigma_b$, the density of kinks is constant only to
# $-w^2x^2/2\sigma_b^2$, and so is the law:

# %%
dx = 0.003
inputs = (np.arange(1200) + 0.5) * dx - 1.8
packet = np.exp(-(((inputs - 0.2) / WIDTH) ** 2) / 2) * np.cos(2 * np.pi * 5 * (inputs - 0.2))
biases = np.arange(-30, 30, 0.006) + 0.003
before = inputs[:, None] + biases
squared = sum(
    (dx * packet @ feature) ** 2
    for feature in (np.maximum(before, 0), before > 0, inputs[:, None] * (before > 0))
)
spreads, band = np.array([1.0, 2.0, 4.0, 8.0]), np.arange(1.5, 8.5, 0.02)
ratios = []
for spread in spreads:
    density = np.exp(-((biases / spread) ** 2) / 2) / np.sqrt(2 * np.pi) / spread
    decay = linear_frequency_principle(band, input_weight=1.0, output_weight=1.0, density=density.max())
    ratios.append(squared @ density * 0.006 / packet_decay(inputs, packet, band, decay))
floor = (
    squared.sum()
    * 0.006
    / packet_decay(
        inputs,
        packet,
        band,
        linear_frequency_principle(band, input_weight=1.0, output_weight=1.0, density=1.0),
    )
)
missing = 1 - np.array(ratios) / floor
gaussian_slope = np.polyfit(np.log(spreads[1:]), np.log(missing[1:]), 1)[0]
print(f"Gaussian biases: relative error {missing}, exponent in their spread {gaussian_slope:.3f}")
assert abs(gaussian_slope + 2) < 0.05

# %% [markdown]
# ## 5. The end of training: lazy and not
#
# Gradient descent on all parameters, output scale $\alpha=10^5$, against the law's interpolant; and from a
# small start.

# %%
fine = 2 * RANGE / 320 / 16
at = np.arange(samples[0] + fine / 2, samples[-1], fine)


def train(network, alpha, steps, share):
    jacobian = features(network, samples, ALL)
    rate = share / np.linalg.eigvalsh(jacobian @ jacobian.T)[-1]
    scale = alpha / np.sqrt(len(network[0]))
    w, a, b = network
    start = scale * np.maximum(np.outer(samples, w) + b, 0) @ a
    for _ in range(steps):
        before = np.outer(samples, w) + b
        hidden = np.maximum(before, 0)
        residual = targets + start - scale * hidden @ a
        if np.abs(residual).max() < 1e-4:
            break
        pull = residual * scale * rate / alpha**2
        active = (before > 0) * a * pull[:, None]
        w, a, b = w + samples @ active, a + pull @ hidden, b + active.sum(0)
    first = np.maximum(np.outer(at, network[0]) + network[2], 0) @ network[1]
    return scale * (np.maximum(np.outer(at, w) + b, 0) @ a - first)


one = np.array([1.0])
interpolant = line_interpolant(at, samples, targets, law)
counts = np.array([40, 80, 160, 320])
outputs = [train(grid(count, one, one), 1e5, 20_000, 1.5) for count in counts]
distances = np.array([np.sqrt(np.mean((output - interpolant) ** 2)) for output in outputs])
rng = np.random.default_rng(2)
rich = [train(tuple(0.1 * rng.standard_normal((3, 4 * count))), 1.0, 4000, 0.02) for count in counts]
rich_distances = [np.sqrt(np.mean((output - interpolant) ** 2)) for output in rich]
exponent = np.polyfit(np.log(counts), np.log(distances), 1)[0]
print(f"exponent of the distance in the number of kinks {exponent:.4f}, small start: {rich_distances}")
assert abs(exponent + 1) < 0.02
assert min(rich_distances) > 5 * distances[-1]

# %%
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    for (name, (measured, predicted)), color in zip(curves.items(), ("C0", "C1", "C2", "C4"), strict=True):
        axes[0].loglog(frequencies, predicted, color=color, linewidth=1)
        axes[0].loglog(frequencies, measured, "o", color=color, label=name)
    axes[0].plot(5.0, narrow, "x", color="C3", label="all, B = 0.2 (control)")
    axes[0].set(xlabel="frequency ξ", ylabel="rate of a wave packet", xlim=(3.7, 30))
    axes[0].set_xticks([4, 6, 8, 10], ["4", "6", "8", "10"])
    axes[0].minorticks_off()
    axes[0].set_title("law (lines), network (symbols)")
    axes[0].legend(fontsize=6)

    line, cubic = (lazy_splines(at, samples, targets, trained=part) for part in ("bias", "output"))
    axes[1].plot(at, line, color="0.7", linewidth=0.8, linestyle=":", label="linear interpolation")
    axes[1].plot(at, cubic, color="0.7", linewidth=0.8, linestyle="--", label="natural cubic spline")
    axes[1].plot(at, interpolant, color="0.4", label="law's interpolant")
    axes[1].plot(at[::60], outputs[-1][::60], "o", color="C0", label="all trained, lazy")
    axes[1].plot(at, rich[-1], color="C3", linewidth=0.8, label="all, small start (control)")
    axes[1].plot(samples, targets, "k.", markersize=7, zorder=5)
    axes[1].set(xlabel="x", ylabel="f(x)", ylim=(cubic.min() - 0.2, cubic.max() + 1.8))
    axes[1].legend(fontsize=6, loc="upper left")

    axes[2].loglog(4 * counts, distances[-1] * counts[-1] / counts, color="0.6", label="slope -1")
    axes[2].loglog(4 * counts, distances, "o", color="C0", label="lazy")
    axes[2].loglog(4 * counts, rich_distances, "x", color="C3", label="small start (control)")
    axes[2].set(xlabel="neurons", ylabel="rms distance from the law's interpolant")
    axes[2].set_xticks(4 * counts, [str(4 * count) for count in counts])
    axes[2].minorticks_off()
    axes[2].legend(loc="lower left")
    plt.show()

# %% [markdown]
# Biases and input weights dominate high frequencies ($\xi^{-2}$), output weights low ones ($\xi^{-4}$): the
# interpolant is a spline between the linear and the cubic one. A small start leaves the law: few kinks
# remain, where neurons have condensed.
#
# ## References
#
# - Y. Zhang, Z.-Q. J. Xu, T. Luo, Z. Ma, *Explicitizing an implicit bias of the frequency principle in
#   two-layer neural networks*, arXiv 1905.10264: the law with locations as parameters.
# - T. Luo, Z. Ma, Z.-Q. J. Xu, Y. Zhang, *On the exact computation of linear frequency principle dynamics and
#   its generalization*, arXiv 2010.08153: any dimension, with the drift. The kernels at finite range, the
# jumps at the samples and the errors are derived here.
