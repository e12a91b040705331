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
# # The end of a ReLU network on orthonormal inputs
#
# Two layers, $f(x)=\sum_k a_k\,\mathrm{relu}(w_k\cdot x)$, orthonormal inputs $x_1,\dots,x_n$, loss
# $L=\frac1{2n}\sum_i(f(x_i)-y_i)^2$, gradient flow to zero loss from a balanced start, $|a_k|=|w_k|$ of
# scale $\sigma$. Each sign group of the targets has a neuron that is active on all of its samples, with
# $a$ of the group's sign: a *full* neuron.
#
# **Claim.** As $\sigma\to0$ the network ends with two directions, $y_+=(y_i:y_i>0)$ and $y_-$. The
# singular values of $W$ tend to $\sqrt{\|y_+\|},\sqrt{\|y_-\|},0,\dots$, and $\sum_k|a_k||w_k|$ to
# $\|y_+\|+\|y_-\|$, the least that any interpolator has. How fast? With $\rho$ the largest ratio
# $\|y\text{ without its smallest sample}\|/\|y\|$ of the two groups, the norm's excess vanishes as
# $\sigma^{2(1-\rho)}$ and the third singular value as $\sigma^{1-\rho}$. These exponents are often small,
# so the limit is reached slowly, and the effective rank shows it.

# %%
import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch

from lowcomplex.measures import effective_rank
from lowcomplex.plots import style
from lowcomplex.predictions import orthonormal_relu
from lowcomplex.theorems.orthonormal_relu.formula import norm_excess, partial_rates

torch.set_num_threads(1)
library = orthonormal_relu.expressions


def symbol(name):
    return sp.Symbol(name, positive=True)


# %% [markdown]
# ## 1. Coordinates of a neuron
#
# In the coordinates $z_i=w\cdot x_i$ one neuron's equations are $\dot z_i=\frac{a}{n}r_i\,1[z_i>0]$ and
# $\dot a=\frac1n\sum_i r_i\,\mathrm{relu}(z_i)$, $r=y-f$. Inactive coordinates are frozen: a coordinate
# that is off stays off. For $a>0$ the active ones with $r_i<0$ fall until they are off, those with $r_i>0$
# grow. So a neuron ends up active on a part $A$ of the group of its sign. SymPy, with orthonormal inputs
# that are not the unit vectors:

# %%
n = 2
alpha = sp.Symbol("alpha", real=True)
inputs = [sp.Matrix([sp.cos(alpha), sp.sin(alpha)]), sp.Matrix([-sp.sin(alpha), sp.cos(alpha)])]
a, other = sp.symbols("a f_0", real=True)
w = sp.Matrix(sp.symbols("w_1 w_2", real=True))
y = sp.Matrix(sp.symbols("y_1 y_2", real=True))
h = sp.symbols("h_1 h_2", real=True)  # 1 where the neuron is active
output = [other + a * h[i] * (w.T * inputs[i])[0] for i in range(n)]
loss = sum((output[i] - y[i]) ** 2 for i in range(n)) / (2 * n)
velocity = -sp.Matrix([sp.diff(loss, entry) for entry in w])
for i in range(n):
    along = (velocity.T * inputs[i])[0]
    assert sp.simplify(along - a * (y[i] - output[i]) * h[i] / n) == 0
rate_of_a = sum((y[i] - output[i]) * h[i] * (w.T * inputs[i])[0] for i in range(n)) / n
assert sp.simplify(-sp.diff(loss, a) - rate_of_a) == 0

# %% [markdown]
# ## 2. Growth: the parts of a group
#
# Before the output counts, $r=y$, and $(a,z_A)$ obeys a linear equation whose only growing mode is
# $(1,\hat y_A)$, with the rate $\|y_A\|/n$. A full neuron has the largest rate of its group; one that
# misses samples has the share $\rho_A=\|y_A\|/\|y\|$ of it.

# %%
part = sp.Matrix(sp.symbols("y_1 y_2 y_3", positive=True))
growth = sp.zeros(4, 4)
growth[0, 1:], growth[1:, 0] = part.T, part
size = sp.sqrt(sum(entry**2 for entry in part))
mode = sp.Matrix([size, *part])
assert sp.simplify(growth * mode - size * mode) == sp.zeros(4, 1)
spectrum = sp.Symbol("s")
assert sp.expand(growth.charpoly(spectrum).as_expr() - spectrum**2 * (spectrum**2 - size**2)) == 0

# %% [markdown]
# The projection of the start on the mode, $p=\left(\frac{a_0+z_0\cdot\hat y_A}{2}\right)^2$, is what
# $|w|^2$ starts from once the mode has won. Of all parts, the one that misses the smallest sample is the
# fastest; the library's list of rates is that of a search over all parts:

# %%
rng = np.random.default_rng(0)
for _ in range(20):
    numbers = rng.uniform(0.2, 2, 5)
    masks = (np.arange(1, 31)[:, None] >> np.arange(5)) % 2
    ratios = np.sqrt(masks @ numbers**2 / (numbers @ numbers))
    np.testing.assert_allclose(partial_rates(numbers, 1), np.sort(ratios)[:-3:-1])
    assert np.sort(np.where(masks[ratios.argmax()] == 0)[0]) == [numbers.argmin()]

# %% [markdown]
# ## 3. Saturation
#
# Full neurons output $u\,\hat y$ on their group, $u=\sum|a||w|=\sum|w|^2$ (balance), and the residual
# $r=(Y-u)\hat y$ keeps its direction, $Y=\|y\|$. A part $A$ with $E=\sum_{k\in A}|w_k|^2\ll u$ feels the
# projection of the same residual:
#
# $$\dot u=\tfrac2n\,u\,(Y-u),\qquad \dot E=\tfrac2n\,\rho\,E\,(Y-u).$$
#
# Time drops out: $d\log E=\rho\,d\log u$. The part ends where $u$ has arrived at $Y$.

# %%
t, Y, rho, full, piece, sigma, count = (symbol(s) for s in ("t", "Y", "rho", "e_full", "e_A", "sigma", "n"))
u0 = full * sigma**2
u = Y * u0 * sp.exp(2 * Y * t / count) / (Y + u0 * (sp.exp(2 * Y * t / count) - 1))
assert sp.simplify(sp.diff(u, t) - 2 * u * (Y - u) / count) == 0
assert sp.simplify(u.subs(t, 0) - u0) == 0
E = piece * sigma**2 * (u / u0) ** rho
assert sp.simplify(sp.diff(E, t) / E - 2 * rho * (Y - u) / count) == 0
assert sp.limit(u, t, sp.oo) == Y
reached = piece * sigma**2 * (Y / u0) ** rho
assert sp.simplify(sp.log(reached / library["E_A"]).expand(force=True)) == 0
exponent = sp.simplify(sigma * sp.diff(reached, sigma) / reached)
assert sp.simplify(exponent - library["norm exponent"]) == 0
sp.Eq(sp.Symbol("E_A"), sp.simplify(reached))

# %% [markdown]
# ## 4. What the remainder does to the solution
#
# At zero loss the full neurons output the rest, $y-E\hat y_A$, all in one direction. The norm is $\|y-E\hat
# y_A\|+E=Y+(1-\rho)E+\dots$ The Gram matrix $W^TW$ is the sum of two rank-one matrices, and the group's
# second singular value is $\sqrt{(1-\rho^2)E}$. In the plane of $\hat y$ and $\hat y_A$, where the cosine
# between them is $\rho$:

# %%
e = symbol("E")
y_hat, part_hat = sp.Matrix([1, 0]), sp.Matrix([rho, sp.sqrt(1 - rho**2)])
rest = Y * y_hat - e * part_hat
rest_norm = sp.sqrt(sp.expand((rest.T * rest)[0]))
excess = sp.series(rest_norm + e - Y, e, 0, 2).removeO()
assert sp.simplify(excess / e - library["norm excess per E_A"]) == 0
gram = rest * rest.T / rest_norm + e * part_hat * part_hat.T
smaller_squared = gram.det() / gram.trace()  # the product of both eigenvalues over the larger one
leading = sp.limit(smaller_squared / e, e, 0)
assert sp.simplify(leading - library["third singular value per sqrt(E_A)"] ** 2) == 0
assert sp.limit(gram.trace(), e, 0) == Y  # the first singular value is √Y
sp.Eq(sp.Symbol("s_3"), sp.sqrt(leading * e))

# %% [markdown]
# That the limit has the least norm: for any interpolator, group by group,
# $\sum_k|a_k||w_k|\ge\|\sum_k a_k\,\mathrm{relu}(z_k)\|$ over the neurons with $a$ of the group's sign, and
# those must output at least $y_\pm$ on their group.
#
# ## 5. A run
#
# Four samples, six inputs, 60 neurons; the flow by Runge-Kutta steps until the residual is rounding. Two
# starts: one of random signs, and a *quiet* one, where no sample of the wrong sign is active, for which the
# remainders' sizes are known too (`norm_excess`: the sum of all $(1-\rho_A)E_A$). Both have full neurons.

# %%
TARGETS = np.array([1.0, 1.2, -1.0, -0.8])
SAMPLES, INPUTS, NEURONS = 4, 6, 60
law = orthonormal_relu(TARGETS)
rng = np.random.default_rng(0)
while True:
    draw_z = rng.standard_normal((NEURONS, INPUTS))
    draw_a = rng.choice([-1, 1], NEURONS) * np.linalg.norm(draw_z, axis=1)
    own = draw_a[:, None] * TARGETS > 0
    is_full = ((draw_z[:, :SAMPLES] > 0) | ~own).all(1)
    if is_full[draw_a > 0].any() and is_full[draw_a < 0].any():
        break
quiet_z = draw_z.copy()
quiet_z[:, :SAMPLES] = np.where(own, draw_z[:, :SAMPLES], -np.abs(draw_z[:, :SAMPLES]))


def velocity_of(z, a):
    hidden = np.maximum(z[..., :SAMPLES], 0)
    residual = TARGETS - (a[:, None] @ hidden)[:, 0]
    drive = np.zeros_like(z)
    drive[..., :SAMPLES] = a[..., None] * (hidden > 0) * residual[:, None] / SAMPLES
    return drive, (hidden @ residual[..., None])[..., 0] / SAMPLES, np.abs(residual).max()


def train(start, sigmas, every=None, least=3e-14):
    """Final weights of one network for each σ, and singular values of the first on the way."""
    scale = np.asarray(sigmas)[:, None]
    z, a = scale[..., None] * start, scale * draw_a
    step = SAMPLES / (10 * np.sqrt(2.44) + np.square(a).sum(1).max())
    path, index, left = [], 0, np.inf
    while left > least:
        if every and index % every == 0:
            path.append((index * step, *np.linalg.svd(z[0], compute_uv=False)[:5]))
        z1, a1, left = velocity_of(z, a)
        z2, a2, _ = velocity_of(z + step / 2 * z1, a + step / 2 * a1)
        z3, a3, _ = velocity_of(z + step / 2 * z2, a + step / 2 * a2)
        z4, a4, _ = velocity_of(z + step * z3, a + step * a3)
        z = z + step / 6 * (z1 + 2 * (z2 + z3) + z4)
        a = a + step / 6 * (a1 + 2 * (a2 + a3) + a4)
        index += 1
    return z, a, np.array(path)


def summary(z, a):
    norm = (np.abs(a) * np.linalg.norm(z, axis=-1)).sum(-1)
    return norm - law.norm, np.linalg.svd(z, compute_uv=False)


sigmas = 10.0 ** -np.arange(4, 21, 2)
excess_random, values_random = summary(*train(draw_z, sigmas)[:2])
excess_quiet, values_quiet = summary(*train(quiet_z, sigmas)[:2])
predicted = norm_excess(TARGETS, sigmas[:, None, None] * quiet_z[:, :SAMPLES], sigmas[:, None] * draw_a)
for sigma_value, one, two, three in zip(sigmas, excess_random, excess_quiet, predicted, strict=True):
    print(f"σ = {sigma_value:.0e}   excess {one:.3e} (random)   {two:.3e} (quiet)   predicted {three:.3e}")
ratio = excess_quiet / predicted
print("quiet start, measured over predicted - 1:", np.array2string(ratio - 1, precision=1))
# The next order is relative to the remainders themselves.
assert np.abs(ratio - 1)[-1] < 1e-3
assert np.all(np.abs(ratio - 1) < 3 * predicted + 1e-4)

# %% [markdown]
# The exponent of the random start is $2(1-\rho)$, up to the second remainder: here the two groups have
# nearly the same ratio $\rho$ (0.781 and 0.768), and a sum of two powers looks like one a little steeper.

# %%
slope = np.polyfit(np.log(sigmas[-4:]), np.log(excess_random[-4:]), 1)[0]
slope_third = np.polyfit(np.log(sigmas[-4:]), np.log(values_random[-4:, 2]), 1)[0]
ratios = [partial_rates(TARGETS, sign)[0] for sign in (1, -1)]
print(f"exponent of the excess {slope:.4f}, between {2 - 2 * max(ratios):.4f} and {2 - 2 * min(ratios):.4f}")
print(f"exponent of the third singular value {slope_third:.4f}, predicted {law.value_exponent:.4f}")
assert 2 - 2 * max(ratios) - 1e-3 < slope < 2 - 2 * min(ratios) + 1e-3
assert abs(slope_third - law.value_exponent) < 2e-3
np.testing.assert_allclose(values_random[-1, :2], law.singular_values[:2], atol=10 * excess_random[-1])

# %%
path = train(draw_z, [1e-6], every=10)[2]
wide = np.append(1.0, np.append(10.0 ** -np.arange(1, 4), sigmas))
large_z, large_a, _ = train(draw_z, wide[:1], least=1e-6)
ends = [large_z[0], *train(draw_z, wide[1:4])[0], *train(draw_z, sigmas)[0]]
stable = [(np.square(s).sum() / s[0] ** 2) for s in (np.linalg.svd(z, compute_uv=False) for z in ends)]
erank = [float(effective_rank(torch.from_numpy(z))) for z in ends]
limit_erank = float(effective_rank(torch.from_numpy(np.diag(law.singular_values))))
print(f"stable rank {stable[-1]:.6f}, predicted {law.stable_rank:.6f}; at σ = 1: {stable[0]:.2f}")
print(f"effective rank {erank[-1]:.3f}, limit {limit_erank:.3f}; at σ = 1: {erank[0]:.2f}")
for at, value in zip(wide, erank, strict=True):
    print(f"    σ = {at:.0e}: {value:.3f}")
assert abs(stable[-1] / law.stable_rank - 1) < 1e-4
assert stable[0] > 3

with style():
    figure, axes = plt.subplots(1, 3, figsize=(9, 2.8), layout="constrained")
    for index in range(5):
        axes[0].semilogy(path[:, 0], path[:, 1 + index], color=f"C{index}", label=f"$s_{index + 1}$")
    for value in law.singular_values[:2]:
        axes[0].axhline(value, color="0.6", linestyle=":", linewidth=1, zorder=0)
    axes[0].set(xlabel="time t", ylabel="singular values of W, σ = 1e-6", ylim=(1e-6, 5), xlim=(0, 70))
    axes[0].legend(ncols=2, bbox_to_anchor=(1, 0.35), loc="center right")

    axes[1].loglog(sigmas, predicted, color="0.6", label="predicted", zorder=0)
    axes[1].loglog(sigmas, excess_quiet, "o", color="C0", markersize=3, label="excess, quiet start")
    axes[1].loglog(sigmas, excess_random, "s", color="C0", fillstyle="none", label="excess, random start")
    third_line = values_random[-1, 2] * (sigmas / sigmas[-1]) ** law.value_exponent
    axes[1].loglog(sigmas, third_line, color="0.6", linestyle="--", label="slope 1 - ρ", zorder=0)
    axes[1].loglog(
        sigmas, values_random[:, 2], "s", color="C3", fillstyle="none", label="$s_3$, random start"
    )
    axes[1].set(xlabel="scale of the start σ", ylabel="norm's excess, and $s_3$", ylim=(1e-10, 1e3))
    axes[1].set_xticks(10.0 ** -np.arange(4, 21, 4))
    axes[1].legend(loc="upper left")

    axes[2].semilogx(wide, erank, "s", color="C3", label="effective rank")
    axes[2].axhline(limit_erank, color="C3", linestyle=":", linewidth=1)
    axes[2].semilogx(wide, stable, "o", color="C0", label="stable rank")
    axes[2].axhline(law.stable_rank, color="C0", linestyle=":", linewidth=1, label="limits for σ → 0")
    axes[2].set(xlabel="scale of the start σ", ylabel="rank of W after training", ylim=(1, 6.2))
    axes[2].set_xticks(10.0 ** -np.arange(0, 21, 5))
    axes[2].legend(loc="upper left")
    plt.show()

# %% [markdown]
# Left: two singular values arrive where predicted (dotted), first that of $y_+$, then that of $y_-$; the
# rest stop at the height $\sigma^{1-\rho}$ that they have reached by then. Middle: the norm's excess
# falls as predicted over seven orders, with its coefficient for the quiet start. Right: the stable rank
# reaches its limit early; the effective rank is still far from its own at $\sigma=10^{-6}$, because $s_3$
# shrinks only as $\sigma^{0.22}$. At $\sigma=1$, the control, the network keeps all six directions.
#
# ## What is known beyond
#
# Boursier et al. prove the limit for orthogonal inputs. Without a full neuron in a group the flow still
# reaches zero loss when every sample has an active neuron, but in more directions and with a larger norm;
# how much larger is a question of more recent work. For inputs that are not orthogonal the two directions
# are no longer decoupled, and the limit is not always of least norm.
#
# ## References
#
# - E. Boursier, L. Pillaud-Vivien, N. Flammarion, *Gradient flow dynamics of shallow ReLU networks for
#   square loss and orthogonal inputs*, NeurIPS 2022, arXiv 2206.00939.
# - The exponents and the coefficients of the remainders are derived here.
