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
# # The phase diagram, and where the γ axis runs in it
#
# A two-layer network $f(x)=\frac1\alpha\sum_{k=1}^m a_k\,s(w_k\cdot x)$, $a\sim N(0,\beta_1^2)$,
# $w\sim N(0,\beta_2^2)$. Luo, Xu, Ma and Zhang give it two coordinates,
#
# $$\gamma_L=-\frac{\log(\beta_1\beta_2/\alpha)}{\log m},\qquad
# \gamma'_L=-\frac{\log(\beta_1/\beta_2)}{\log m},$$
#
# and ask whether $\|w-w_0\|/\|w_0\|\sim m^e$ vanishes ($e<0$, linear) or grows (condensed) as
# $m\to\infty$ on fixed data. Sections 1 to 3 derive $e$ everywhere in the plane from one closed form;
# section 4 trains ReLU networks. The rule $N(0,d_{in}^{-2\gamma})$ is *not* their $\gamma$: sections 5 to 7
# translate it, for any depth, and answer the question for networks of given sizes.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch

from lowcomplex.plots import style
from lowcomplex.predictions import critical_gamma, displacement_exponent, gamma_law, phase_diagram, regime_at
from lowcomplex.theorems.phase_diagram.formula import luo_coordinates
from lowcomplex.training import displacement_at, displacement_from

torch.set_num_threads(1)
library = phase_diagram.expressions
g, h = sp.symbols("gamma_L gamma_prime", real=True)

# %% [markdown]
# ## 1. Two coordinates are enough
#
# A bias-free ReLU or linear network of $L$ matrices is homogeneous: $N(c\theta)=c^LN(\theta)$. So the output
# scale, the inputs' norm $r$ and the targets' size $y$ only rescale the weights. With
# $f=\kappa N(\theta)$ and $\tilde\theta=\kappa^{1/L}\theta$ the flow of $\theta$ is that of $\tilde\theta$ in
# another time, for one network $N(\tilde\theta)$, and relative displacements are the same. Seen for $L=2$:

# %%
a, w, kappa, c, residual, x = sp.symbols("a w kappa c r x", positive=True)
network = a * w * x
flow = {v: residual * kappa * sp.diff(network, v) for v in (a, w)}
scaled = {v: sp.sqrt(kappa) * v for v in (a, w)}
for v in (a, w):
    scaled_speed = sp.sqrt(kappa) * flow[v]
    speed_of_scaled = (residual * sp.diff(network, v)).subs(scaled, simultaneous=True)
    assert sp.simplify(scaled_speed / speed_of_scaled - kappa) == 0  # time runs κ times as fast
assert sp.simplify(kappa * network - network.subs(scaled, simultaneous=True)) == 0

# %% [markdown]
# So $\alpha$ only enters through $\beta_1\beta_2/\alpha$, and $\alpha=1$ from here on,
# $\beta_1=m^{-(\gamma_L+\gamma')/2}$, $\beta_2=m^{-(\gamma_L-\gamma')/2}$:

# %%
width = 4096.0
beta1, beta2 = width ** -((1.3 + 0.4) / 2), width ** -((1.3 - 0.4) / 2)
np.testing.assert_allclose(luo_coordinates(beta1, beta2, width), [1.3, 0.4])
np.testing.assert_allclose(luo_coordinates(3 * beta1, 5 * beta2, width, output_scale=15.0)[0], 1.3)

# %% [markdown]
# ## 2. One sample, no kink: solved
#
# With one unit sample and a linear activation, $u_k=w_k\cdot x$ obeys $\dot a=ru$, $\dot u=ra$: a hyperbolic
# rotation by $\tau=\int r\,dt$. Independent draws make $\sum a_0u_0$ negligible, and
# $f-f_0=\frac A2\sinh2\tau$ with $A=\sum a_0^2+\sum u_0^2=m(\beta_1^2+\beta_2^2)$, the tangent kernel.

# %%
tau, a0, u0, y = sp.symbols("tau a_0 u_0 y", positive=True)
b1, b2, m = sp.symbols("beta_1 beta_2 m", positive=True)
turned_a = a0 * sp.cosh(tau) + u0 * sp.sinh(tau)
turned_u = u0 * sp.cosh(tau) + a0 * sp.sinh(tau)
assert sp.simplify(sp.diff(turned_a, tau) - turned_u) == 0
assert sp.simplify(sp.diff(turned_u, tau) - turned_a) == 0


def averaged(expression):
    """Sum over neurons: a_0² → m β1², u_0² → m β2², a_0 u_0 → 0."""
    polynomial = sp.Poly(sp.expand(expression), a0, u0)
    return m * (b1**2 * polynomial.coeff_monomial(a0**2) + b2**2 * polynomial.coeff_monomial(u0**2))


kernel = m * (b1**2 + b2**2)
gain = averaged(turned_a * turned_u)
assert sp.simplify(gain.rewrite(sp.exp) - (kernel * sp.sinh(2 * tau) / 2).rewrite(sp.exp)) == 0
moved_w = averaged((turned_u - u0) ** 2)
moved_a = averaged((turned_a - a0) ** 2)
relative_w = sp.simplify(moved_w / (m * b2**2))
sp.Eq(sp.Symbol("RD_w") ** 2, relative_w)

# %% [markdown]
# Training ends at $\sinh2\tau=2y/A$. If $A$ grows with $m$, $\tau\to y/A$; if it vanishes,
# $e^{2\tau}\to4y/A$. In the first case $w$ is pulled by $a_0$ ($\tau\beta_1/\beta_2$) and by the gain of
# $a$ ($\tau^2/2$). In the second everything grows by the same factor.

# %%
small = sp.series(sp.sqrt(relative_w.subs(b1, 0)), tau, 0, 3).removeO()
assert sp.simplify(small - tau**2 / 2) == 0
assert sp.simplify(sp.limit(relative_w / tau**2, tau, 0) - b1**2 / b2**2) == 0
grown = sp.limit((relative_w * sp.exp(-2 * tau)).rewrite(sp.exp), tau, sp.oo)
assert sp.simplify(grown - (b1**2 + b2**2) / (4 * b2**2)) == 0
condensed = sp.simplify(grown * 4 * y / kernel)
assert sp.simplify(condensed - y / (m * b2**2)) == 0  # ‖w‖² = y, over ‖w_0‖²

# %% [markdown]
# ## 3. The exponents
#
# Insert the scales. $A\sim m^{1-\gamma_L+|\gamma'|}$, and

# %%
output_side, input_side = 1 - g - h, 1 - g + h  # exponents of m β1² and m β2²
kernel_exponent = sp.Max(output_side, input_side)
pulled = (output_side - input_side) / 2 - kernel_exponent  # τ β1/β2
gained = -2 * kernel_exponent  # τ²
derived = {"lazy": sp.Max(pulled, gained), "rich": -input_side / 2}
plane = [(sp.Rational(i, 4), sp.Rational(j, 4)) for i in range(-4, 13) for j in range(-8, 9)]
for point in plane:
    at = dict(zip((g, h), point, strict=True))
    arm = "lazy" if kernel_exponent.subs(at) >= 0 else "rich"
    value = derived[arm].subs(at)
    assert value == library["exponent of w"].subs(at)
    assert abs(float(value) - float(phase_diagram(*map(float, point)))) < 1e-12
    # The three cases in the words of the statement, and Luo et al.'s regimes as the sign of e:
    gl, gp = point
    if arm == "rich":
        assert value == library["condensed"].subs(at)
    else:
        case = "linear, γ' <= 0" if gp <= 0 else "linear, γ' > 0"
        assert value == library[case].subs(at)
    linear = gl < 1 or gp > gl - 1
    assert value <= 0 if linear else value >= 0
print(f"{len(plane)} points of the plane agree")
for name in ("linear, γ' <= 0", "linear, γ' > 0", "condensed"):
    print(f"{name:18} e = {library[name]}")

# %% [markdown]
# A special region is $\gamma'<0$, $\gamma_L>1$, $\gamma_L+\gamma'<1$. The output weights are large and
# hardly move, the tangent kernel of a linear network is constant, and still $w$ leaves its start
# ($e=\gamma_L-1>0$): a ReLU network's gates change completely. It is condensed for $w$, lazy for $a$.
#
# ## 4. ReLU networks, four samples
#
# The exponents survive the kink and several samples, the heights do not. The two scalings of section 5 on
# fixed data, widths 128 to 2048, two draws each:

# %%
generator = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


data = torch.linalg.qr(normal(4, 4))[0]
targets = torch.tensor([1.0, -0.5, 0.8, -1.2], dtype=torch.float64)
WIDTHS = (128, 512, 2048)


def exponents(gamma_l, gamma_prime, norm_exponent=0.0, draws=2):
    """Measured exponents of w and of all weights: least squares over widths and draws."""
    rows = []
    for size in WIDTHS:
        for _ in range(draws):
            start_w = normal(size, 4) * size ** (-(gamma_l - gamma_prime) / 2)
            start_a = normal(1, size) * size ** (-(gamma_l + gamma_prime) / 2)
            end = displacement_from(data * size**norm_exponent, targets, [start_w, start_a])
            assert end.converged
            rows.append((size, end.relative_displacement_first, end.relative_displacement))
    log_m, log_w, log_all = np.log(rows).T
    return np.polyfit(log_m, log_w, 1)[0], np.polyfit(log_m, log_all, 1)[0]


points = {(0.5, -0.5): "linear", (1.5, -1.5): "linear", (0.5, 0.5): "linear", (2.5, 0.5): "condensed"}
for (gl, gp), phase in points.items():
    seen_w, seen_all = exponents(gl, gp)
    said_w, said_all = phase_diagram(gl, gp), phase_diagram(gl, gp, all_weights=True)
    print(f"({gl:4}, {gp:4}) {phase:9}  w {seen_w:6.3f} predicted {said_w:5.2f}", end="")
    print(f"   all {seen_all:6.3f} predicted {said_all:5.2f}")
    # Draws vary by about 3/sqrt(m), over log 16; the next order is m^-1/2.
    assert abs(seen_w - said_w) < 0.125
    assert abs(seen_all - said_all) < 0.125
control = exponents(0.5, -0.5, norm_exponent=0.5)[0]
print(f"inputs of norm √m move γ_L by -1/2: {control:.3f}, predicted {phase_diagram(0.0, -0.5):.2f}")
assert abs(control - phase_diagram(0.0, -0.5)) < 0.125
assert abs(control - phase_diagram(0.5, -0.5)) > 0.3  # the control is seen failing

# %% [markdown]
# ## 5. The fan-in rule in the plane
#
# $w\sim N(0,d^{-2\gamma})$ and $a\sim N(0,m^{-2\gamma})$, with $d=m^r$ inputs of norm $m^s$:

# %%
rate, r, s, log_m = sp.symbols("gamma r s ell", positive=True)
log_b1, log_b2, log_alpha = -rate * log_m, -rate * r * log_m, -s * log_m
fan_in_l = sp.simplify(-(log_b1 + log_b2 - log_alpha) / log_m)
fan_in_prime = sp.simplify(-(log_b1 - log_b2) / log_m)
assert sp.expand(fan_in_l - (rate * (1 + r) - s)) == 0
assert sp.expand(fan_in_prime - rate * (1 - r)) == 0
print("input dimension fixed:    ", [e.subs({r: 0, s: 0}) for e in (fan_in_l, fan_in_prime)])
print("input dimension grows:    ", [e.subs({r: 1, s: 0}) for e in (fan_in_l, fan_in_prime)])
two_layers = sp.solve(fan_in_l - fan_in_prime - 1, rate)[0]
assert sp.simplify(two_layers - (1 + s) / (2 * r)) == 0
for ratio, norm in ((0.5, 0.0), (1.0, 0.0), (1.0, 0.5)):
    np.testing.assert_allclose(critical_gamma(2, ratio, norm), float(two_layers.subs({r: ratio, s: norm})))

# %% [markdown]
# With a fixed input dimension the rule runs along $(\gamma,\gamma)$, which never meets the boundary
# $\gamma_L-\gamma'=1$: linear at *every* $\gamma$, RD of all weights $\sim1/m$. If the dimension grows it
# runs along $(2\gamma,0)$ and crosses at $\gamma=\frac12$: `gamma_law`, except for the factor $m^{-1/2}$
# that $d=m$ adds to $\|w_0\|$.

# %%
for value in (0.2, 0.7, 1.3):
    on_axis = float(phase_diagram(2 * value, 0.0, all_weights=True))
    assert abs(on_axis - 0.5 - float(displacement_exponent(value, 2))) < 1e-12
    assert abs(float(displacement_exponent(value, 2, inputs_exponent=0)) + 1) < 1e-12
gammas = np.array([0.2, 0.35, 0.5, 0.7, 1.0])
both = np.array([exponents(2 * value, 0.0)[1] for value in gammas])
fixed = np.array([exponents(value, value)[1] for value in gammas])
for value, one, other in zip(gammas, both, fixed, strict=True):
    said = float(phase_diagram(2 * value, 0.0, all_weights=True))
    print(
        f"γ = {value:4}: both layers m^-γ {one:6.3f} (predicted {said:5.2f}), fixed inputs {other:6.3f} (-1)"
    )
    assert abs(other + 1) < 0.125
    if abs(2 * value - 1) > 0.3:
        assert abs(one - said) < 0.125

# %% [markdown]
# ## 6. Any depth: when does the linearization contradict itself?
#
# $L$ matrices, all $N(0,d_{in}^{-2\gamma})$. Passing a hidden matrix multiplies a squared signal by
# $m^{1-2\gamma}$, the first by $m\,d^{-2\gamma}$. $\|\partial f/\partial W_l\|^2=K_l$ is the product of all
# factors but its own; fitting takes $\|\Delta W_l\|=y\sqrt{K_l}/K$. Exponents in $m$, for
# $L\ge3$ and $0\le r\le1$:

# %%
L = sp.Symbol("L", positive=True)
hidden_gain, first_gain = 1 - 2 * rate, 1 - 2 * rate * r
own_first = (L - 1) * hidden_gain + 2 * s
own_later = (L - 2) * hidden_gain + first_gain + 2 * s
assert sp.simplify(own_first - own_later + 2 * rate * (1 - r)) == 0  # <= 0: later matrices carry K
change_later = own_later / 2 - own_later - hidden_gain / 2  # over sqrt(m) m^-γ
change_first = own_first / 2 - own_later - first_gain / 2
assert sp.simplify(2 * (change_first - change_later) + 4 * rate * (1 - r)) == 0  # the first changes least
boundary = sp.solve(change_later, rate)[0]
assert sp.simplify(boundary - (L + 2 * s) / (2 * (L - 1 + r))) == 0
for depth in (3, 4, 6):
    for ratio, norm in ((0.0, 0.0), (0.6, 0.0), (1.0, 0.0), (1.0, 0.5)):
        exact = float(boundary.subs({L: depth, r: ratio, s: norm}))
        np.testing.assert_allclose(critical_gamma(depth, ratio, norm), exact)
print("grows, unit norm :", sp.simplify(boundary.subs({r: 1, s: 0})))
print("grows, norm √m   :", sp.expand(boundary.subs({r: 1, s: sp.Rational(1, 2)})))
print("fixed            :", sp.factor(boundary.subs({r: 0, s: 0})))
assert sp.simplify(boundary.subs({r: 0, s: 0}) - boundary.subs({L: L - 1, r: 1, s: sp.Rational(1, 2)})) == 0

# %% [markdown]
# The last line: on fixed inputs the first matrix never moves and hands $L-1$ others inputs of norm
# $\sqrt m$. So only *two*-layer networks are lazy at every $\gamma$; three matrices break at
# $\gamma=\frac34$.
#
# Inputs of norm $\sqrt m$, as after a layer normalization, move the boundary by exactly $1/(2L)$, since by
# section 1 they are a factor $m^{1/(2L)}$ on every matrix. The same draws, trained:

# %%
SIZE = 32
for depth in (2, 3):
    shapes = [(SIZE, SIZE)] * (depth - 1) + [(1, SIZE)]
    draws = [normal(*shape) for shape in shapes]
    inputs = torch.linalg.qr(normal(SIZE, 3))[0].mT
    for value in (0.5, 0.9):
        at_value = [SIZE**-value * draw for draw in draws]
        shifted = [SIZE ** (1 / (2 * depth)) * weight for weight in at_value]
        large = displacement_from(SIZE**0.5 * inputs, targets[:3], at_value, rtol=1e-4)
        plain = displacement_from(inputs, targets[:3], shifted, rtol=1e-4)
        ratio = large.relative_displacement / plain.relative_displacement
        print(f"L = {depth}, γ = {value}: norm √m over unit norm at γ - 1/(2L): {ratio:.4f}")
        assert abs(ratio - 1) < 0.02  # the solver stops within a step of the loss

# %% [markdown]
# ## 7. One network: lazy or rich?
#
# The relative change of the tangent features that the linearization implies is a number at any width, not
# an exponent. Small: the linearization holds. For two linear matrices it is exactly $y/A$:

# %%
at = regime_at(0.4, width=300, depth=2, dimension=300, activation="linear")
exact_kernel = float(kernel.subs({m: 300, b1: 300**-0.4, b2: 300**-0.4}))
np.testing.assert_allclose([at.kernel, at.tangent_change], [exact_kernel, 1 / exact_kernel])
print(regime_at(0.7, width=512, depth=3, dimension=64))

# %% [markdown]
# At these sizes three matrices at $\gamma=0.7$ are past the point where laziness ends, $\gamma=0.55$, but
# have not yet forgotten their start. Which side a wider network ends on depends on what grows with it,
# which no single width shows.
#
# Trained against predicted displacement, nothing fitted. One sample, loss down to 2 %, so that
# $1-\sqrt{0.02}$ of the target is learned:

# %%
LEARNED = 1 - np.sqrt(0.02)


def one_sample(value, size, depth, inputs):
    sample, unit = normal(1, inputs), torch.ones(1, dtype=torch.float64)
    sample = sample / sample.norm()
    run = displacement_at(sample, unit, value, hidden=(size,) * (depth - 1), generator=generator)
    return run.relative_displacement, regime_at(
        value, width=size, depth=depth, dimension=inputs, target_norm=LEARNED
    )


for value, size, depth, inputs in (
    (0.1, 512, 2, 512),
    (1.5, 2048, 2, 4),
    (0.5, 512, 3, 4),
    (1.3, 128, 2, 128),
    (1.3, 64, 3, 64),
):
    moved, answer = one_sample(value, size, depth, inputs)
    print(f"γ = {value}, width {size:4}, L = {depth}, {inputs:3} inputs: {answer.regime:4} ", end="")
    print(f"displacement {moved:.3g}, predicted {answer.displacement:.3g}")
    # A squared ReLU gain varies by 5/m, and RD holds the root of L - 1 of them: three standard deviations.
    allowed = 3 * np.sqrt(5 * (depth - 1) / size) / 2 + min(answer.tangent_change, 2 * size ** (0.5 - value))
    assert abs(np.log(moved / answer.displacement)) < allowed

# %%
fine = np.linspace(0.05, 1.3, 126)
settings = {"inputs as wide": (1.0, 0.0), "inputs as wide, norm √m": (1.0, 0.5), "4 inputs": (0.0, 0.0)}


def crossing(size, words, depth=3):
    aspect, norm = settings[words]
    inputs = 4 if aspect == 0 else size
    return regime_at(0.5, width=size, depth=depth, dimension=inputs, input_norm=float(size) ** norm)


with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.9), layout="constrained")
    axes[0].plot(fine, phase_diagram(2 * fine, 0.0, all_weights=True), color="C0")
    axes[0].plot(fine, phase_diagram(fine, fine, all_weights=True), color="C3")
    axes[0].plot(gammas, both, "o", color="C0", label="both layers $m^{-γ}$: (2γ, 0)")
    axes[0].plot(gammas, fixed, "x", color="C3", label="fixed inputs: (γ, γ)")
    axes[0].axhline(0, color="0.8", linewidth=0.7, zorder=0)
    axes[0].set(xlabel="initialization rate γ", ylabel="exponent of RD in m", ylim=(-1.3, 1.2))
    axes[0].set_title("two layers, fixed data")
    axes[0].legend(loc="upper left")
    for color, depth in zip(("C0", "C1", "C2"), (2, 3, 4), strict=True):
        for line, inputs in (("-", 512), ("--", 4)):
            change = [
                regime_at(value, width=512, depth=depth, dimension=inputs).tangent_change
                for value in fine[::5]
            ]
            axes[1].plot(fine[::5], change, line, color=color, label=f"L = {depth}, {inputs} inputs")
    axes[1].axhspan(0.287, 25.5, color="0.92", linewidth=0)
    axes[1].set(xlabel="initialization rate γ", ylabel="change of tangent features", yscale="log")
    axes[1].set(ylim=(1e-4, 1e9))
    axes[1].set_title("width 512")
    axes[1].legend(fontsize=6, ncols=2, loc="upper left")
    sizes = np.unique(np.logspace(1, 9, 17).astype(int))
    for color, (words, (aspect, norm)) in zip(("C0", "C1", "C3"), settings.items(), strict=True):
        axes[2].semilogx(
            sizes, [crossing(int(size), words).crossing for size in sizes], "o-", color=color, label=words
        )
        axes[2].axhline(float(critical_gamma(3, aspect, norm)), color=color, linewidth=0.7, linestyle=":")
    axes[2].set(xlabel="width m", ylabel="γ where laziness ends", ylim=(0.35, 0.85))
    axes[2].set_title("three matrices: towards the boundary")
    axes[2].legend(fontsize=6, loc="lower right")
    plt.show()
assert gamma_law.regime(gamma=0.2)

# %% [markdown]
# Left: dots are trained ReLU networks, lines predicted. Middle: below the gray band lazy, above it rich;
# two matrices on four inputs stay lazy far beyond the paper's range. Right: dotted lines are the boundaries
# of section 6. With inputs as wide as the network they are reached soon; on few inputs the distance falls
# only as $1/\log m$, and a boundary in $m\to\infty$ is not yet an answer at the widths of practice.
#
# What is beyond: several samples enter the answer by the norm of their targets alone, attention and
# normalization inside the network not at all. A layer normalization hands on inputs of norm $\sqrt m$, so a
# block of two matrices behind one has its boundary at $\frac34$; that this is where trained transformers
# condense is a conjecture.
#
# ## References
#
# - T. Luo, Z.-Q. J. Xu, Z. Ma, Y. Zhang, *Phase diagram for two-layer ReLU neural networks at
#   infinite-width limit*, JMLR 2021, arXiv 2007.07497: the coordinates and the regimes.
# - Z. Chen, Y. Li, T. Luo, Z. Zhou, Z.-Q. J. Xu, *Phase diagram of initial condensation for two-layer
#   neural networks*, arXiv 2303.06561.
# - H. Zhou, Q. Zhou, Z. Jin, T. Luo, Y. Zhang, Z.-Q. J. Xu, *Empirical phase diagram for three-layer neural
#   networks with infinite width*, NeurIPS 2022, arXiv 2205.12101.
# - L. Chizat, E. Oyallon, F. Bach, *On lazy training in differentiable programming*, NeurIPS 2019, arXiv
#   1812.07956.
#
# The exponents, the boundaries at any depth and the finite-width answer are derived here.
