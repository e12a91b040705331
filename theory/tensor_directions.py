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
# # Multiplicity p: at most 2p orientations, and how fast neurons turn to them
#
# $s(z)=c\,z^p+\dots$, one input and a bias (or two inputs), so that a neuron points to an angle on the
# circle, $w=|w|(\cos\varphi,\sin\varphi)$. Gradient flow on $L=\frac1{2n}\sum_i(f(x_i)-y_i)^2$ from a small
# start; $T(\varphi)=\frac1n\sum_iy_i(\cos\varphi\,x_{i1}+\sin\varphi\,x_{i2})^p$.
#
# **Claim.** Neurons can condense only to stationary points of $T$, which are the real roots of one
# polynomial of degree $p$: at most $p$ lines, $2p$ orientations. Those with $a>0$ go to maxima with $T>0$,
# those with $a<0$ to minima with $T<0$. On its way every neuron obeys, for any $a$,
#
# $$\frac{d\varphi}{d\log|w|}=\frac{T'(\varphi)}{p\,T(\varphi)},$$
#
# so how far they turn is a matter of growth: angles shrink as a power of $|w|$, if the data leave no arc
# where this rate nearly vanishes. For $p=2$ the neuron is solved up to a quadrature.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from lowcomplex.plots import style
from lowcomplex.predictions import tensor_directions
from lowcomplex.theorems.tensor_directions.formula import slowest_turning, stationary_polynomial, tensor_value
from lowcomplex.theorems.tensor_directions.quadratic_neuron import quadratic_neuron, quadratic_tensor

library = tensor_directions.expressions

# %% [markdown]
# ## 1. The polynomial
#
# One sample; sums over samples keep every step. With $z=\tan\varphi$, $dT/d\varphi$ is $p\cos^p\varphi$ times
# a polynomial of degree $p$ in $z$:

# %%
x1, x2, z, phi = sp.symbols("x_1 x_2 z phi", real=True)
p = sp.Symbol("p", integer=True, positive=True)
tensor = library["term of T"]
polynomial = library["term of the polynomial in z = tan φ"]
symbols = {str(symbol): symbol for symbol in (*tensor.free_symbols, *polynomial.free_symbols)}
for power in range(1, 6):
    slope = sp.diff(tensor, symbols["phi"]).subs(symbols["p"], power)
    in_z = power * sp.cos(symbols["phi"]) ** power * polynomial.subs(symbols["p"], power)
    difference = slope - in_z.subs(symbols["z"], sp.tan(symbols["phi"]))
    assert sp.simplify(difference.rewrite(sp.exp)) == 0 or sp.trigsimp(sp.expand(difference)) == 0
    assert sp.degree(polynomial.subs(symbols["p"], power), symbols["z"]) == power

# The library's coefficients are those of the sum over samples, and its roots are stationary.
rng = np.random.default_rng(0)
sample_x, sample_y = np.stack((rng.uniform(-1, 1, 6), np.ones(6)), axis=1), rng.standard_normal(6)
for power in (2, 3, 5):
    term = sp.lambdify(
        [symbols[name] for name in ("x_1", "x_2", "z")], polynomial.subs(symbols["p"], power), "numpy"
    )
    at = np.linspace(-2, 2, 7)
    total = (sample_y * term(sample_x[:, 0], sample_x[:, 1], at[:, None])).sum(1)
    np.testing.assert_allclose(np.polyval(stationary_polynomial(sample_x, sample_y, power), at), total)
    stationary = tensor_directions(sample_x, sample_y, power)
    ahead, behind = (tensor_value(sample_x, sample_y, power, stationary.angles + h) for h in (1e-5, -1e-5))
    assert np.abs(ahead - behind).max() < 1e-8
    assert len(stationary.angles) <= 2 * power

# %% [markdown]
# ## 2. How neurons turn
#
# The leading flow is $\dot a=T(w)$, $\dot w=a\nabla T(w)$. In polar coordinates $T(w)=|w|^pT(\varphi)$:

# %%
r, a, t = sp.symbols("r a t", positive=True)
height = sp.Function("T")(phi)
for power in (2, 3, 4):
    whole = r**power * height
    radial, angular = a * sp.diff(whole, r), a * sp.diff(whole, phi) / r**2  # ṙ and φ̇
    assert sp.simplify(angular / (radial / r) - sp.diff(height, phi) / (power * height)) == 0
    # |w|² - p a² is conserved.
    assert sp.simplify(2 * r * radial - 2 * power * a * whole) == 0

# %% [markdown]
# The amplitude has dropped out. Beside a stationary orientation, at the distance $\psi$:
# $d\psi/d\log|w|=-\kappa\psi$ with $\kappa=-T''/(pT)$. For a neuron that grows, with $aT>0$, that attracts
# where $\kappa>0$: at maxima with $T>0$ and minima with $T<0$.

# %%
psi, T0, T2 = sp.symbols("psi T_0 T_2", real=True, nonzero=True)
near = T0 + T2 * psi**2 / 2
rate = sp.series(sp.diff(near, psi) / (p * near), psi, 0, 2).removeO()
assert sp.simplify(rate - T2 * psi / (p * T0)) == 0

# %% [markdown]
# If $|T'/(pT)|\ge\rho\,\sin\psi$ on the whole circle, $\psi$ the distance to the nearest stationary
# orientation, then $\tan(\psi/2)$ changes at least as $|w|^\rho$: growth by $G$ brings a neuron that starts
# at the distance $\epsilon$ from a repelling orientation to about $G^{-\rho}/\epsilon$ from its attractor.

# %%
rho, G, start = sp.symbols("rho G psi_0", positive=True)
solution = 2 * sp.atan(sp.tan(start / 2) * G**-rho)
left = G * sp.diff(solution, G) + rho * sp.sin(solution)
assert sp.simplify(sp.expand_trig(left)) == 0

# %% [markdown]
# ## 3. Multiplicity two, solved
#
# $T(w)=w^TMw$. With $A=\int a\,dt$ the input weights are $e^{2cMA}w_0$, $a^2$ follows from the conserved
# difference, and time is a quadrature, $t=\int dA/a$:

# %%
c, A, a0 = sp.symbols("c A a_0", positive=True)
rates = sp.symbols("mu_1 mu_2", real=True)
weights = sp.symbols("w_1 w_2", real=True)
moved = [w * sp.exp(2 * c * mu * A) for w, mu in zip(weights, rates, strict=True)]
amplitude_squared = a0**2 + (sum(w**2 for w in moved) - sum(w**2 for w in weights)) / 2
# dw/dA = 2cMw, and a da/dA = c wᵀMw:
for w, mu in zip(moved, rates, strict=True):
    assert sp.simplify(sp.diff(w, A) - 2 * c * mu * w) == 0
form = sum(mu * w**2 for w, mu in zip(moved, rates, strict=True))
assert sp.simplify(sp.diff(amplitude_squared, A) / 2 - c * form) == 0
# a² is convex in A: it reaches zero, where a changes its sign and A turns back, at most twice.
assert (
    sp.simplify(
        sp.diff(amplitude_squared, A, 2)
        - 8 * c**2 * sum((mu * w) ** 2 for w, mu in zip(moved, rates, strict=True))
    )
    == 0
)

# %% [markdown]
# ## 4. Small runs
#
# Sixty networks of one neuron each, $s(z)=z^{p-1}\tanh z$, eight samples, $\sigma=10^{-9}$; each network's
# time is rescaled, which leaves its path unchanged. They are compared where $|w|=10^{-2}$.

# %%
SAMPLES, NEURONS, SIGMA, GROWN = 8, 60, 1e-9, 1e-2


def draw(power, seed):
    rng = np.random.default_rng([seed, power])
    data = np.stack((rng.uniform(-1, 1, SAMPLES), np.ones(SAMPLES)), axis=1)
    return data, rng.standard_normal(SAMPLES), rng.standard_normal((NEURONS, 3))


def flow(data, targets, start, power, records=600):
    """Paths (time, neuron, (a, w)) and times of all networks."""
    unit, enough = np.abs(start).max() ** (power - 1), 3 * max(GROWN, np.abs(start).max())

    def slope(_, flat):
        theta = flat[: start.size].reshape(start.shape)
        amplitude, projection = theta[:, :1], theta[:, 1:] @ data.T
        outer, lower = np.tanh(projection), projection ** (power - 1)
        pull = (targets - amplitude * lower * outer) / SAMPLES
        bent = (power - 1) * projection ** (power - 2) * outer + lower * (1 - outer**2)
        step = np.hstack(((pull * lower * outer).sum(1, keepdims=True), amplitude * ((pull * bent) @ data)))
        size = np.linalg.norm(theta, axis=1, keepdims=True)
        speed = size ** (power - 1) * (1 + (size / enough) ** 4)
        return np.append(step / speed, unit / speed)

    strongest = np.abs(tensor_value(data, targets, power, np.linspace(0, 2 * np.pi, 720))).max()
    span = 6 * np.log(1 + 1 / np.abs(start).max()) / strongest
    tolerance = np.repeat((1e-12 * np.abs(start).max(), 1e-9), (start.size, len(start)))
    run = solve_ivp(
        slope,
        (0, span),
        np.append(start, np.zeros(len(start))),
        "DOP853",
        rtol=1e-8,
        atol=tolerance,
        t_eval=np.linspace(0, span, records),
    )
    return run.y[: start.size].T.reshape(-1, *start.shape), run.y[start.size :].T / unit


def angles(path):
    return np.arctan2(path[..., 2], path[..., 1])


def grown(path, times, target=GROWN):
    """States, times and indices of the neurons that reach |w| = target."""
    size = np.linalg.norm(path[..., 1:], axis=-1)
    reached = np.flatnonzero(size.max(0) >= target)
    first = (size[:, reached] >= target).argmax(0)
    return path[first, reached], times[first, reached], reached


def distance(state, found):
    """From the nearest orientation that attracts neurons of that sign of a."""
    offset = np.abs(np.angle(np.exp(1j * (angles(state)[:, None] - found.angles))))
    return np.where(found.attracts == np.sign(state[:, :1]), offset, np.inf).min(1)


results = {}
for power, seed in ((2, 1), (3, 0), (3, 100)):
    data, targets, normals = draw(power, seed)
    found = tensor_directions(data, targets, power)
    path, times = flow(data, targets, SIGMA * normals, power)
    end, end_times, alive = grown(path, times)
    least = slowest_turning(data, targets, power, found)
    miss = np.quantile(distance(end, found), 0.9)
    results[power, seed] = (data, targets, found, path, end, least)
    print(
        f"p = {power}, draw {seed}: {len(found.angles)} orientations, least turning rate {least:.3f}; ",
        end="",
    )
    print(f"{len(alive)} neurons grow, 9 of 10 end within {miss:.1e} rad")
    if least > 0.5:
        # A tenth of the neurons start nearer than 0.1 to a repelling orientation.
        assert miss < 10 * (SIGMA / GROWN) ** 0.5
    if power == 2:
        closed = quadratic_neuron(
            quadratic_tensor(data, targets), SIGMA * normals[:, 1:], SIGMA * normals[:, 0]
        )
        error = np.abs(end_times / closed.blow_up[alive] - 1)
        turned = int((closed.sign != np.sign(normals[:, 0])).sum())
        print(f"  blow-up times: median error {np.median(error):.1e}, worst {error.max():.1e}; ", end="")
        print(f"in {turned} neurons a changes its sign")
        # The solver's 1e-8, magnified where a neuron shrinks before it grows.
        assert np.quantile(error, 0.9) < 1e-5
        blow_ups = closed.blow_up[alive], end_times

# %% [markdown]
# The third draw breaks the hypothesis: a maximum and a minimum of $T$ have just merged and vanished. There is
# no root there, and yet neurons hardly get through. The count is right, the attractor is right, and a part of
# the neurons is still on its way when the leading flow ends. This is a limit of the claim, and the check
# tests it on the data before it trains.
#
# Growth is missing, not time: the same neurons from starts that are smaller still get nearer.

# %%
data, targets, found, *_ = results[3, 100]
assert results[3, 100][-1] < 0.05
assert np.quantile(distance(results[3, 100][4], found), 0.9) > 10 * (SIGMA / GROWN) ** 0.5
normals = draw(3, 100)[2]
circle = np.linspace(0, 2 * np.pi, 4001)
value = tensor_value(data, targets, 3, circle)
turning_rate = np.abs(np.gradient(value, circle) / (3 * value))
far = np.abs(np.sin(circle[:, None] - found.angles)).min(1) > 0.5
slowest = turning_rate[far].min()
print(f"far from every orientation neurons turn as slowly as {slowest:.4f} rad for each factor e in |w|")
for sigma in (1e-6, 1e-9, 1e-14):
    end, *_ = grown(*flow(data, targets, sigma * normals, 3))
    print(f"σ = {sigma:.0e}: 9 of 10 within {np.quantile(distance(end, found), 0.9):.3f} rad")

# The control: a start at σ = 0.5, trained as long.
control, _ = flow(data, targets, 0.5 * normals, 3)
print(f"σ = 0.5: 9 of 10 within {np.quantile(distance(control[-1], found), 0.9):.3f} rad")
assert np.quantile(distance(control[-1], found), 0.9) > 0.1

# %%
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), layout="constrained")
    for axis, key, title in (
        (axes[0], (3, 0), "p = 3"),
        (axes[1], (3, 100), "p = 3, nearly merged (control)"),
    ):
        data, targets, found, path, end, least = results[key]
        size = np.linalg.norm(path[..., 1:], axis=-1)
        for k in range(0, NEURONS, 2):
            until = size[:, k] < GROWN
            if until.all():
                continue
            turning = np.unwrap(angles(path[until, k]))
            turning = turning - 2 * np.pi * np.floor(turning[-1] / (2 * np.pi))
            last = path[until][-1, k, 0] > 0
            axis.semilogx(size[until, k], turning, color="C0" if last else "C1", linewidth=0.8)
        for angle, kind in zip(found.angles, found.attracts, strict=True):
            axis.axhline(angle, color="0.3" if kind else "0.75", linestyle="-" if kind else ":", linewidth=1)
        axis.set(xlabel="size of the neuron |w|", ylabel="angle φ", ylim=(0, 2 * np.pi))
        axis.set_title(f"{title}: least rate {least:.2f}")
    axes[2].loglog(*blow_ups, "o", color="C0", markersize=3)
    ends = [min(blow_ups[0]), max(blow_ups[0])]
    axes[2].loglog(ends, ends, color="0.6", zorder=0)
    axes[2].set(xlabel="blow-up time by quadrature", ylabel="time of growth to |w| = 0.01")
    axes[2].set_title("p = 2")
    plt.show()

# %% [markdown]
# Solid lines attract (blue: neurons with $a>0$, orange: $a<0$), dotted ones repel.
#
# ## References
#
# - H. Zhou, Q. Zhou, T. Luo, Y. Zhang, Z.-Q. J. Xu, *Towards understanding the condensation of neural
#   networks at initial training*, NeurIPS 2022, arXiv 2105.11686, theorem 2: at most $2p$ orientations. Which
#   of them attract, the rate of turning, the bottleneck and the solution for $p=2$ are derived here.
