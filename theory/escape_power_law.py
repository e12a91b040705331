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
# # The escape of multiplicity p: a power of the initial scale
#
# Two layers, $f(x)=\sum_ka_k\,s(w_k\cdot x)$ with $s(z)=z^p+O(z^{p+2})$, $p\ge2$: `xtanh` for $p=2$,
# `x2tanh` for $p=3$. Gradient flow on $L=\frac1{2n}\sum_i(f(x_i)-y_i)^2$ from weights $\sigma\theta_1$.
#
# **Claim.** The loss has lost the share $\delta$ at
#
# $$T=T_1\,\sigma^{-(p-1)}-\text{tail},$$
#
# where $T_1$ is the blow-up time of the leading flow from $\theta_1$, the first neuron to blow up deciding,
# and the tail is a time that does not depend on $\sigma$ (up to a logarithm for `x2tanh`). At multiplicity
# one the same plateau lasts only $\log(1/\sigma)$.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from scipy.integrate import solve_ivp

from lowcomplex.plots import style
from lowcomplex.predictions import escape_power_law
from lowcomplex.theorems.escape_power_law.formula import escape_tail

library = escape_power_law.expressions
p = sp.Symbol("p", positive=True)


def in_library(expression, name, values=(2, 3, 4)):
    """Whether an expression is the library's of that name at several multiplicities."""
    by_name = {str(symbol): symbol for symbol in library[name].free_symbols}
    renamed = expression.subs({symbol: by_name[str(symbol)] for symbol in expression.free_symbols})
    difference = renamed - library[name]
    return all(sp.simplify(difference.subs(by_name["p"], value)) == 0 for value in values)


# %% [markdown]
# ## 1. The leading flow is homogeneous
#
# To leading order in the weights $-\nabla L$ is $\dot a_k=T(w_k)$, $\dot w_k=a_k\nabla T(w_k)$ with
# $T(w)=\frac1n\sum_iy_i(w\cdot x_i)^p$: neurons do not see each other. Two samples, two inputs, symbolic:

# %%
eps = sp.Symbol("epsilon", positive=True)
x = sp.Matrix(2, 2, sp.symbols("x_11 x_12 x_21 x_22", real=True))
y = sp.Matrix(sp.symbols("y_1 y_2", real=True))
a = sp.Matrix(sp.symbols("a_1 a_2", real=True))
w = sp.Matrix(2, 2, sp.symbols("w_11 w_12 w_21 w_22", real=True))
s5 = sp.Symbol("s_5", real=True)
for multiplicity in (2, 3):

    def s(z, power=multiplicity):
        return z**power + s5 * z ** (power + 2)

    output = [sum(a[k] * s((w[k, :] * x[i, :].T)[0]) for k in range(2)) for i in range(2)]
    loss = sum((output[i] - y[i]) ** 2 for i in range(2)) / 4
    T = sum(y[i] * ((w[0, :] * x[i, :].T)[0]) ** multiplicity for i in range(2)) / 2
    scaled = {symbol: eps * symbol for symbol in (*a, *w)}
    for parameter, leading in ((a[0], T), (w[0, 0], a[0] * sp.diff(T, w[0, 0]))):
        descent = sp.expand(-sp.diff(loss, parameter).subs(scaled, simultaneous=True))
        assert sp.expand(descent.coeff(eps, multiplicity) - leading) == 0
        assert all(descent.coeff(eps, order) == 0 for order in range(multiplicity))
        # Next are the activation's own term, of order ε^(p+2), and the output's feedback, ε^(2p+1).
        assert descent.coeff(eps, multiplicity + 1) == 0
        assert sp.expand(descent.coeff(eps, multiplicity + 2).subs(s5, 0)) == 0

# %% [markdown]
# So $\dot\theta=F(\theta)$ with $F(\sigma\theta)=\sigma^pF(\theta)$. If $\theta(t)$ is a solution, so is
# $\sigma\,\theta(\sigma^{p-1}t)$: from $\sigma$ times the start everything takes $\sigma^{-(p-1)}$ times as
# long, the blow-up too. A scalar example, and the law:

# %%
sigma, T1, t = sp.symbols("sigma T_1 t", positive=True)
for power in (2, 3, 4):
    solution = (1 - (power - 1) * t) ** sp.Rational(-1, power - 1)  # θ' = θ^p, θ(0) = 1
    assert sp.simplify(sp.diff(solution, t) - solution**power) == 0
    slower = sigma * solution.subs(t, sigma ** (power - 1) * t)
    assert sp.simplify(sp.diff(slower, t) - slower**power) == 0
assert in_library(T1 * sigma ** (1 - p), "T")

# %% [markdown]
# ## 2. The tail: one neuron near the end
#
# Close to its blow-up the first neuron points along a maximum of $|T|$ on the sphere, with value $\tau$, and
# $|w|^2=p\,a^2$ (the conserved difference is forgotten). With $g=|a||w|^p$ its part of the output is
# $g\,(\hat w\cdot x)^p$, the loss has fallen by $D=\tau g-\frac12Qg^2$, $Q=\frac1n\sum_i(\hat w\cdot
# x_i)^{2p}$, and $\tau$ is replaced by $\tau-Qg$ in its motion:

# %%
g, tau, Q, D = sp.symbols("g tau Q D", positive=True)
r, alpha = sp.symbols("r alpha", positive=True)  # |w| and |a|
pull = tau - Q * g
alpha_rate = pull * r**p
r_rate = alpha * p * pull * r ** (p - 1)
# The difference r² - p α² is conserved:
assert sp.simplify(2 * r * r_rate - 2 * p * alpha * alpha_rate) == 0
# and with α = r/√p:
g_rate = sp.simplify((alpha_rate * r**p + alpha * p * r ** (p - 1) * r_rate).subs(alpha, r / sp.sqrt(p)))
assert sp.simplify(g_rate - (1 + p) * pull * r ** (2 * p)) == 0
g_of_r = r ** (p + 1) / sp.sqrt(p)
speed = (1 + p) * p ** (p / (p + 1)) * g ** (2 * p / (p + 1))  # ġ without the pull
assert sp.simplify(sp.powsimp(speed.subs(g, g_of_r) / ((1 + p) * r ** (2 * p)), force=True) - 1) == 0

# %% [markdown]
# The tail has three parts: the time of the leading flow from $g$ to infinity, minus what the feedback cost
# on the way up to $g$, with $g$ itself slightly more than $D/\tau$. To first order in $QD/\tau^2$:

# %%
B, e = sp.symbols("B e", positive=True)  # speed = B g^e, 1 < e < 2
h = sp.Symbol("h", positive=True)
from_here = g ** (1 - e) / (B * tau * (e - 1))
assert sp.simplify(sp.diff(from_here, g) + 1 / (B * tau * g**e)) == 0
cost = Q / tau**2 * g ** (2 - e) / (B * (2 - e))
assert sp.simplify(sp.diff(cost, g) - Q * g / tau / (B * tau * g**e)) == 0
needed = D / tau * (1 + Q * D / (2 * tau**2))
assert sp.simplify(sp.expand(tau * needed - Q * needed**2 / 2 - D).coeff(Q, 1)) == 0

factor = 1 - (e - 1) * Q * D / (2 * tau**2) - (e - 1) / (2 - e) * Q * D / tau**2
whole = (from_here - cost).subs(g, needed) / from_here.subs(g, D / tau)
first_order = sp.diff(whole, Q).subs(Q, 0)
assert sp.simplify(first_order - sp.diff(factor, Q)) == 0
tail = from_here.subs(g, D / tau) * factor
tail = tail.subs({B: (1 + p) * p ** (p / (p + 1)), e: 2 * p / (p + 1)})
assert in_library(tail, "tail")
sp.Eq(sp.Symbol("tail"), library["tail"])

# %% [markdown]
# The activation's next term is of order $r^2$ relative to the leading flow, and $dt\sim dr/r^p$. It costs
# $\int r^{2-p}\,dr$ on the way from $\sigma$ up, a constant for $p=2$ and $\log(1/\sigma)$ for $p=3$:

# %%
assert sp.limit(sp.integrate(r ** (2 - 2), (r, sigma, 1)), sigma, 0) == 1
assert sp.integrate(1 / r, (r, sigma, 1)) == -sp.log(sigma)

# %% [markdown]
# ## 3. Small runs
#
# Twenty samples, four inputs, thirty neurons, gradient flow by an adaptive solver with hand-derived
# gradients, in the time $s$ with $ds=|\theta|^{p-1}dt$.

# %%
SAMPLES, INPUTS, NEURONS, SHARE = 20, 4, 30, 1e-3


def draw(multiplicity, seed=0):
    rng = np.random.default_rng([seed, multiplicity])
    data, targets = rng.standard_normal((SAMPLES, INPUTS)), rng.standard_normal(SAMPLES)
    return data, targets, rng.standard_normal((NEURONS, INPUTS)), rng.standard_normal(NEURONS)


def trained(data, targets, weights, amplitudes, order, *, tanh=True, record=False):
    """Time at which gradient flow of z^(order-1) tanh z, or of z^order, has lost the share; its path."""

    def descent(theta):
        a, w = theta[:NEURONS], theta[NEURONS:].reshape(NEURONS, INPUTS)
        z = w @ data.T
        outer = np.tanh(z) if tanh else z
        slope = z ** (order - 1) * ((1 - outer**2) if tanh else 1)
        if order > 1:
            slope = slope + (order - 1) * z ** (order - 2) * outer
        hidden = z ** (order - 1) * outer
        residual = targets - a @ hidden
        pull = residual / SAMPLES
        return np.append(hidden @ pull, a[:, None] * ((slope * pull) @ data)), (residual**2).mean() / 2

    def slope(_, state):
        speed = np.linalg.norm(state[:-1]) ** (order - 1)
        return np.append(descent(state[:-1])[0] / speed, 1 / speed)

    start = np.append(amplitudes, weights)
    goal = (0.9 if record else 1 - SHARE) * descent(start)[1]

    def escaped(_, state):
        return descent(state[:-1])[1] - goal

    escaped.terminal = True
    scale = np.linalg.norm(start)
    flow = solve_ivp(
        slope, (0, 1e4), np.append(start, 0), "DOP853", rtol=1e-10, atol=1e-13 * scale, events=escaped
    )
    if record:
        return flow.y[-1], np.array([descent(state)[1] for state in flow.y[:-1].T])
    return flow.y[-1, -1]


sigmas = np.array([1.0, 0.3, 0.1, 1e-2, 1e-3, 1e-4, 1e-5])
runs, laws, tails = {}, {}, {}
for multiplicity in (2, 3):
    data, targets, weights, amplitudes = problem = draw(multiplicity)
    laws[multiplicity] = escape_power_law(*problem, multiplicity)
    tails[multiplicity] = float(
        escape_tail(laws[multiplicity], data, multiplicity, (targets**2).mean() / 2, share=SHARE)
    )
    runs[multiplicity] = np.array(
        [trained(data, targets, sigma * weights, sigma * amplitudes, multiplicity) for sigma in sigmas]
    )
    slope = np.polyfit(np.log(sigmas[-3:]), np.log(runs[multiplicity][-3:]), 1)[0]
    share = runs[multiplicity][-1] * sigmas[-1] ** (multiplicity - 1) / laws[multiplicity].blow_up
    print(f"p = {multiplicity}: T_1 = {laws[multiplicity].blow_up:.6f}, slope {slope:.6f}, ", end="")
    print(f"T σ^(p-1)/T_1 at σ = 1e-5: {share:.9f}")
    relative = tails[multiplicity] / laws[multiplicity].blow_up * sigmas ** (multiplicity - 1)
    assert abs(slope + multiplicity - 1) < relative[-3]
    assert abs(share - 1) < 2 * relative[-1] * (np.log(1e5) if multiplicity == 3 else 1) + 1e-8
control = np.array([trained(*draw(2)[:2], s * draw(2)[2], s * draw(2)[3], 1) for s in sigmas])
print("multiplicity 1: T(σ) - T(10 σ) = " + "  ".join(f"{step:.3f}" for step in np.diff(control)[-3:]))
# A power of σ would multiply T by ten or a hundred; a logarithm adds the same each time.
# At σ = 1e-3 the plateau begins at a share m σ²/δ, 3 %, of its end.
assert abs(np.diff(control)[-2] / np.diff(control)[-1] - 1) < NEURONS * 1e-6 / SHARE

# %% [markdown]
# The tail is the distance of $T$ from $T_1\sigma^{-(p-1)}$. For $s(z)=z^p$ it tends to the closed form of
# section 2.

# %%
left, pure = {}, {}
tail_sigmas = np.array([1e-2, 3e-3, 1e-3, 3e-4, 1e-4])
for multiplicity in (2, 3):
    data, targets, weights, amplitudes = draw(multiplicity)
    for name, tanh in (("pure", False), ("tanh", True)):
        times = [
            trained(data, targets, s * weights, s * amplitudes, multiplicity, tanh=tanh) for s in tail_sigmas
        ]
        expected = laws[multiplicity].blow_up * tail_sigmas ** (1 - multiplicity)
        left[multiplicity, name] = (expected - np.array(times)) / tails[multiplicity]
    print(f"p = {multiplicity}, tail over its prediction, z^p:  ", np.round(left[multiplicity, "pure"], 4))
    print(f"p = {multiplicity}, the same for z^(p-1) tanh z:    ", np.round(left[multiplicity, "tanh"], 4))
    assert abs(left[multiplicity, "pure"][-1] - 1) < 3e-3
# For x² tanh x each tenfold adds the same: a logarithm.
steps = np.diff(left[3, "tanh"][[0, 2, 4]])
print("x2tanh, change of that ratio from σ = 1e-2 to 1e-3 and on to 1e-4:", np.round(steps, 3))
assert abs(steps[1] / steps[0] - 1) < 0.1

# %%
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), layout="constrained")
    for multiplicity, color in ((2, "C0"), (3, "C1")):
        scales = np.geomspace(1e-5, 1, 50)
        law = laws[multiplicity].blow_up * scales ** (1 - multiplicity)
        axes[0].loglog(scales, law, color="0.6")
        axes[0].loglog(sigmas, runs[multiplicity], "o", color=color, label=f"p = {multiplicity}")
        axes[1].semilogx(
            tail_sigmas, left[multiplicity, "pure"], "o-", color=color, label=f"$z^{multiplicity}$"
        )
        name = "z tanh z" if multiplicity == 2 else "z² tanh z"
        axes[1].semilogx(tail_sigmas, left[multiplicity, "tanh"], "s:", color=color, label=name, mfc="white")
        data, targets, weights, amplitudes = draw(multiplicity)
        times, losses = trained(data, targets, 1e-3 * weights, 1e-3 * amplitudes, multiplicity, record=True)
        late = times / laws[multiplicity].blow_up / 1e3 ** (multiplicity - 1)
        axes[2].plot(late, losses / losses[0], color=color, label=f"p = {multiplicity}, σ = 1e-3")
    axes[0].loglog(sigmas, control, "x", color="C3", label="p = 1 (control)")
    axes[0].set(xlabel="scale of the start σ", ylabel="escape time T")
    axes[0].set_title("lines: $T_1σ^{-(p-1)}$")
    axes[0].legend()
    axes[1].axhline(1, color="0.6", linewidth=0.8)
    axes[1].set(xlabel="scale of the start σ", ylabel="tail over its prediction")
    axes[1].legend()
    axes[2].axvline(1, color="0.6", linewidth=0.8)
    axes[2].set(xlabel="time over $T_1σ^{-(p-1)}$", ylabel="loss over initial loss", ylim=(0.89, 1.01))
    axes[2].legend(loc="lower left")
    plt.show()

# %% [markdown]
# ## References
#
# - H. Zhou, Q. Zhou, T. Luo, Y. Zhang, Z.-Q. J. Xu, *Towards understanding the condensation of neural
#   networks at initial training*, NeurIPS 2022, arXiv 2105.11686: multiplicity. The escape law, its constant
#   and its tail are derived here.
