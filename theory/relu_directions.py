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
# # The finite set of directions that ReLU neurons align to
#
# Two layers, $f(x)=\sum_k a_k\,\mathrm{relu}(w_k\cdot x)$ with one input and a bias, $x_i=(\xi_i,1)$, loss
# $L=\frac1{2n}\sum_i(f(x_i)-y_i)^2$, gradient flow from weights of scale $\sigma\ll1$.
#
# **Claim.** Before the loss falls, every neuron that grows aligns to one of a few directions which the data
# fix: the local maxima on the circle of $\pm G$, where these are positive,
#
# $$G(w)=\frac1n\sum_i y_i\,\mathrm{relu}(w\cdot x_i).$$
#
# They come in two kinds: inside an arc of the circle, or at a knot, where the neuron breaks exactly at a
# data point. The largest value $G_{\max}$ sets how long the plateau lasts:
# $dT/d\log(1/\sigma)=1/G_{\max}$. And when the loss has fallen by a share $\delta$, a direction inside an
# arc has moved by a known angle of order $\delta$, while one at a knot has not moved.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp

from lowcomplex.plots import style
from lowcomplex.predictions import relu_directions
from lowcomplex.theorems.relu_directions.formula import feedback_shift, relu_drive

# %% [markdown]
# ## 1. At a small start neurons do not see each other
#
# Two neurons and two samples, with weights of size $\varepsilon$. The pattern of active samples is fixed:
# $h_{ki}$ is 1 where neuron $k$ is active on sample $i$, 0 elsewhere. The gradient's first order in
# $\varepsilon$ is that of $-\sum_k a_kG(w_k)$.

# %%
eps = sp.Symbol("epsilon", positive=True)
x = sp.Matrix(2, 2, sp.symbols("x_11 x_12 x_21 x_22", real=True))
y = sp.Matrix(sp.symbols("y_1 y_2", real=True))
a = sp.Matrix(sp.symbols("a_1 a_2", real=True))
w = sp.Matrix(2, 2, sp.symbols("w_11 w_12 w_21 w_22", real=True))
h = sp.Matrix(2, 2, sp.symbols("h_11 h_12 h_21 h_22", real=True))
n = 2

output = [sum(a[k] * h[k, i] * (w[k, :] * x[i, :].T)[0] for k in range(2)) for i in range(n)]
loss = sum((output[i] - y[i]) ** 2 for i in range(n)) / (2 * n)
drive = [sum(y[i] * h[0, i] * x[i, j] for i in range(n)) / n for j in range(2)]
small = {symbol: eps * symbol for symbol in (*a, *w)}
for variable, leading in (
    (a[0], sum(w[0, j] * drive[j] for j in range(2))),
    (w[0, 0], a[0] * drive[0]),
    (w[0, 1], a[0] * drive[1]),
):
    gradient = sp.expand(sp.diff(loss, variable).subs(small, simultaneous=True))
    assert gradient.coeff(eps, 0) == 0
    assert sp.expand(gradient.coeff(eps, 1) + leading) == 0

# %% [markdown]
# So $\dot a=G(w)$, $\dot w=a\,D$, with $D=\nabla G$ constant on each arc of the circle between the lines
# $w\cdot x_i=0$. In polar coordinates $w=r(\cos\varphi,\sin\varphi)$ the angle climbs $G$ if $a>0$, and
# descends it if $a<0$:

# %%
r, phi, psi, size, amplitude = sp.symbols("r phi psi D a", real=True)
direction, normal = sp.Matrix([sp.cos(phi), sp.sin(phi)]), sp.Matrix([-sp.sin(phi), sp.cos(phi)])
D = size * sp.Matrix([sp.cos(psi), sp.sin(psi)])
G = sp.simplify((D.T * direction)[0])
velocity = amplitude * D
assert sp.simplify((velocity.T * normal)[0] - amplitude * sp.diff(G, phi)) == 0  # r dφ/dt = a G'(φ)
assert sp.simplify((velocity.T * direction)[0] - amplitude * G) == 0  # dr/dt = a G(φ)
library_arc = relu_directions.expressions["G on an arc"]
assert (
    sp.simplify(G - library_arc.subs({s: sp.Symbol(s.name, real=True) for s in library_arc.free_symbols}))
    == 0
)
sp.Eq(sp.Function("G")(phi), G)

# %% [markdown]
# ## 2. Two kinds of attractors
#
# **Inside an arc**, $G=|D|\cos(\varphi-\psi)$ has one stationary point with $G>0$, at $\varphi=\psi$, and
# it is a maximum ($G''=-G$). It counts if $\psi$ lies in the arc itself. There $\dot a=|D|r$ and $\dot
# r=|D|a$: both grow as $e^{|D|t}$.

# %%
assert sp.simplify(sp.diff(G, phi, 2) + G) == 0
assert sp.solveset(sp.cos(phi), phi, sp.Interval.open(-sp.pi / 2, sp.pi / 2)) is sp.S.EmptySet
assert sp.diff(G, phi).subs(phi, psi) == 0
growth = sp.Matrix([[0, size], [size, 0]])
assert growth * sp.Matrix([1, 1]) == size * sp.Matrix([1, 1])

# %% [markdown]
# How fast does a neuron turn? With $\varphi=\psi+\vartheta$ and $a=r$: $\dot\vartheta=-|D|\vartheta$,
# while $r$ grows as $e^{|D|t}$. Their product is conserved: a neuron that has grown from $\sigma$ to $r$
# is within $\sigma/r$ of its direction. That is why growth means alignment.

# %%
theta = sp.Symbol("vartheta", real=True)
turning = sp.series(sp.diff(G, phi).subs(phi, psi + theta), theta, 0, 2).removeO()
assert sp.simplify(turning + size * theta) == 0
assert sp.simplify(r * turning + theta * size * r) == 0  # d(ϑ r)/dt = 0

# %% [markdown]
# **At a knot** $w\cdot x_i=0$ the slope of $G$ jumps by $y_i|x_i|/n$ as sample $i$ becomes active,
# whichever way the knot is crossed. A maximum needs the slope to fall, so $y_i<0$ (for $a<0$: $y_i>0$). A
# neuron there is held from both sides, slides along the line $w\cdot x_i=0$, and breaks at $\xi_i$
# exactly.

# %%
length, beta, target, count = sp.symbols("l beta y n", positive=True)
sample = length * sp.Matrix([sp.cos(beta), sp.sin(beta)])
for side in (1, -1):  # the two knots of one sample; it is active at angles nearer to β
    knot = beta + side * sp.pi / 2
    term = target / count * (sample.T * direction)[0]
    slope_when_active = sp.simplify(sp.diff(term, phi).subs(phi, knot))
    jump = slope_when_active * (-side)  # with increasing φ the sample switches off at β + π/2, on at β - π/2
    assert sp.simplify(jump - target * length / count) == 0

# %% [markdown]
# The library lists these attractors. A fine grid finds the same ones:

# %%
rng = np.random.default_rng(5)
for _ in range(200):
    inputs, targets = np.stack((rng.uniform(-1, 1, 8), np.ones(8)), axis=1), rng.standard_normal(8)
    found = relu_directions(inputs, targets)
    grid = np.linspace(0, 2 * np.pi, 40_000, endpoint=False)
    height = np.abs(relu_drive(inputs, targets, grid))
    peaks = grid[(height > np.roll(height, 1)) & (height >= np.roll(height, -1)) & (height > 1e-3)]
    apart = np.abs(np.angle(np.exp(1j * (peaks[:, None] - found.angles))))
    assert apart.min(1).max() < 2 * grid[1]
    assert len(peaks) <= len(found.angles)

# %% [markdown]
# ## 3. The plateau's length
#
# Neurons aligned to the fastest direction give the output $S\,\mathrm{relu}(\hat w\cdot x)$,
# $S=\sum_k|a_k||w_k| =S_0e^{2Gt}$, $S_0\propto\sigma^2$. To first order in $S$ the loss falls by $S\,G$.

# %%
S, S0, rate, t, sigma, delta, L0 = sp.symbols("S S_0 G t sigma delta L_0", positive=True)
o = sp.Matrix(sp.symbols("o_1 o_2", real=True))  # relu(ŵ·x_i)
fitted = sum((y[i] - S * o[i]) ** 2 for i in range(n)) / (2 * n)
height = sum(y[i] * o[i] for i in range(n)) / n
assert sp.expand(sp.diff(fitted, S).subs(S, 0) + height) == 0

T = sp.solve(sp.Eq(S0 * sigma**2 * sp.exp(2 * rate * t) * rate, delta * L0), t)[0]
per_log = -sigma * sp.diff(sp.expand_log(T), sigma)
assert sp.simplify(per_log - relu_directions.expressions["dT/dlog(1/σ)"]) == 0
sp.Eq(sp.Symbol("T"), sp.expand_log(T))

# %% [markdown]
# ## 4. How far the direction moves before the stop
#
# The output is fed back: $y_i$ becomes $y_i-S\,o_i$, and $D$ becomes $D-S\,C\hat w$, $C=\frac1n\sum
# x_ix_i^T$ over active samples. With $c$ the part of $C\hat w$ across $\hat w$,
# $\dot\vartheta=-G\vartheta-S_0e^{2Gt}c$; the neurons lag, since the place they are drawn to moves faster
# than they turn.

# %%
c = sp.Symbol("c", positive=True)
lag = sp.Function("vartheta")
solution = sp.dsolve(sp.Eq(lag(t).diff(t), -rate * lag(t) - S0 * sp.exp(2 * rate * t) * c), lag(t)).rhs
grown_part = sp.limit(sp.expand(solution / (S0 * sp.exp(2 * rate * t))), t, sp.oo)
at_stop = grown_part * delta * L0 / rate  # S = δ L_0 / G
assert sp.simplify(at_stop - relu_directions.expressions["shift at the δ-stop"]) == 0
sp.Eq(sp.Symbol("vartheta"), at_stop)

# %% [markdown]
# It does not vanish with $\sigma$: at $\delta=0.1$ a direction inside an arc is off by degrees whatever the
# start. At a knot nothing moves, as long as both sides keep pointing to it.
#
# ## 5. A small run
#
# Plain gradient descent with a small step, eight samples, 100 neurons. The data are the first draw whose
# fastest direction lies in an arc, leads by a fifth, explains an eighth of the loss, and which has a knot
# among its attractors. A step of length $\eta$ grows neurons at the rate $\log(1+\eta G)/\eta$.

# %%
rng = np.random.default_rng(0)
while True:
    inputs, targets = np.stack((rng.uniform(-1, 1, 8), np.ones(8)), axis=1), rng.standard_normal(8)
    found = relu_directions(inputs, targets)
    top = np.array([np.cos(found.angles[0]), np.sin(found.angles[0])])
    explained = found.top_rate**2 / np.square(targets).mean() / np.square(np.maximum(inputs @ top, 0)).mean()
    strong_knot = ((found.samples >= 0) & (found.rates > 0.3 * found.top_rate)).any()
    if found.samples[0] < 0 and found.runner_up < 0.8 and explained > 1 / 8 and strong_knot:
        break
for angle, value, sign, at in zip(found.angles, found.rates, found.signs, found.samples, strict=True):
    where = f"knot of sample {at}" if at >= 0 else "in an arc"
    print(f"φ = {np.degrees(angle):6.2f}°   |G| = {value:.4f}   for a {'>' if sign > 0 else '<'} 0   {where}")

NEURONS, STEP = 100, 0.01 / found.top_rate
draw_w, draw_a = rng.standard_normal((NEURONS, 2)), rng.standard_normal(NEURONS)


def train(sigma, stops, every=None):
    """Weights of gradient descent when the loss has fallen by each share, the times, and a path."""
    weights, outputs = sigma * draw_w, sigma * draw_a
    path, ends, before, step = [], [], 0.0, 0
    while len(ends) < len(stops):
        hidden = np.maximum(weights @ inputs.T, 0)
        output = outputs @ hidden
        fall = output @ (2 * targets - output) / np.square(targets).sum()
        if every and step % every == 0:
            path.append((step * STEP, np.arctan2(weights[:, 1], weights[:, 0]), np.sign(outputs), fall))
        if fall >= stops[len(ends)]:
            share = np.log(stops[len(ends)] / before) / np.log(fall / before) if step else 1.0
            ends.append(((step - 1 + share) * STEP, fall, weights, outputs))
        before = max(fall, 1e-300)
        residual = (targets - output) / len(targets)
        drive = ((hidden > 0) * residual) @ inputs
        weights, outputs = weights + STEP * outputs[:, None] * drive, outputs + STEP * hidden @ residual
        step += 1
    return ends, path


def top_offset(weights, outputs):
    """Angle of the neurons near the fastest direction, weighted by |a||w|."""
    offset = np.angle(np.exp(1j * (np.arctan2(weights[:, 1], weights[:, 0]) - found.angles[0])))
    near = (np.abs(offset) < 0.3) & (np.sign(outputs) == found.signs[0])
    weight = (np.abs(outputs) * np.linalg.norm(weights, axis=1))[near]
    return weight @ offset[near] / weight.sum()


DELTAS = [1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1]
ends, path = train(1e-7, DELTAS, every=25)
measured = np.array([top_offset(weights, outputs) for _, _, weights, outputs in ends])
predicted = np.array([feedback_shift(inputs, targets, share=fall) for _, fall, _, _ in ends])
for stop, one, other in zip(DELTAS, measured, predicted, strict=True):
    print(f"δ = {stop:<6g}  moved by {np.degrees(one):9.5f}°   predicted {np.degrees(other):9.5f}°")
error = np.abs(measured / predicted - 1)
assert error[DELTAS.index(1e-3)] < 0.05  # the next term, of relative order δ, and the step, of order η G
assert error[-1] > error[2]

# %%
sigmas = np.array([1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7])
times = np.array([train(sigma, [1e-3])[0][0][0] for sigma in sigmas])
discrete_rate = np.log1p(STEP * found.top_rate) / STEP
slopes = discrete_rate * np.diff(times) / np.diff(np.log(1 / sigmas))
for sigma_low, slope in zip(sigmas[1:], slopes, strict=True):
    print(f"down to σ = {sigma_low:.0e}: dT/dlog(1/σ) · Gmax = {slope:.5f}")
assert np.abs(slopes[-2:] - 1).max() < 2e-3
assert abs(slopes[0] - 1) > 0.1  # no plateau from a large start

# %%
times_on_path = np.array([entry[0] for entry in path])
angles_on_path = np.degrees(np.mod([entry[1] for entry in path], 2 * np.pi))
signs_at_end = path[-1][2]
stop_time = ends[DELTAS.index(1e-3)][0]
with style():
    figure, axes = plt.subplots(1, 4, figsize=(9, 2.7), layout="constrained", width_ratios=(0.8, 1.4, 1, 1))
    fine = np.linspace(0, 2 * np.pi, 2000)
    axes[0].plot(relu_drive(inputs, targets, fine), np.degrees(fine), color="0.4")
    knots = np.degrees(
        np.mod(np.arctan2(inputs[:, 1], inputs[:, 0])[:, None] + [np.pi / 2, -np.pi / 2], 2 * np.pi)
    )
    axes[0].plot(relu_drive(inputs, targets, np.radians(knots)), knots, ".", color="0.4", markersize=3)
    for angle, value, sign, at in zip(found.angles, found.rates, found.signs, found.samples, strict=True):
        marker = "s" if at >= 0 else "o"
        axes[0].plot(sign * value, np.degrees(angle), marker, color="C0" if sign > 0 else "C3", markersize=4)
    axes[0].axvline(0, color="0.85", linewidth=0.8, zorder=0)
    axes[0].set(xlabel="G", ylabel="angle φ of w (degrees)", ylim=(0, 360), yticks=range(0, 361, 90))
    axes[0].set_title("predicted")

    for k in range(NEURONS):
        jump = np.abs(np.diff(angles_on_path[:, k], prepend=angles_on_path[0, k])) > 180
        line = np.where(jump, np.nan, angles_on_path[:, k])
        color = "C0" if signs_at_end[k] > 0 else "C3"
        axes[1].plot(times_on_path * found.top_rate, line, color=color, linewidth=0.5, alpha=0.6)
    axes[1].axvline(stop_time * found.top_rate, color="0.6", linestyle=":", linewidth=1)
    axes[1].set(xlabel="time $G_{max}t$", ylim=(0, 360), yticks=range(0, 361, 90), yticklabels=[])
    axes[1].set_xlim(0, times_on_path[-1] * found.top_rate)
    axes[1].set_title("neurons, a > 0 and a < 0")

    axes[2].semilogx(sigmas, discrete_rate * times, "o", color="C0", label="gradient descent")
    line = discrete_rate * times[-1] + np.log(sigmas[-1] / sigmas)
    axes[2].semilogx(sigmas, line, color="0.6", label="slope 1", zorder=0)
    axes[2].set(xlabel="scale of the start σ", ylabel="escape time $G_{max}T$")
    axes[2].legend()

    axes[3].loglog(DELTAS, np.degrees(np.abs(predicted)), color="0.6", label="δL₀c/(3G²)", zorder=0)
    axes[3].loglog(DELTAS, np.degrees(np.abs(measured)), "o", color="C0", label="gradient descent")
    axes[3].set(xlabel="fall of the loss δ", ylabel="angle moved (degrees)")
    axes[3].legend()
    plt.show()

# %% [markdown]
# Left: $G$ on the circle with its attractors (circles inside arcs, squares at knots, blue for $a>0$, red
# for $a<0$). Second: the angles of all neurons from $\sigma=10^{-7}$; those that grow collect at the
# predicted angles before the loss has fallen by $10^{-3}$ (dotted), and bend away only when it falls for
# good. In the arc without an active sample nothing moves, and neurons that are driven off all samples
# stop at its edge, where $G=0$: they do not grow. Third: the plateau's length; from $\sigma=10^{-2}$ on
# there is none. Right: the shift of the fastest direction; at $\delta=10^{-4}$ one sees what is left of
# the start, at $\delta=0.1$ the next order.
#
# ## What is known beyond
#
# In more inputs the same maxima (extremal vectors) attract, but there are many more arcs than $2n$, and
# nothing bounds how many of them hold one. Maennel et al. describe alignment in a limit; Boursier et al.
# prove it for orthogonal inputs, where the network then converges to the interpolator of least norm.
#
# ## References
#
# - H. Maennel, O. Bousquet, S. Gelly, *Gradient descent quantizes ReLU network features*, 2018, arXiv
#   1803.08367.
# - E. Boursier, L. Pillaud-Vivien, N. Flammarion, *Gradient flow dynamics of shallow ReLU networks for
#   square loss and orthogonal inputs*, NeurIPS 2022, arXiv 2206.00939.
# - The rate of the escape and the shift of order $\delta$ are derived here.
