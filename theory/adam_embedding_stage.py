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
# # Adam's early stage for embeddings: signs, attractors, and a plateau without σ
#
# Logits $U\cdot\frac1T\sum_tE[s_t]$ of a sequence of tokens $s_t$: embeddings $E$ (tokens × $h$), output
# weights $U$ ($V$ × $h$), cross-entropy over $V$ labels, full batch. Transformers are trained with Adam,
# but the theory of small initialization is about gradient flow. What is Adam's early stage?
#
# **Claim.** While logits are small the drive is one constant matrix $G$, whose row $s$ is
# $\mathrm{freq}_s\,(P^s-1/V)$: how often token $s$ occurs, times how far the labels given $s$ are from
# uniform.
#
# 1. $E$ and $U$ follow Adam's own recursion for the gradients $GU$ and $G^TE$, up to a relative error of
#    order $\sigma^2$ at fixed $\sigma/\eta$ ($\epsilon\to0$). So do the last token's and the last position's
#    embeddings in a transformer with a residual stream and no LayerNorm, with $G$ of the last token.
# 2. Hidden units do not see each other. Each tends to a pair of sign vectors $x=\mathrm{sign}(Gy)$,
#    $y=\mathrm{sign}(G^Tx)$: a finite set of directions, found without training.
# 3. The loss leaves its plateau when $h\,(\eta q_t)^2\,\|G\|_{\infty\to1}=\delta L(0)$, whatever $\sigma$
#    is, $q_t$ the amplitude of the notebook on neurons under Adam. $\|G\|_{\infty\to1}$, the maximum of
#    $x^TGy$ over sign vectors, takes the place of the largest singular value in gradient flow.
#
# Each step is computed and compared with `lowcomplex.predictions.adam_embedding_stage`, the formula that
# `lowcomplex check adam_embedding_stage` uses.

# %%
import itertools
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
import torch
import xarray as xr

import lowcomplex
from lowcomplex.measures import effective_rank, stable_rank
from lowcomplex.plots import style
from lowcomplex.predictions import adam_embedding_stage
from lowcomplex.tasks import AnchorTask
from lowcomplex.tasks.anchor import ANCHORS
from lowcomplex.tasks.anchor_functions import FIRST_KEY, LAST_KEY, OFFSETS
from lowcomplex.theorems.adam_directions.formula import adam_amplitude
from lowcomplex.theorems.adam_embedding_stage.formula import adam_embedding_escape, sign_attractors
from lowcomplex.theorems.formulas.token_drive import centered_one_hot, token_drive
from lowcomplex.training import warmup_cosine

torch.set_num_threads(1)

# %% [markdown]
# ## 1. The drive
#
# Two tokens, three labels, one hidden unit, two sequences: (1, 2) with label 1 and (1, 1) with label 3. The
# gradient of the cross-entropy to first order in the weights, which carry a factor $\varepsilon$:

# %%
eps = sp.Symbol("epsilon", positive=True)
E = sp.Matrix(sp.symbols("E_1:3", real=True))
U = sp.Matrix(sp.symbols("U_1:4", real=True))
share = sp.Matrix([[sp.Rational(1, 2), sp.Rational(1, 2)], [1, 0]])  # sequences × tokens
labels = (0, 2)


def cross_entropy(row, label):
    logits = (share[row, :] * E)[0] * U
    return sp.log(sum(sp.exp(z) for z in logits)) - logits[label]


loss = sum(cross_entropy(row, label) for row, label in enumerate(labels)) / 2
target = sp.zeros(2, 3)
for row, label in enumerate(labels):
    target[row, label] = 1
G = share.T * (target - sp.ones(2, 3) / 3) / 2
small = {weight: eps * weight for weight in (*E, *U)}
for weights, drive in ((E, G * U), (U, G.T * E)):
    for weight, expected in zip(weights, drive, strict=True):
        first_order = sp.diff(-sp.diff(loss, weight).subs(small, simultaneous=True), eps).subs(eps, 0)
        assert sp.simplify(first_order - expected) == 0
frequency = sp.Rational(3, 4)  # token 1 holds three of four positions
given_token = sp.Matrix([[sp.Rational(1, 3), 0, sp.Rational(2, 3)]])
assert G[0, :] == frequency * (given_token - sp.ones(1, 3) / 3)
G

# %% [markdown]
# So $-\partial_EL=GU$ and $-\partial_UL=G^TE$ to first order. The next term is of third order in the weights
# (the logits are of second order), a relative $\varepsilon^2$:

# %%
gradient = -sp.diff(loss, E[0]).subs(small, simultaneous=True)
assert sp.simplify(sp.diff(gradient, eps, 2).subs(eps, 0)) == 0

# %% [markdown]
# ## 2. Adam on a constant drive
#
# Column $j$ of $E$ and column $j$ of $U$ have gradients that hold no other column, and Adam works entry by
# entry: hidden units are independent copies of one system with $s+V$ coordinates. Multiplying $E$, $U$ and
# $\eta$ by one number changes nothing else, nor does a factor on $G$: only $\sigma/\eta$, the signs and the
# proportions matter. The library's evaluator is that recursion; here against PyTorch's Adam on
# $-\langle G,EU^T\rangle$:

# %%
rng = np.random.default_rng(0)
some_drive = rng.standard_normal((5, 6))
first_e, first_u = rng.standard_normal((5, 4)), rng.standard_normal((6, 4))
weights = [torch.from_numpy(draw.copy()).requires_grad_() for draw in (first_e, first_u)]
optimizer = torch.optim.Adam(weights, lr=0.3, eps=0.0)
for _ in range(60):
    optimizer.zero_grad()
    (-(torch.from_numpy(some_drive) * (weights[0] @ weights[1].mT)).sum()).backward()
    optimizer.step()
stage = adam_embedding_stage(first_e, first_u, some_drive, step=0.3, steps=60)
for predicted, trained in zip(stage, weights, strict=True):
    np.testing.assert_allclose(predicted, trained.detach(), rtol=1e-7)
alone = adam_embedding_stage(first_e[:, :1], first_u[:, :1], some_drive, step=0.3, steps=60)
np.testing.assert_allclose(alone.embedding, stage.embedding[:, :1])

# %% [markdown]
# **First phase**, $\eta t\ll\sigma$: gradients are constant, and Adam's update for a constant gradient is its
# sign: $E=E_0+\eta t\,\mathrm{sign}(GU_0)$, $U=U_0+\eta t\,\mathrm{sign}(G^TE_0)$.

# %%
b1, b2, constant = sp.symbols("beta_1 beta_2 g", positive=True)
for steps in (1, 2, 5):
    mean = sum((1 - b1) * b1**i for i in range(steps)) * constant / (1 - b1**steps)
    square = sum((1 - b2) * b2**i for i in range(steps)) * constant**2 / (1 - b2**steps)
    assert sp.simplify(mean / sp.sqrt(square)) == 1
far = adam_embedding_stage(1e6 * first_e, 1e6 * first_u, some_drive, step=1.0, steps=50)
np.testing.assert_allclose(far.embedding, 1e6 * first_e + 50 * np.sign(some_drive @ first_u), atol=1e-3)

# %% [markdown]
# **Late phase**, $\eta t\gg\sigma$: the start is forgotten, and everything grows in proportion to $t$. In the
# limit of sign descent ($\dot E=\eta\,\mathrm{sign}(GU)$), $x=E/(\eta t)$ and $y=U/(\eta t)$ obey
# $dx/d\log t=\mathrm{sign}(Gy)-x$, and the same for $y$: an associative memory that runs in $\log t$. So each
# decade of steps settles as much as the decade before, and once the signs are fixed, $x$ relaxes as $1/t$.

# %%
t, t1, eta, e1, sign = sp.symbols("t t_1 eta E_1 s", real=True)
entry = e1 + eta * sign * (t - t1)
x = entry / (eta * t)
scaled = sp.Symbol("x", real=True)
law = adam_embedding_stage.expressions["dx/dlog t"]
assert sp.simplify(t * sp.diff(x, t) - law.subs({scaled: x, sp.Symbol("s", real=True): sign})) == 0
assert sp.simplify((x - sign) * t - (e1 / eta - sign * t1)) == 0  # exactly 1/t
law

# %% [markdown]
# Fixed points are $x=\mathrm{sign}(Gy)$, $y=\mathrm{sign}(G^Tx)$: maxima of $x^TGy$ over sign vectors against
# a change of $x$ alone and of $y$ alone. Changing them in turn finds them, as $x^TGy$ only rises. For a small
# matrix all can be listed:

# %%
listed = set()
for signs in itertools.product([-1.0, 1.0], repeat=6):
    x_of_y = np.sign(some_drive @ np.array(signs))
    if (np.sign(some_drive.T @ x_of_y) == signs).all():
        listed.add((tuple(x_of_y * x_of_y[0]), tuple(np.array(signs) * x_of_y[0])))
found = sign_attractors(some_drive)
pairs = zip(found.embedding, found.output, strict=True)
assert {(tuple(one), tuple(other)) for one, other in pairs} == listed
largest = max(np.abs(np.array(signs) @ some_drive).sum() for signs in itertools.product([-1, 1], repeat=5))
assert np.isclose(found.energy[0], largest)  # the norm |G|_(∞→1)

steps = [300, 3000, 10000]
late = adam_embedding_stage(
    rng.standard_normal((5, 200)), rng.standard_normal((6, 200)), some_drive, step=1.0, steps=steps
)
ended = np.sign(np.concatenate((late.embedding, late.output), axis=1)) * np.sign(late.embedding[:, :1])
known = {(*one, *other) for one, other in listed}
there = [np.mean([tuple(column) in known for column in signs.T]) for signs in ended]
margins = np.abs(found.output @ some_drive.T).min(1) / np.abs(some_drive).sum(1).max()
print(f"{len(listed)} attractors, smallest margins |Gy| over Σ|G|:", np.round(margins, 3))
print("share of 200 units at one of them:", dict(zip(steps, np.round(there, 2).tolist(), strict=True)))

# %% [markdown]
# An entry settles once the others have relaxed to within its margin. This matrix was not chosen for wide
# margins, and it takes long; the other entries of the undecided units have settled.

# %% [markdown]
# ## 3. The end of the plateau
#
# To leading order the loss falls by $\langle G,EU^T\rangle=\sum_jE_j^TGU_j$. With $E_j=\eta q\,x$ and
# $U_j=\eta q\,y$ at the most energetic pair that is $h(\eta q)^2\|G\|_{\infty\to1}$. Units at other
# attractors give a little less.

# %%
q, h, norm, drop = sp.symbols("q h N Delta", positive=True)
positive_eta = sp.Symbol("eta", positive=True)
fallen = h * (positive_eta * q) ** 2 * norm
assert sp.simplify(fallen - adam_embedding_stage.expressions["loss drop"]) == 0
at_escape = sp.solve(sp.Eq(fallen, drop), q)
assert sp.simplify(at_escape[-1] - adam_embedding_stage.expressions["amplitude at escape"]) == 0
sp.Eq(sp.Symbol("q_T"), at_escape[-1])

# %% [markdown]
# ## 4. Small runs
#
# Anchor data: two anchors and a key, the label is the key plus both anchors' offsets. Twenty keys, all
# sixteen pairs; $h=64$.

# %%
KEYS, WIDTH = 20, 64
grid = np.array(list(itertools.product(range(len(ANCHORS)), range(len(ANCHORS)), range(KEYS))))
offsets = np.array([OFFSETS[anchor] for anchor in ANCHORS])
answers = grid[:, 2] + offsets[grid[:, :2]].sum(1)
answers -= answers.min()
tokens = np.column_stack((KEYS + grid[:, :2], grid[:, 2]))
VOCABULARY = int(answers.max()) + 1
centered = np.eye(VOCABULARY)[answers] - 1 / VOCABULARY


def drive_of(shares):
    return shares.T @ centered / len(answers)


mean_share = np.zeros((len(tokens), KEYS + len(ANCHORS)))
np.add.at(mean_share, (np.arange(len(tokens))[:, None], tokens), 1 / 3)
drive = drive_of(mean_share)
np.testing.assert_allclose(drive, token_drive(tokens, answers, len(drive), outputs=VOCABULARY), atol=1e-15)
attractors = sign_attractors(drive)
top = attractors.energy[0]
print(
    f"{len(tokens)} sequences, {len(drive)} tokens, {VOCABULARY} labels; {len(attractors.energy)} attractors"
)
print("their energies over the norm:", np.round(attractors.energy / top, 3)[:8])
print("reached from random signs:   ", np.round(attractors.share, 3)[:8])

# %% [markdown]
# The full batch is the same for every network, so networks from starts of several scales are trained as one,
# each in units of its own learning rate. `residual` is one transformer block with attention and a tanh layer.

# %%
seq, labels_t = torch.from_numpy(tokens), torch.from_numpy(answers)


def embedding_logits(w):
    return (torch.from_numpy(mean_share) @ w["E"]) @ w["U"].mT


def residual_logits(w):
    stream = w["E"][:, seq] + w["P"][:, None]
    last = stream[:, :, -1]
    score = torch.einsum("knh,kntg->knt", last @ w["Q"].mT, stream @ w["K"].mT[:, None])
    mixed = torch.einsum("knt,knth->knh", (score / stream.shape[-1] ** 0.5).softmax(-1), stream)
    last = last + mixed @ w["V"].mT @ w["O"].mT
    last = last + torch.tanh(last @ w["A"].mT) @ w["B"].mT
    return last @ w["U"].mT


def train(logits, start, rates, steps, keep=()):
    scale = torch.tensor(rates, dtype=torch.float64)
    units = {name: torch.from_numpy(draw.copy()).requires_grad_() for name, draw in start.items()}
    optimizer = torch.optim.Adam(units.values(), lr=1.0, eps=0.0)
    kept, losses = [], []
    for step in range(steps + 1):
        z = logits({name: unit * scale[:, None, None] for name, unit in units.items()})
        loss = -z.log_softmax(-1)[:, torch.arange(len(answers)), labels_t].mean(-1)
        losses.append(loss.detach().numpy())
        if step in keep:
            kept.append({name: unit.detach().clone().numpy() for name, unit in units.items()})
        if step < steps:
            optimizer.zero_grad()
            (loss / scale**2).sum().backward()
            optimizer.step()
    end = {name: unit.detach().numpy() for name, unit in units.items()}
    return end, np.array(losses), kept


def relative_error(trained, predicted):
    apart = sum(np.square(one - other).sum((1, 2)) for one, other in zip(trained, predicted, strict=True))
    return np.sqrt(apart / sum(np.square(weight).sum() for weight in predicted))


rng = np.random.default_rng(1)
sigmas = np.array([1e-2, 1e-3, 1e-4, 1e-5, 1e-6])
draw = {"E": rng.standard_normal((len(drive), WIDTH)), "U": rng.standard_normal((VOCABULARY, WIDTH))}
many = {name: np.repeat(matrix[None], len(sigmas), 0) for name, matrix in draw.items()}
end, _, _ = train(embedding_logits, many, sigmas, 60)
predicted = adam_embedding_stage(draw["E"], draw["U"], drive, step=1.0, steps=60)
embedding_errors = relative_error((end["E"], end["U"]), predicted)

narrow, residual_steps = 16, 30
shapes = {"E": (len(drive), narrow), "P": (3, narrow), "U": (VOCABULARY, narrow)}
shapes |= dict.fromkeys("QKVO", (narrow, narrow)) | {"A": (2 * narrow, narrow), "B": (narrow, 2 * narrow)}
draw_residual = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
many = {name: np.repeat(matrix[None], len(sigmas), 0) for name, matrix in draw_residual.items()}
end_residual, _, _ = train(residual_logits, many, sigmas, residual_steps)
last_share = np.column_stack((np.eye(KEYS)[tokens[:, -1]], np.ones(len(tokens))))
stacked = np.concatenate((draw_residual["E"][:KEYS], draw_residual["P"][-1:]))
predicted_residual = adam_embedding_stage(
    stacked, draw_residual["U"], drive_of(last_share), step=1.0, steps=residual_steps
)
trained = np.concatenate((end_residual["E"][:, :KEYS], end_residual["P"][:, -1:]), 1)
residual_errors = relative_error((trained, end_residual["U"]), predicted_residual)
for name, errors in (("embedding model", embedding_errors), ("transformer", residual_errors)):
    slope = np.polyfit(np.log(sigmas[2:]), np.log(errors[2:]), 1)[0]
    print(f"{name}: relative error", " ".join(f"{e:.1e}" for e in errors), f" exponent in σ {slope:.4f}")
    assert abs(slope - 2) < 0.02
    assert errors[0] > 0.1
moved = {name: np.abs(end_residual[name][-1] - draw_residual[name]).mean() for name in ("E", "P", *"QKVOAB")}
print("mean movement over η in", residual_steps, "steps:", {k: round(float(x), 1) for k, x in moved.items()})

# %% [markdown]
# Exponent 2 in both. In the transformer *every* matrix moves by about $\eta$ per step from the first step
# on, also queries and keys, whose gradients are smaller than those of the embeddings by powers of $\sigma$:
# Adam sees signs. Under gradient flow they would be frozen. The direct path still learns first, because
# what the others add to the stream is of relative order $(h\eta t)^2$. With the usual $\epsilon=10^{-8}$,
# matrices whose gradients are below it stay frozen; which of them move early is then a question of
# $\epsilon$.
#
# Next the effective rank of $E$ and the number of distinct sign patterns in time, under Adam from starts of
# two scales and under gradient flow (in closed form: along $G$'s singular vectors, $L^TE\pm R^TU$ grows as
# $e^{\pm St}$).

# %%
ratios = np.array([0.1, 10.0])
tiny = 1e-7
marks = np.array([1, 3, 6, 12, 25, 50, 100, 200])
grid_steps = np.unique(np.geomspace(1, 3000, 60).astype(int))
start = {name: ratios[:, None, None] * matrix for name, matrix in draw.items()}
_, _, kept = train(embedding_logits, start, [tiny, tiny], int(marks[-1]), keep=set(marks))
ranks = np.array([effective_rank(torch.from_numpy(w["E"])).numpy() for w in kept])
path = adam_embedding_stage(start["E"], start["U"], drive, step=1.0, steps=grid_steps)
path_ranks = effective_rank(torch.from_numpy(path.embedding)).numpy()
at_marks = adam_embedding_stage(start["E"], start["U"], drive, step=1.0, steps=marks)
np.testing.assert_allclose(ranks, effective_rank(torch.from_numpy(at_marks.embedding)).numpy(), rtol=1e-4)


def pattern_count(embedding):
    signs = np.sign(embedding) * np.sign(embedding[:1])
    return len(np.unique(signs.T, axis=0))


path_patterns = np.array([[pattern_count(e) for e in pair] for pair in path.embedding])
counts = np.array([[pattern_count(e) for e in w["E"]] for w in kept])
print("effective rank at the last step:", np.round(path_ranks[-1], 2))
print("distinct patterns of 64 units:  ", path_patterns[-1])
known = np.concatenate((attractors.embedding, attractors.output), 1)
for ratio, e, u in zip(ratios, path.embedding[-1], path.output[-1], strict=True):
    nearest = np.abs(known @ np.sign(np.concatenate((e, u)))).argmax(0)
    shares = np.bincount(nearest, minlength=len(known)) / WIDTH
    print(f"σ/η = {ratio:g}: share of units nearest to each attractor", np.round(shares[:6], 2))
print("               alternating maximization from random signs", np.round(attractors.share[:6], 2))

left, S, right = np.linalg.svd(drive, full_matrices=False)


def flow_embedding(time, sigma):
    plus, minus = left.T @ draw["E"] + right @ draw["U"], left.T @ draw["E"] - right @ draw["U"]
    grown, shrunk = np.exp(S * time)[:, None] * plus, np.exp(-S * time)[:, None] * minus
    moved = left @ ((grown + shrunk) / 2 - left.T @ draw["E"])
    return sigma * (draw["E"] + moved), sigma * right.T @ ((grown - shrunk) / 2)


DELTA, T = 1e-3, 150
allowed = DELTA * np.log(VOCABULARY)
rate = float(np.sqrt(allowed / (WIDTH * top)) / adam_amplitude(T)[-1])
escape_ratios = np.array([1e-2, 0.1, 1, 10, 100, 3000])
start = {name: escape_ratios[:, None, None] * matrix for name, matrix in draw.items()}
end, losses, _ = train(embedding_logits, start, [rate] * len(escape_ratios), 200)
has_fallen = losses[0] - losses >= allowed
escapes = np.where(has_fallen.any(0), has_fallen.argmax(0), np.nan)
law_steps = adam_embedding_escape(drive, WIDTH, drop=allowed, step=rate)
times = np.linspace(0, 20 / S[0], 1001)
gains = np.array([(e * (drive @ u)).sum() for e, u in (flow_embedding(time, 1.0) for time in times)])
flow_escapes = [times[np.argmax((r * rate) ** 2 * (gains - gains[0]) >= allowed)] for r in escape_ratios]
print(f"escape: law {law_steps:.1f};", dict(zip(escape_ratios.tolist(), escapes.tolist(), strict=True)))
print("gradient flow, time · S_1:", np.round(np.array(flow_escapes) * S[0], 2))
assert np.abs(escapes[1:5] / law_steps - 1).max() < 0.1

# %% [markdown]
# The effective rank falls with the logarithm of the step, as in the scaled flow, and the two starts, whose
# scales differ by a factor of 100, meet. Under gradient flow the rank at a given time is the same for all
# scales, but the time that the plateau lasts grows with $\log(1/\sigma)$, and the rank at its end falls.
#
# ## 5. Trained transformers over γ: where the stage is seen, and where it is not
#
# The sweep over the initialization rate trains transformers with LayerNorm on fresh mini-batches, with a
# learning rate that warms up. Let $c_t=\sum_{s\le t}\eta_s$. What would this stage predict?
#
# *Output head.* With a LayerNorm before the head, the last state's mean over sequences is of order one and
# constant while $E$ has hardly moved, so $U-U_0=c_t\,\mathrm{sign}(P-1/V)\,\mathrm{sign}(\bar h)^T$: a
# random matrix plus a rank-one matrix of entries $\pm c_t$. Its stable rank is then a function of
# $c_t/\sigma$ alone, the same for all γ, with nothing to fit.
#
# *Token embeddings.* By the full-batch stage the effective rank would fall once $c_t\gg\sigma$, and no
# longer depend on γ.

# %%
stored = Path(lowcomplex.__file__).parents[1] / "paper_figs" / "data" / "anchor_gamma.nc"
sweep = xr.open_dataset(stored, engine="h5netcdf")
HEAD = (201, 64)
# The study's schedule: 2,000 steps, a largest factor of 1.5e-3.
factors = np.array([1.5e-3 * warmup_cosine(step, 2000) for step in range(2000)])
covered = np.concatenate(([0.0], np.cumsum(factors)))[sweep["step"].values]
gammas = sweep["gamma"].values
plateau = 100  # the last recorded step before the labels' marginal distribution is learned
early = (sweep["step"].values >= 10) & (sweep["step"].values <= plateau)
head = sweep["stable_rank"].sel(layer="output head").mean("seed").values
tokens_rank = sweep["effective_rank"].sel(layer="embedding").mean("seed").values


def rank_one_growth(ratio, draws=12):
    noise = torch.randn(draws, *HEAD, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return float(stable_rank(noise + ratio).mean())


scaled = covered[None] * HEAD[1] ** gammas[:, None]
forecast = np.array([[rank_one_growth(r) for r in row] for row in scaled[:, early]])
deviation = head[:, early] / forecast - 1
print(f"stable rank of the head at step {plateau}:")
print("  measured ", np.round(head[:, early][:, -1], 1))
print("  predicted", np.round(forecast[:, -1], 1))
print(f"largest relative deviation up to step {plateau}: {np.abs(deviation).max():.2f}")
assert np.abs(deviation).max() < 0.1
wrong = np.array([[rank_one_growth(1.1 * r) for r in row] for row in scaled[:, early]])
print(f"with a growth 10 % too large: {np.abs(head[:, early] / wrong - 1).max():.2f}")
assert np.abs(head[:, early] / wrong - 1).max() > 0.1
at = {step: int(np.flatnonzero(sweep["step"].values == step)[0]) for step in (100, 500, 2000)}
for step, position in at.items():
    print(f"step {step}: c/σ", np.round(scaled[:, position], 1), " loss", end=" ")
    print(np.round(sweep["loss"].mean("seed").values[:, position], 2), end="  ")
    print("effective rank of the token embeddings", np.round(tokens_rank[:, position], 2))

# %% [markdown]
# The head follows for all six γ within 6 %: the measured rank stays a little above, as updates from
# mini-batches are a little shorter than $\eta$. (At the left both are means over a few random matrices, known
# to 0.4.) It ends where it must, with the plateau. One caution: the LayerNorm keeps
# the last state at order one, so gradient flow, too, would have no plateau of length $\log(1/\sigma)$ here;
# what is Adam's in this panel is the size of the growth, $c_t$ in every entry.
#
# **The token embeddings do not follow.** The stage's condition $c_t\gg\sigma$ is never met during the
# plateau: at its end $c_t/\sigma$ is at most 0.3. Later, where $c_t\gg\sigma$, the effective rank has hardly
# moved from that of a random matrix, and it depends on γ (61.1 to 58.2 at the end; 117 of the 201 rows are
# never used, but the rows of the 80 keys alone go from 55 to 44). An effective rank that is early independent
# of γ is not what this sweep shows. Why? The stage is one of full batches. Adam's mean update is about the
# gradient's mean over its root mean square. At a random start with LayerNorm (direct path, batches of 128 as
# in the sweep):

# %%
BATCHES, BATCH, HIDDEN = 100, 128, HEAD[1]
batch = AnchorTask().sample(BATCHES * BATCH, torch.Generator().manual_seed(0))
last, wanted = batch.tokens[:, -1].numpy(), batch.labels.numpy()
rng = np.random.default_rng(2)
state = rng.standard_normal((HEAD[0], HIDDEN))[last] + rng.standard_normal(HIDDEN)
state = (state - state.mean(1, keepdims=True)) / state.std(1, keepdims=True)
pull = centered_one_hot(wanted, HEAD[0])
head_gradient = np.einsum(
    "bnv,bnh->bvh",
    pull.reshape(BATCHES, BATCH, -1),
    state.reshape(BATCHES, BATCH, -1),
    optimize=True,
)
row_gradient = np.zeros((BATCHES, *HEAD))
which = np.repeat(np.arange(BATCHES), BATCH)
np.add.at(row_gradient, (which, last), pull @ rng.standard_normal((HEAD[0], HIDDEN)))


def mean_over_rms(gradients):
    """Root mean square over entries; two halves of the batches keep noise out of the squared mean."""
    product = gradients[::2].mean(0) * gradients[1::2].mean(0)
    return float(np.sqrt((product / np.square(gradients).mean(0)).mean()))


keys = mean_over_rms(row_gradient[:, FIRST_KEY : LAST_KEY + 1])
print(f"mean over rms of the gradient: output head {mean_over_rms(head_gradient):.2f}, keys' rows {keys:.2f}")

# %% [markdown]
# The head's updates are mostly signal, so it follows; the rows of the keys get updates that are nine tenths
# noise, which makes them diffuse and not condense. What Adam's early stage is for embeddings under such noise
# is open.

# %%
with style():
    figure, axes = plt.subplots(2, 3, figsize=(9, 5.4), layout="constrained")
    one, two, three, four, five, six = axes.flat
    for index, (ratio, marker) in enumerate(zip(ratios, "os", strict=True)):
        one.semilogx(grid_steps, path_ranks[:, index], color=f"C{index}", linewidth=1)
        one.plot(
            marks, ranks[:, index], marker, color=f"C{index}", markersize=3, label=f"trained, σ/η = {ratio:g}"
        )
        two.semilogx(grid_steps, path_patterns[:, index], color=f"C{index}", linewidth=1)
        two.plot(marks, counts[:, index], marker, color=f"C{index}", markersize=3)
    one.set(xlabel="step", ylabel="effective rank of E", ylim=(0, 24), title="Adam: trained and recursion")
    one.legend()
    two.set(xlabel="step", ylabel="distinct unit patterns", ylim=(0, 70), title="of 64 hidden units")

    flow_times = np.linspace(0, 16 / S[0], 60)
    flow_ranks = [float(effective_rank(torch.from_numpy(flow_embedding(s, 1.0)[0]))) for s in flow_times]
    three.plot(flow_times * S[0], flow_ranks, color="0.6")
    for ratio, time in zip(escape_ratios[[1, 3]], np.array(flow_escapes)[[1, 3]], strict=True):
        rank = float(effective_rank(torch.from_numpy(flow_embedding(time, 1.0)[0])))
        three.plot(time * S[0], rank, "x", color="C3")
        three.annotate(f"σ = {ratio * rate:.0e}", (time * S[0], rank), (2, 8), textcoords="offset points")
    three.set(xlabel="time · S₁", ylabel="effective rank of E", ylim=(0, 24))
    three.set_title("gradient flow; × its escape")

    four.loglog(sigmas, embedding_errors, "o", color="C0", label="embedding model")
    four.loglog(sigmas, residual_errors, "s", color="C1", label="transformer")
    guide = embedding_errors[-1] * (sigmas[1:] / sigmas[-1]) ** 2
    four.loglog(sigmas[1:], guide, color="0.6", label="slope 2")
    four.set(xlabel="scale σ = η", ylabel="relative error", title="trained against recursion")
    four.legend()

    five.loglog(escape_ratios, np.full(len(escape_ratios), law_steps), color="0.6", label="‖G‖∞→1 alone")
    five.loglog(escape_ratios, escapes, "o", color="C0", label="Adam")
    flow_steps = np.array(flow_escapes) * law_steps / flow_escapes[0]
    five.loglog(escape_ratios, flow_steps, "x", color="C3", label="gradient flow, scaled")
    five.set(xlabel="scale of the start σ/η", ylabel="steps to escape", ylim=(10, 300))
    five.set_yticks([10, 30, 100, 300], ["10", "30", "100", "300"])
    five.minorticks_off()
    five.legend()

    line = np.geomspace(0.005, 1, 25)
    six.semilogx(line, [rank_one_growth(r) for r in line], color="0.6", label="predicted, no fit")
    colors = plt.get_cmap("viridis")(np.linspace(0, 0.9, len(gammas)))
    for gamma, across, rank, color in zip(gammas, scaled[:, early], head[:, early], colors, strict=True):
        six.plot(across, rank, "o", color=color, markersize=4, label=f"γ = {gamma:g}")
    six.set(
        xlabel="sum of learning rates over σ, c/σ",
        ylabel="stable rank of the head",
        ylim=(0, 30),
        title="transformers of the γ sweep",
    )
    six.legend()
    plt.show()

# %% [markdown]
# ## What is known beyond
#
# For gradient flow the same drive and its singular vectors are in Yao et al. (2502.04375). The recursion,
# the attractors and the escape under Adam are derived here. Finding $\|G\|_{\infty\to1}$ is hard in general
# (Alon and Naor 2006); for a $G$ that is nearly of rank one, as here, the signs of its singular vectors
# mostly suffice. Which attractor a unit takes is decided in the middle phase, $\eta t\sim\sigma$, and is
# given only by the recursion: more units end at the most energetic one than by alternating maximization
# from random signs.
#
# ## References
#
# - D. P. Kingma, J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015, arXiv 1412.6980,
#   algorithm 1.
# - J. Yao, Z. Zhang, Z.-Q. J. Xu, *An analysis for reasoning bias of language models with small
#   initialization*, arXiv 2502.04375: embeddings at a small start under gradient flow.
# - N. Alon, A. Naor, *Approximating the cut-norm via Grothendieck's inequality*, SIAM J. Comput. 35, 2006.
