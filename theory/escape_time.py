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
# # The escape time: how long a network stays on its first plateau
#
# Two layers of multiplicity one, $f(x)=\sum_k a_k\,s(w_k\cdot x)$, loss $L=\frac1{2n}\sum_i(f(x_i)-y_i)^2$,
# gradient descent with step $\eta$, initial weights of scale $\sigma\ll1$. The loss hardly moves, then it
# falls. When?
#
# **Claim.** The loss has lost the share $\delta$ of its initial value $L_0$ at
#
# $$T_\delta=\frac1{2r}\,\log\frac{4\,\delta L_0}{\lambda\sum_k(a_k+u_k)^2},\qquad
# r=\tfrac1\eta\log(1+\eta\lambda),$$
#
# with $v=\frac1n\sum_iy_ix_i$, $\lambda=|v|$, $u_k=w_k\cdot v/\lambda$ at the start, plus a delay of order
# $\delta$ that does not depend on $\sigma$ and is computed below. So $T$ grows by $1/r$ for each factor $e$
# by which the start is smaller, and if $w\sim d^{-\gamma}$, $a\sim m^{-\gamma}$ with $d<m$, then
# $dT/d\gamma\to\log(d)/r$.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp

from lowcomplex.plots import style
from lowcomplex.predictions import escape_time, linear_stage
from lowcomplex.theorems.escape_time.formula import escape_delay, escape_gamma_slope
from lowcomplex.theorems.linear_stage.formula import driving_vector

library = escape_time.expressions


def in_library(expression, name):
    """Whether an expression is the library's of that name, symbols taken by name."""
    by_name = {str(symbol): symbol for symbol in library[name].free_symbols}
    renamed = expression.subs({symbol: by_name[str(symbol)] for symbol in expression.free_symbols})
    return sp.simplify(sp.expand_log(renamed - library[name], force=True)) == 0


# %% [markdown]
# ## 1. The loss on the plateau
#
# Expand the loss in the output. Half the mean square of the targets stays, the term of first order is
# $-\frac1n\sum_iy_if(x_i)=-\sum_ka_kw_k\cdot v=-\lambda\sum_ka_ku_k$, and the rest is of second order.

# %%
lam, eta, N, delta, L0, S_P = sp.symbols("lambda eta N delta L_0 S_P", positive=True)
P0, Q0 = sp.symbols("P_0 Q_0", real=True)
stage = linear_stage.expressions
by_name = {str(symbol): symbol for symbol in stage["a_N"].free_symbols}
to_modes = {
    by_name["a_0"]: (P0 + Q0) / 2,
    by_name["u_0"]: (P0 - Q0) / 2,
    by_name["eta"]: eta,
    by_name["lambda"]: lam,
    by_name["N"]: N,
}
late_a, late_u = (stage[name].subs(to_modes) for name in ("a_N", "u_N"))
product = sp.expand(late_a * late_u)
modes = (P0**2 * (1 + eta * lam) ** (2 * N) - Q0**2 * (1 - eta * lam) ** (2 * N)) / 4
assert sp.simplify(product - modes) == 0
sp.Eq(sp.Symbol("a_N u_N"), modes)

# %% [markdown]
# Late on the plateau $Q$ has died out, and with $S_P=\sum_kP_{0,k}^2=\sum_k(a_k+u_k)^2$ the loss has fallen
# by $\frac\lambda4S_P(1+\eta\lambda)^{2N}$. Setting that to $\delta L_0$ gives the time $T=\eta N$:

# %%
T, r = sp.symbols("T r", positive=True)
growth = sp.log(1 + eta * lam) / eta
fallen = lam * S_P * sp.exp(2 * r * T) / 4
discrete = lam * S_P * (1 + eta * lam) ** (2 * N) / 4
assert sp.simplify(fallen.subs({r: growth, T: eta * N}) - discrete) == 0
(time,) = sp.solve(sp.Eq(fallen, delta * L0), T)
assert in_library(time, "T")
assert in_library(growth, "r")
assert sp.limit(growth, eta, 0) == lam  # gradient flow
sp.Eq(T, library["T"])

# %% [markdown]
# ## 2. The initialization rate
#
# $S_P$ scales as the square of all initial weights, so $dT/d\log(1/\sigma)=1/r$. With two scales, $w\sim
# d^{-\gamma}$ and $a\sim m^{-\gamma}$, the larger one decides, which is $d^{-\gamma}$ if $d<m$:

# %%
sigma, gamma, d, ratio, A, B, U = sp.symbols("sigma gamma d rho A B U", positive=True)
in_sigma = time.subs(S_P, sigma**2 * U)
assert sp.simplify(-sigma * sp.diff(in_sigma, sigma) - 1 / r) == 0

# Σu² = U d^{-2γ}, 2Σau = B (dm)^{-γ}, Σa² = A m^{-2γ}, and m = ρ d with ρ > 1; small = ρ^{-γ}.
small = sp.Symbol("small", positive=True)
two_scales = U * d ** (-2 * gamma) + B * (ratio * d**2) ** (-gamma) + A * (ratio * d) ** (-2 * gamma)
common = d ** (-2 * gamma) * (U + B * small + A * small**2)
assert sp.simplify(sp.expand_power_base(two_scales - common.subs(small, ratio**-gamma), force=True)) == 0
# d/dγ acts on the common factor and, by d small/dγ = -log(ρ) small, on the bracket.
bracket = U + B * small + A * small**2
log_slope = -2 * sp.log(d) - sp.log(ratio) * small * sp.diff(sp.log(bracket), small)
numeric = {U: 1.3, B: 0.4, A: 2.0, ratio: 5.0, d: 7.0, gamma: 0.8}
direct = sp.diff(sp.log(two_scales), gamma).subs(numeric)
assert abs(direct - log_slope.subs(small, ratio**-gamma).subs(numeric)) < 1e-12
assert sp.limit(-log_slope / (2 * r), small, 0) == sp.log(d) / r
assert in_library(sp.log(d) / r, "dT/dgamma")

# %% [markdown]
# ## 3. The delay
#
# The output of the network, $f(x)=S\,\hat v\cdot x$ with $S=\frac14\sum_kP_k^2$, acts back: the loss has the
# second-order term $\frac12cS^2$, $c=\frac1n\sum_i(\hat v\cdot x_i)^2$, and $\lambda$ is replaced by
# $\lambda-cS$, so that $P_{N+1}=(q-\eta cS_N)P_N$, $q=1+\eta\lambda$. To first order $P=P_0q^N(1-\epsilon_N)$
# with $\epsilon_{N+1}-\epsilon_N=\eta cS_N/q$:

# %%
c, S0, q = sp.symbols("c S_0 q", positive=True)
S_N = S0 * q ** (2 * N)
epsilon = eta * c * S0 / q * (q ** (2 * N) - 1) / (q**2 - 1)
assert sp.simplify(epsilon.subs(N, N + 1) - epsilon - eta * c * S_N / q) == 0
assert epsilon.subs(N, 0) == 0

# Late, ε_N = η c S / (q (q² - 1)) in terms of the present S of the linear stage.
S = sp.Symbol("S", positive=True)
late = eta * c / (q * (q**2 - 1)) * S
assert sp.limit((epsilon / late.subs(S, S_N)).subs({q: 2, eta: 1, c: 1, S0: 1}), N, sp.oo) == 1

# %% [markdown]
# The loss falls by $\lambda S(1-2\epsilon)-\frac12cS^2$. If that is to be $\delta L_0$, then $S$ must be
# larger than $\delta L_0/\lambda$ by a factor $1+\kappa\delta$, and with $S\propto e^{2rT}$ the delay is
# $rT-rT_\delta=\frac12\kappa\delta$. The part of $w$ across $v$ does not enter: $w^\perp\cdot v=0$.

# %%
kappa = sp.Symbol("kappa")
needed = delta * L0 / lam * (1 + kappa * delta)
balance = (lam * S * (1 - 2 * late) - c * S**2 / 2 - delta * L0).subs(S, needed)
second_order = sp.expand(balance).coeff(delta, 2)
(bend,) = sp.solve(second_order, kappa)
delay = (bend * delta / 2).subs(q, 1 + eta * lam)
assert in_library(sp.simplify(delay), "delay")
flow_delay = sp.limit(sp.simplify(delay), eta, 0)
assert in_library(flow_delay, "delay of the flow")
sp.Eq(sp.Symbol("r(T-T_delta)"), flow_delay)

# %% [markdown]
# One more term of the same order is smaller by about $1/m$: each neuron feels its own cubic term,
# $\tanh z=z-z^3/3$. With $h=\frac1n\sum_iy_i(\hat v\cdot x_i)^3$ it obeys $\dot a=\lambda u-\frac h3u^3$,
# $\dot u=\lambda a-h\,au^2$, hence:

# %%
p, h = sp.symbols("p h", real=True)  # p = a + u, with a = u = p/2
p_rate = sp.expand(lam * p - h * (p / 2) ** 3 / 3 - h * (p / 2) ** 3)
assert sp.simplify(p_rate - (lam * p - h * p**3 / 6)) == 0
# Against the growth p ~ e^{λt}: δp/p = -∫ h p²/6 dt = -h p²/(12 λ).
lost = -h * p**2 / (12 * lam)
cubic_in_loss = lam * p**2 / 4 * 2 * lost - h * p**4 / 48
assert sp.simplify(cubic_in_loss + h * p**4 / 16) == 0
# Summed over neurons, beside the network's own -(3/2) c S², S = Σp²/4:
fourth, square = sp.symbols("fourth square", positive=True)  # Σp⁴, Σp²
cubic_share = (h * fourth / 16) / (sp.Rational(3, 2) * c * (square / 4) ** 2)
assert sp.simplify(cubic_share - 2 * h * fourth / (3 * c * square**2)) == 0

# %% [markdown]
# For Gaussian starts $\sum p^4/(\sum p^2)^2\approx3/m$.
#
# ## 4. Small runs
#
# Sixty samples, ten inputs, 100 neurons, full-batch gradient descent with $\eta=0.1$. Nothing is fitted.

# %%
SAMPLES, INPUTS, NEURONS, STEP = 60, 10, 100, 0.1
rng = np.random.default_rng(0)
data = rng.standard_normal((SAMPLES, INPUTS))
targets = np.tanh(data @ rng.standard_normal(INPUTS)) + 0.3 * rng.standard_normal(SAMPLES)
drive = driving_vector(data, targets)
rate = np.linalg.norm(drive)
per_time = np.log1p(STEP * rate) / STEP
draw_w, draw_a = rng.standard_normal((NEURONS, INPUTS)), rng.standard_normal(NEURONS)


def train(w, a, steps, *, adam=False):
    """The loss after each step, and its initial value's fallen share; Adam moves by 1e-3 per step."""
    w, a = w.copy(), a.copy()
    moments = [[np.zeros_like(w), np.zeros_like(w)], [np.zeros_like(a), np.zeros_like(a)]]
    losses = []
    for count in range(1, steps + 1):
        hidden = np.tanh(data @ w.T)
        residual = hidden @ a - targets
        losses.append((residual**2).mean() / 2)
        back = (residual[:, None] * (1 - hidden**2)).T @ data
        gradients = (back * a[:, None] / SAMPLES, residual @ hidden / SAMPLES)
        for weight, gradient, moment in zip((w, a), gradients, moments, strict=True):
            if adam:
                moment[0] += 0.1 * (gradient - moment[0])
                moment[1] += 0.001 * (gradient**2 - moment[1])
                size = np.sqrt(moment[1] / (1 - 0.999**count)) + 1e-30
                weight -= 1e-3 * moment[0] / (1 - 0.9**count) / size
            else:
                weight -= STEP * gradient
    return np.array(losses)


def crossing(losses, share):
    """Time in units of the step, interpolated in the logarithm of the fall."""
    fall = 1 - losses / losses[0]
    after = int(np.argmax(fall >= share))
    if fall[after] < share or after == 0:
        return np.nan
    low, high = np.log(np.maximum(fall[after - 1 : after + 1], 1e-300))
    return after - 1 + (np.log(share) - low) / (high - low)


shares = np.array([1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1])
sigmas = 10.0 ** -np.arange(0, 8)
runs = [train(sigma * draw_w, sigma * draw_a, 330) for sigma in sigmas]
adam_runs = [train(sigma * draw_w, sigma * draw_a, 60, adam=True) for sigma in sigmas[3:]]
small = sigmas[-1]
predicted = escape_time(small * draw_w, small * draw_a, drive, runs[-1][0], share=shares, step=STEP)
delays = per_time * (np.array([STEP * crossing(runs[-1], share) for share in shares]) - predicted)
forecast = escape_delay(data, drive, runs[-1][0], share=shares, step=STEP)
along = data @ drive / rate
start = draw_a + draw_w @ drive / rate
correction = float(
    cubic_share.subs(
        {
            h: np.mean(targets * along**3),
            c: np.mean(along**2),
            fourth: (start**4).sum(),
            square: (start**2).sum(),
        }
    )
)
print("share δ     " + "  ".join(f"{share:8.0e}" for share in shares))
print("delay       " + "  ".join(f"{value:8.2e}" for value in delays))
print("predicted   " + "  ".join(f"{value:8.2e}" for value in forecast))
print(
    f"cubic term: {correction:.4f} of the delay; measured excess at δ = 1e-3: "
    f"{delays[2] / forecast[2] - 1:.4f}"
)
# With the cubic term, what is left is of the next order in δ and of the discrete step's (ηλ)² order.
assert abs(delays[2] / forecast[2] - 1 - correction) < 0.1 * correction + 5 * forecast[2]
assert abs(np.polyfit(np.log(shares[:5]), np.log(delays[:5]), 1)[0] - 1) < 0.01

# %% [markdown] The delay agrees with section 3, including its cubic term, and is proportional to $\delta$.
# Hence a $\delta$ of at most 1 % is part of the claim.
#
# Next $\sigma$ and $\gamma$, and the controls. A large start has no plateau; nor has $\gamma\le2$ here,
# since $m\,d^{-2\gamma}$ is then not far below $\delta L_0$. Adam moves every weight by its learning rate
# per step, however small the gradient, and escapes at a time that does not depend on $\sigma$.

# %%
share = 1e-3
in_sigma = np.array([per_time * STEP * crossing(run, share) for run in runs])
in_sigma_predicted = [
    per_time * float(escape_time(s * draw_w, s * draw_a, drive, run[0], share=share, step=STEP))
    for s, run in zip(sigmas, runs, strict=True)
]
with_adam = np.array([crossing(run, share) for run in adam_runs])
slope_in_sigma = np.polyfit(-np.log(sigmas[-3:]), in_sigma[-3:], 1)[0]
print(
    f"r dT/dlog(1/σ) for the last three σ: {slope_in_sigma:.7f}; "
    f"with Adam {np.ptp(with_adam[-3:]):.1e} steps apart"
)
# Interpolation within a step errs by (ηλ)²/50 at most, over log 100.
assert abs(slope_in_sigma - 1) < (STEP * rate) ** 2 / 50 / np.log(100) + 1e-4
# With Adam the start counts for σ / 1e-3 of a step.
assert np.ptp(with_adam[-3:]) < 3 * sigmas[-3] / 1e-3

gammas = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0])
gamma_share = 1e-2
scaled = [(INPUTS**-g * draw_w, NEURONS**-g * draw_a) for g in gammas]
gamma_runs = [train(w, a, 250) for w, a in scaled]
in_gamma = np.array([STEP * crossing(run, gamma_share) for run in gamma_runs])
in_gamma_predicted = [
    float(escape_time(w, a, drive, run[0], share=gamma_share, step=STEP))
    for (w, a), run in zip(scaled, gamma_runs, strict=True)
]
line = escape_gamma_slope(drive, INPUTS, step=STEP)
slope_in_gamma = np.diff(in_gamma) / np.diff(gammas) / line
print("dT/dγ over log(d)/r: " + "  ".join(f"{value:.4f}" for value in slope_in_gamma))
# Output weights are smaller by (d/m)^γ = 1e-3 at γ = 3.
assert np.abs(slope_in_gamma[-2:] - 1).max() < 5e-3
assert abs(slope_in_gamma[1] - 1) > 0.2

# %%
with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.7), layout="constrained")
    axes[0].semilogx(sigmas, in_sigma_predicted, color="0.6", label="predicted")
    axes[0].semilogx(sigmas, in_sigma, "o", color="C0", label="gradient descent")
    adam_units = per_time * STEP * with_adam
    axes[0].semilogx(sigmas[3:], adam_units, "x", color="C3", label="Adam (control), steps × ηr")
    axes[0].set(xlabel="scale of the start σ", ylabel="escape time rT", ylim=(-1, None))
    axes[0].legend()
    axes[0].set_title("1/r for each factor e")
    axes[1].plot(gammas, in_gamma_predicted, color="0.6")
    plateau = gammas > 2
    axes[1].plot(gammas[plateau], in_gamma[plateau], "o", color="C0")
    axes[1].plot(gammas[~plateau], in_gamma[~plateau], "x", color="C3", label="no plateau (control)")
    reference = gammas[-1] - np.array([1.2, 0.2])
    axes[1].plot(reference, in_gamma[-1] + line * (reference - gammas[-1]) - 2, "k--", linewidth=0.8)
    axes[1].text(reference.mean(), in_gamma[-1] - line * 0.7 - 2.5, "slope log(d)/r", va="top", fontsize=7)
    axes[1].set(xlabel="initialization rate γ", ylabel="escape time T", ylim=(-1, None))
    axes[1].legend()
    axes[1].set_title("linear in γ once there is a plateau")
    axes[2].loglog(shares, forecast, color="0.6", label="predicted")
    axes[2].loglog(shares, delays, "o", color="C0", label="σ = 1e-7")
    axes[2].set(xlabel="share δ of the loss", ylabel="delay r(T − T_δ)")
    axes[2].legend()
    axes[2].set_title("the output's feedback")
    plt.show()

# %% [markdown]
# ## References
#
# - H. Zhou, Q. Zhou, T. Luo, Y. Zhang, Z.-Q. J. Xu, *Towards understanding the condensation of neural
#   networks at initial training*, NeurIPS 2022, arXiv 2105.11686: the linear stage. The escape time, its
#   delay and its form in $\gamma$ are derived here.
