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
# # The γ law: lazy below γ = 1/2, rich above, at any depth
#
# A network of $L$ weight matrices, hidden width and input dimension $m$, inputs of unit norm, all weights
# $N(0,m^{-2\gamma})$, its output centered ($f-f_0$). Train it until it fits, and ask how far the weights
# moved, relative to their start: $\mathrm{RD}=\|\theta-\theta_0\|/\|\theta_0\|$.
#
# **Claim.** As $m$ grows, $\mathrm{RD}\sim m^{L\gamma-(L+1)/2}$ for $\gamma<1/2$ and $\mathrm{RD}\sim
# m^{\gamma-1}$ for $\gamma>1/2$. In units of $\log m$ the slope of $\log\mathrm{RD}$ in $\gamma$ is $L$,
# then 1. The break is at the usual $1/\sqrt{\text{fan-in}}$.
#
# Sections 1 to 4 derive it for a linear network and one sample, where everything can be computed, heights
# of the lines included; section 5 solves $L=2$ exactly through the transition; section 6 trains ReLU
# networks on several samples. Everything is compared with `lowcomplex.predictions.gamma_law`.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
from scipy.optimize import brentq

from lowcomplex.plots import style
from lowcomplex.predictions import gamma_law
from lowcomplex.theorems.gamma_law.formula import TRANSITION, width_exponent
from lowcomplex.training import LossShare, displacement_at, gradient_flow

torch.set_num_threads(1)
m, gamma, y = sp.symbols("m gamma y", positive=True)
L = sp.Symbol("L", integer=True, positive=True)
library = gamma_law.expressions


def same(left, right):
    """Whether two expressions agree: every depth from 2 to 5, symbolic in all else."""
    difference = sp.expand_log(sp.expand(left - right), force=True)
    return all(sp.simplify(difference.subs(L, depth)) == 0 for depth in range(2, 6))


# %% [markdown]
# ## 1. Where the weights begin
#
# $L-1$ matrices $m\times m$ and one row $1\times m$: $E\|\theta_0\|^2=((L-1)m^2+m)\,m^{-2\gamma}$.
# Exponents in $m$ are taken as $\lim \log(\cdot)/\log m$; with $m=e^{\ell}$ that is a limit in $\ell$.

# %%
ell = sp.Symbol("ell", positive=True)


def exponent(expression):
    """The power of m at which an expression grows, for each depth from 2 to 5."""
    logs = sp.log(expression.subs(m, sp.exp(ell)))
    return [sp.limit(sp.simplify(sp.diff(logs.subs(L, depth), ell)), ell, sp.oo) for depth in range(2, 6)]


size_squared = ((L - 1) * m**2 + m) * m ** (-2 * gamma)
assert exponent(size_squared) == [2 - 2 * gamma] * 4

# %% [markdown]
# ## 2. Lazy: the least displacement that fits
#
# For $f(x)=W_L\cdots W_1x$ and unit $x$, $\partial f/\partial W_l$ is an outer product: the signal that
# comes from above, $W_L\cdots W_{l+1}$, times the one from below, $W_{l-1}\cdots W_1x$. A Gaussian matrix
# multiplies a squared norm by $m\cdot m^{-2\gamma}$ on average. There are $L-l$ factors above and $l-1$
# below, $L-1$ in all, for every $l$:
#
# $$E\|\nabla f\|^2=\sum_{l=1}^{L}(m^{1-2\gamma})^{L-l}(m^{1-2\gamma})^{l-1}=L\,(m^{1-2\gamma})^{L-1}.$$

# %%
gain = m ** (1 - 2 * gamma)
kernel = L * gain ** (L - 1)
for depth in range(2, 6):
    by_layer = sum(gain ** (depth - layer) * gain ** (layer - 1) for layer in range(1, depth + 1))
    assert sp.simplify(by_layer - kernel.subs(L, depth)) == 0

# %% [markdown]
# As long as the gradient does not change, the flow goes straight along it, and to change $f$ by $y$ it goes
# $|y|/\|\nabla f\|$:

# %%
lazy = y / sp.sqrt(kernel) / sp.sqrt(size_squared)
lazy_exponent = L * gamma - (L + 1) / sp.Integer(2)
assert [sp.simplify(e - lazy_exponent.subs(L, d)) for d, e in enumerate(exponent(lazy), 2)] == [0] * 4
library_symbols = {str(symbol): symbol for symbol in library["lazy exponent in m"].free_symbols}
to_library = {L: library_symbols["L"], gamma: library_symbols["gamma"]}
assert sp.simplify(lazy_exponent.subs(to_library) - library["lazy exponent in m"]) == 0
sp.Eq(sp.Symbol("RD_lazy"), lazy)

# %% [markdown]
# When does the gradient not change? Each $\Delta W_l$ has rank one, so its norm is its spectral norm.
# Beside the spectral norm of $W_l$, which is of the order of $m^{1/2-\gamma}$, it is of the order of
# $m^{L(\gamma-1/2)}$: small if and only if $\gamma<1/2$, at any depth.

# %%
step_of_one_matrix = y / sp.sqrt(kernel) / sp.sqrt(L)
relative = exponent(step_of_one_matrix / m ** (sp.Rational(1, 2) - gamma))
assert [sp.simplify(e - d * (gamma - sp.Rational(1, 2))) for d, e in enumerate(relative, 2)] == [0] * 4
assert [sp.solve(e, gamma) for e in relative] == [[sp.Rational(1, 2)]] * 4

# %% [markdown]
# ## 3. Rich: the initial weights are forgotten
#
# For $\gamma>1/2$ the initial matrices have spectral norms $m^{1/2-\gamma}\to0$. Gradient flow conserves
# $W_{l+1}^TW_{l+1}-W_lW_l^T$, since both products change at the same rate:

# %%
residual, rows = sp.Symbol("r", real=True), 2
W1 = sp.Matrix(2, 2, sp.symbols("w_1:5", real=True))
W2 = sp.Matrix(2, 2, sp.symbols("v_1:5", real=True))
W3 = sp.Matrix(1, 2, sp.symbols("a_1:3", real=True))
sample = sp.Matrix(sp.symbols("x_1:3", real=True))
matrices = (W1, W2, W3)
function = (W3 * W2 * W1 * sample)[0]
rates = [residual * W.applyfunc(lambda entry: sp.diff(function, entry)) for W in matrices]
for below, above, rate_below, rate_above in zip(matrices, matrices[1:], rates, rates[1:], strict=False):
    change = rate_above.T * above + above.T * rate_above - rate_below * below.T - below * rate_below.T
    assert change.applyfunc(sp.expand) == sp.zeros(2, 2)

# %% [markdown]
# Nearly zero at the start, it stays so: all matrices end with one common singular value $s$ and aligned
# singular vectors, hence $s^L=y$ and each $\|\Delta W_l\|=y^{1/L}$ at any $\gamma$: only the denominator of
# RD depends on $\gamma$:

# %%
rich = sp.sqrt(L) * y ** (1 / L) / sp.sqrt(size_squared)
assert [sp.simplify(e - (gamma - 1)) for e in exponent(rich)] == [0] * 4
assert sp.simplify((gamma - 1).subs(to_library) - library["rich exponent in m"]) == 0
sp.Eq(sp.Symbol("RD_rich"), rich)

# %% [markdown]
# ## 4. The broken line
#
# Both exponents are $-1/2$ at $\gamma=1/2$, and their slopes in $\gamma$ are $L$ and 1. The numeric
# evaluators are the same functions:

# %%
half = sp.Rational(1, 2)
assert sp.simplify(lazy_exponent.subs(gamma, half)) == -half == (gamma - 1).subs(gamma, half)
assert sp.diff(lazy_exponent, gamma) == L
assert library["lazy slope"] == library_symbols["L"]
assert library["rich slope"] == 1

grid = np.array([0.1, 0.25, 0.4, 0.6, 1.0, 1.5])
for depth in range(2, 6):
    low = sp.lambdify(gamma, lazy_exponent.subs(L, depth))(grid)
    np.testing.assert_allclose(width_exponent(grid, depth), np.where(grid < 0.5, low, grid - 1), atol=1e-14)
    np.testing.assert_array_equal(gamma_law(grid, depth), np.where(grid < 0.5, depth, 1))
for value in (0.2, 0.5, 1.0):
    print(f"γ = {value}: {gamma_law.regime(gamma=value).reason}")

# %% [markdown]
# ## 5. Two layers, solved through the transition
#
# With $L=2$ and one sample, only $a$ and $u=W_1x$ matter: $\dot a=r\,u$, $\dot u=r\,a$ with the same
# residual $r$. In the time $d\tau=r\,dt$ that is a hyperbolic rotation, $a\pm u$ is multiplied by
# $e^{\pm\tau}$, and $f=a\cdot u=\frac14(|a+u|^2-|a-u|^2)$.

# %%
tau, a0, u0, B, A = sp.symbols("tau a_0 u_0 B A", real=True)
a = a0 * sp.cosh(tau) + u0 * sp.sinh(tau)
u = u0 * sp.cosh(tau) + a0 * sp.sinh(tau)
assert sp.simplify(sp.diff(a, tau) - u) == 0
assert sp.simplify(sp.diff(u, tau) - a) == 0

# Summed over neurons: A = |a_0|² + |u_0|², B = a_0 · u_0, which is f at the start.
gained = sp.expand((a * u - a0 * u0).rewrite(sp.exp))
gained_summed = A * sp.sinh(2 * tau) / 2 + B * (sp.cosh(2 * tau) - 1)
moved = sp.expand(((a - a0) ** 2 + (u - u0) ** 2).rewrite(sp.exp))
moved_summed = 2 * sp.cosh(tau) * (sp.cosh(tau) - 1) * A + 4 * B * sp.sinh(tau) * (sp.cosh(tau) - 1)
one_neuron = {A: a0**2 + u0**2, B: a0 * u0}
for summed, single in ((gained_summed, gained), (moved_summed, moved)):
    assert sp.simplify(sp.expand(summed.subs(one_neuron).rewrite(sp.exp) - single)) == 0

# %% [markdown]
# At large $m$, $A=2m^{1-2\gamma}$ and $B$ is $\sqrt m$ times smaller. Setting the gain to $y$ gives $\sinh
# 2\tau=2y/A$ and a closed form for RD at every $\gamma$. Its two limits are the two arms:

# %%
scale = sp.Symbol("S", positive=True)  # A
stop = sp.asinh(2 * y / scale) / 2
assert sp.simplify(gained_summed.subs({B: 0, A: scale, tau: stop}) - y) == 0
moved_at_stop = moved_summed.subs({B: 0, A: scale, tau: stop})
assert sp.limit(moved_at_stop * scale, scale, sp.oo) == y**2  # lazy: y²/‖∇f‖²
assert sp.limit(moved_at_stop, scale, 0) == 2 * y  # rich: L y^{2/L}
assert sp.simplify(kernel.subs(L, 2) - 2 * gain) == 0
crossover = sp.sqrt(moved_at_stop.subs(scale, 2 * gain) / size_squared.subs(L, 2))
crossover_at = sp.lambdify((gamma, m, y), crossover)

# %% [markdown]
# The law is asymptotic. How sharp is the break at a finite width? The exact slope shows which γ can be
# checked at which width, and why nothing is claimed close to 1/2:

# %%
print("exact slope of log RD / log m, L = 2, one sample")
fine = np.array([0.1, 0.175, 0.25, 0.35, 0.5, 0.65, 0.8, 1.0, 1.375])
print("      γ   " + "  ".join(f"{value:5.3f}" for value in fine))
for width in (96, 1024, 10**6):
    steps = 1e-4
    rise = np.log(crossover_at(fine + steps, width, 1.0)) - np.log(crossover_at(fine - steps, width, 1.0))
    print(f"m = {width:<8}" + "  ".join(f"{value:5.3f}" for value in rise / (2 * steps * np.log(width))))

# %% [markdown]
# A linear network trained by an adaptive solver, against the exact solution for its own start ($A$ and $B$
# as drawn, without averages): they agree to the solver's tolerance on both sides of the transition and
# within it.

# %%
WIDTH, STOP = 64, 0.02
LEARNED = 1 - np.sqrt(STOP)  # share of y that is fitted when the loss has fallen to 2 %


def shapes(depth):
    return [(WIDTH, WIDTH)] * (depth - 1) + [(1, WIDTH)]


def draw(depth, seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes(depth)]


def linear_network(value, seed):
    """Trained displacement of two linear layers, and the exact one."""
    first, second = (WIDTH**-value * normal for normal in draw(2, seed))
    start_u = first[:, 0]  # the sample is the first unit vector
    begin = second[0] @ start_u

    def loss(p):
        return (p["second"][0] @ p["first"][:, 0] - begin - LEARNED).square() / 2

    flow = gradient_flow(
        loss, {"first": first, "second": second}, [0.0, 1e4], until=LossShare(1e-12), rtol=1e-8, atol=1e-12
    )
    ended = flow.parameters
    trained = (ended["first"][-1] - first).square().sum() + (ended["second"][-1] - second).square().sum()
    numbers = {A: float(second.square().sum() + start_u.square().sum()), B: float(begin)}
    gain_of = sp.lambdify(tau, gained_summed.subs(numbers) - LEARNED)
    exact = sp.lambdify(tau, moved_summed.subs(numbers))(brentq(gain_of, 0, 30))
    return float(trained), float(exact)


for value in (0.2, 0.5, 0.8, 1.2):
    trained, exact = linear_network(value, seed=0)
    print(f"γ = {value}: squared displacement trained {trained:.8f}, exact {exact:.8f}")
    assert abs(trained / exact - 1) < 1e-5

# %% [markdown]
# ## 6. ReLU networks, one sample: the lines without a fitted number
#
# Half of the units are off, so each squared gain is $m^{1-2\gamma}/2$ and $\|\nabla f\|^2$ is halved $L-1$
# times; the rich line does not change. Three draws for each point.

# %%
relu_kernel = L * (gain / 2) ** (L - 1)
fitted = sp.Symbol("fitted", positive=True)
relu_lazy = sp.lambdify((gamma, m, L, fitted), fitted / sp.sqrt(relu_kernel) / sp.sqrt(size_squared))
relu_rich = sp.lambdify((gamma, m, L, fitted), rich.subs(y, fitted))


def displacement(depth, value, x, targets, seed):
    hidden, generator = (WIDTH,) * (depth - 1), torch.Generator().manual_seed(seed)
    run = displacement_at(x, targets, float(value), hidden=hidden, generator=generator, stop=STOP)
    return run.relative_displacement if run.converged else np.nan


one_sample = torch.eye(1, WIDTH, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
gammas = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.4])
DRAWS = 3
single = {
    depth: np.array([[displacement(depth, g, *one_sample, seed) for g in gammas] for seed in range(DRAWS)])
    for depth in (2, 3)
}
for depth, runs in single.items():
    mean = np.exp(np.log(runs).mean(0))
    low = mean[0] / relu_lazy(gammas[0], WIDTH, depth, LEARNED)
    high = mean[-1] / relu_rich(gammas[-1], WIDTH, depth, LEARNED)
    # A squared ReLU gain varies by 5/m; RD holds the root of L - 1 of them. Three standard deviations.
    low_tolerance = 3 * np.sqrt(5 * (depth - 1) / WIDTH) / 2 / np.sqrt(DRAWS)
    # A matrix starts with norm 2 m^(1/2-γ), which it need not gain; ‖θ_0‖ varies by 1/√2m.
    start = 2 * WIDTH ** (0.5 - gammas[-1]) / LEARNED ** (1 / depth)
    high_tolerance = start + 3 / np.sqrt(2 * DRAWS) / WIDTH
    print(
        f"L = {depth}: measured over predicted RD {low:.3f} (± {low_tolerance:.2f}) at γ = {gammas[0]}, ",
        end="",
    )
    print(f"{high:.3f} (± {high_tolerance:.2f}) at γ = {gammas[-1]}")
    assert abs(np.log(low)) < low_tolerance
    assert abs(np.log(high)) < high_tolerance

# %% [markdown]
# ## 7. Several samples, and the control
#
# Eight samples of unit norm, random targets: the heights depend on the data, the slopes do not. The control
# breaks one hypothesis: inputs with $N(0,1)$ entries have norm $\sqrt m$. Every gradient is then $\sqrt m$
# times larger, and the same argument moves the boundary to $\frac12+\frac1{2L}$, where both arms meet again
# at $-1/2$:

# %%
lazy_large = lazy / sp.sqrt(m)
move = step_of_one_matrix / sp.sqrt(m) / m ** (half - gamma)
boundary = [sp.solve(power, gamma)[0] for power in exponent(move)]
assert boundary == [half + sp.Rational(1, 2 * depth) for depth in range(2, 6)]
rich_large = rich.subs(y, y / sp.sqrt(m))  # s^L √m = y
for low, high, value in zip(exponent(lazy_large), exponent(rich_large), boundary, strict=True):
    assert sp.simplify(low.subs(gamma, value)) == sp.simplify(high.subs(gamma, value)) == -half


def several(seed, *, norm=1.0, samples=8):
    generator = torch.Generator().manual_seed(50 + seed)
    x = torch.randn(samples, WIDTH, generator=generator, dtype=torch.float64)
    x = norm * x / x.norm(dim=1, keepdim=True)
    return x, torch.randn(samples, generator=generator, dtype=torch.float64)


def log_displacements(depth, values, seeds, norm=1.0):
    return np.log([[displacement(depth, g, *several(k, norm=norm), k) for g in values] for k in range(seeds)])


def slopes(values, logarithms):
    return np.diff(logarithms, axis=-1) / (np.diff(values) * np.log(WIDTH))


def break_at(values, logarithms, depth):
    """Where the arm of slope L through the first two γ meets the arm of slope 1 through the last two."""
    per_width = logarithms.mean(0) / np.log(WIDTH)
    low = (per_width - depth * values)[:2].mean()
    high = (per_width - values)[-2:].mean()
    return (high - low) / (depth - 1)


axis = np.array([0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 1.0, 1.25, 1.5])
ends = axis[[0, 1, -2, -1]]
unit = {2: log_displacements(2, axis, seeds=3), 3: log_displacements(3, axis, seeds=1)}
large = {
    2: (axis, log_displacements(2, axis, seeds=3, norm=np.sqrt(WIDTH))),
    3: (ends, log_displacements(3, ends, seeds=1, norm=np.sqrt(WIDTH))),
}
measured = {depth: slopes(axis, runs).mean(0) for depth, runs in unit.items()}
shift = {depth: break_at(*large[depth], depth) - break_at(axis, unit[depth], depth) for depth in (2, 3)}
for depth in (2, 3):
    low, high = measured[depth][0], measured[depth][-1]
    print(
        f"L = {depth}: slope {low:.3f} at γ 0.1 to 0.25, {high:.3f} at 1.25 to 1.5; inputs of norm √m move ",
        end="",
    )
    print(f"the break by {shift[depth]:.3f}, predicted {1 / (2 * depth):.3f}")

# %% [markdown]
# Tolerances. Lazy: at $\gamma=0.25$ the matrices change by $m^{-L/4}$, 12 % for $L=2$; its square over the
# interval of $0.62$ in $\gamma\log m$ is 0.025, and a draw varies by about 0.05. Rich: the exact solution
# of section 5 has slope 1.013 there. Break: the start's share, $\frac12m^{1/2-\gamma}$ at unit norm and
# $\sqrt[4]{m}$ times more in the control, moves it by 0.007 at $L=2$; three times that.

# %%
for depth in (2, 3):
    assert abs(measured[depth][0] - gamma_law(0.1, depth)) < 0.07
    assert abs(measured[depth][-1] - gamma_law(1.5, depth)) < 0.02
    assert abs(shift[depth] - 1 / (2 * depth)) < 0.02
# The control fails: by the law for unit norm, nothing would move.
assert min(shift.values()) > 5 * 0.02

# %% [markdown]
# At a finite width the bend is not at 1/2 but where the two arms' heights agree. Targets of norm $\|y\|$
# move it by $-\log\|y\|/(L\log m)$, as the norm of the inputs did: eight targets, $\|y\|\approx\sqrt8$, by
# $-0.12$ at $L=2$ and $m=64$. That is why the slopes below bend before the shaded range, and why the check
# stays far from it.

# %%
meeting = sp.solve(sp.log(lazy.subs(L, 2) / rich.subs(L, 2)).expand(force=True), gamma)[0]
moved_by_targets = sp.simplify(sp.diff(meeting, y) * y)
assert sp.simplify(moved_by_targets + 1 / (2 * sp.log(m))) == 0
print(f"shift for eight targets {float(moved_by_targets.subs(m, WIDTH)) * np.log(np.sqrt(8)):.3f}")

# %%
dense = np.linspace(0.05, 1.5, 200)
middle = (axis[1:] + axis[:-1]) / 2
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.9), layout="constrained")
    for depth, color in ((2, "C0"), (3, "C1")):
        below, above = dense[dense <= 0.5], dense[dense >= 0.5]
        axes[0].plot(below, relu_lazy(below, WIDTH, depth, LEARNED), color=color)
        axes[0].plot(above, relu_rich(above, WIDTH, depth, LEARNED), color=color)
        for runs in single[depth]:
            axes[0].plot(gammas, runs, "o", color=color, markersize=2.5)
        axes[1].step([0, 0.5, 1.5], [depth, 1, 1], where="post", color=color)
        axes[1].plot(middle, measured[depth], "o", color=color, label=f"{depth} matrices")
    axes[0].set(yscale="log", xlabel="initialization rate γ", ylabel="relative displacement")
    axes[0].set_title("one sample: no fitted number")
    axes[1].axvspan(*TRANSITION, color="0.92", linewidth=0)
    axes[1].set(xlabel="initialization rate γ", ylabel="slope of log RD / log m", ylim=(0, 3.5))
    axes[1].set_title("eight samples")
    axes[1].legend()
    axes[2].step([0, 0.5, 1.5], [2, 1, 1], where="post", color="C0", label="inputs of norm 1")
    axes[2].plot(middle, measured[2], "o", color="C0")
    axes[2].step([0, 0.75, 1.5], [2, 1, 1], where="post", color="C3", label="norm √m (control)")
    axes[2].plot(middle, slopes(*large[2]).mean(0), "x", color="C3")
    axes[2].set(xlabel="initialization rate γ", ylabel="slope of log RD / log m", ylim=(0, 3.5))
    axes[2].set_title("the break moves, L = 2")
    axes[2].legend()
    plt.show()

# %% [markdown]
# ## References
#
# - T. Luo, Z.-Q. J. Xu, Z. Ma, Y. Zhang, *Phase diagram for two-layer ReLU neural networks at
#   infinite-width limit*, JMLR 2021, arXiv 2007.07497: linear and condensed regimes, which for $L=2$ is
#   this law at fixed data dimension.
# - A. Jacot, F. Gabriel, C. Hongler, *Neural tangent kernel*, NeurIPS 2018, arXiv 1806.07572: the kernel
#   of section 2.
# - S. Du, W. Hu, J. Lee, *Algorithmic regularization in learning deep homogeneous models*, NeurIPS 2018,
#   arXiv 1806.00900: the conserved differences of section 3.
# - L. Chizat, E. Oyallon, F. Bach, *On lazy training in differentiable programming*, NeurIPS 2019, arXiv
#   1812.07956.
#
# The exponents at any depth, the heights, and the exact transition for two layers are derived here.
