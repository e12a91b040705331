"""One picture a measure: the number, and what it was taken of."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from lowcomplex import measures, nulls
from networks import Run

_DARK, _LIGHT, _ACCENT = "0.2", "0.7", "C0"


def _say(axis: Axes, text: str, *, top: bool = True, left: bool = False) -> None:
    axis.text(
        0.03 if left else 0.97,
        0.95 if top else 0.05,
        text,
        transform=axis.transAxes,
        ha="left" if left else "right",
        va="top" if top else "bottom",
        fontsize=7,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )


def _layers(run: Run) -> list[Tensor]:
    return [layer.weight.detach() for layer in run.network.modules() if isinstance(layer, nn.Linear)]


def ranks(axis: Axes, run: Run) -> None:
    W = _layers(run)[1]
    s = measures.singular_values(W)
    random = measures.singular_values(torch.randn(W.shape, generator=torch.Generator().manual_seed(0)))
    axis.plot(s / s[0], color=_DARK)
    axis.plot(random / random[0], ":", color=_LIGHT)
    axis.set(xlabel="index", ylabel="singular value", yscale="log", ylim=(1e-4, 1.5))
    found = measures.rank_measures(W)
    lines = [
        f"{name.replace('_', ' ')} {float(found[name]):.1f} ({measures.null_of(name, *W.shape).value:.1f})"
        for name in ("effective_rank", "stable_rank", "participation_ratio", "nuclear_rank")
    ]
    _say(axis, "\n".join(lines), top=False, left=True)


def products(axis: Axes, run: Run) -> None:
    first, second, _ = _layers(run)
    values = measures.product_singular_values(second, first)
    axis.bar(range(1, len(values) + 1), values, color=_DARK)
    axis.set(xlabel="index", ylabel="singular value of $W_2 W_1$")
    rank = float(measures.effective_rank(measures.scaled_product(second, first)))
    _say(axis, f"effective rank {rank:.2f}")


def covariance(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        hidden = torch.tanh(run.network.layers[1](torch.tanh(run.network.layers[0](run.x))))
    shares = measures.covariance_spectrum(hidden)
    axis.bar(range(1, 13), shares[:12], color=_DARK)
    axis.set(xlabel="principal component", ylabel="share of variance")
    found = measures.covariance_dimensions(hidden)
    lines = [f"{name.replace('_', ' ')} {float(value):.1f}" for name, value in found.items()]
    _say(axis, "\n".join(lines))


def trajectory(axis: Axes, run: Run) -> None:
    path = torch.stack(run.path).double()
    spectrum = measures.trajectory_spectrum(path)
    walk = nulls.random_walk_spectrum(len(path))
    axis.plot(range(1, 11), spectrum[:10], "o-", color=_DARK, label="training")
    axis.plot(range(1, 11), walk[:10], ":", color=_LIGHT, label="random walk")
    axis.set(xlabel="principal component", ylabel="share of variance", yscale="log", ylim=(1e-5, 1.5))
    start = {"θ": run.path[0]}
    moved = measures.relative_displacement(start, {"θ": run.path[-1]})
    dimension = float(measures.trajectory_dimension(path))
    _say(axis, f"dimension {dimension:.2f}\nrelative displacement {moved:.2f}")


def cosines(axis: Axes, run: Run) -> None:
    W = _layers(run)[1]
    order = measures.display_order(W)
    image = axis.imshow(measures.cosine_similarity(W[order]), cmap="RdBu_r", vmin=-1, vmax=1)
    axis.set(xticks=[], yticks=[], xlabel="neurons of layer 2", ylabel="neurons")
    axis.figure.colorbar(image, ax=axis, label="cosine")


def condensed(axis: Axes, run: Run) -> None:
    W = _layers(run)[1]
    found = measures.condensed_directions(W)
    axis.bar(range(1, found.count + 1), found.shares, color=_DARK)
    axis.axhline(found.null_share, color=_LIGHT, linestyle=":")
    axis.set(xlabel="condensed direction", ylabel="share of neurons", xlim=(0.2, 12.8), ylim=(0, 1))
    _say(axis, f"{found.count} condensed directions")


def followed(axis: Axes, run: Run) -> None:
    found = measures.followed_directions(torch.stack(run.weights))
    steps = np.array(run.steps) + 1
    if found.shares.shape[1]:
        axis.stackplot(steps, found.shares.T.numpy(), linewidth=0)
    axis.set(xscale="log", xlabel="step + 1", ylabel="share of neurons", ylim=(0, 1), xlim=(1, steps[-1]))
    _say(axis, f"{found.shares.shape[1]} directions ever,\n{int(found.counts[-1])} at the end", left=True)


def moments(axis: Axes, run: Run) -> None:
    found = measures.cosine_moments(torch.stack(run.weights))
    W = run.weights[0]
    null = nulls.random_effective_directions(*W.shape)
    steps = np.array(run.steps) + 1
    axis.plot(steps, found["effective_directions"], color=_DARK)
    axis.axhline(null.value, color=_LIGHT, linestyle=":")
    axis.set(xscale="log", xlabel="step + 1", ylabel="effective directions", ylim=(0, None))
    _say(axis, f"mean squared cosine {float(found['mean_squared_cosine'][-1]):.2f}", top=False)


def orientation(axis: Axes, run: Run) -> None:
    first, last = run.network.layers
    W = torch.cat((first.weight, first.bias[:, None]), 1).detach()
    found = measures.orientation_amplitude(W, last.weight.detach().squeeze(0))
    axis.plot(found.orientation, found.amplitude, "o", color=_DARK, markersize=2, alpha=0.5)
    axis.set(xlabel="orientation of (w, b)", ylabel="amplitude", xlim=(-np.pi, np.pi))


def _outputs(run: Run) -> tuple[Tensor, Tensor]:
    target = sum(torch.sin(torch.pi * k * run.grid[:, 0]) / k for k in (1, 3, 5))
    return torch.stack(run.outputs).double(), target.double()


def fourier(axis: Axes, run: Run) -> None:
    learned, target = _outputs(run)
    for values, style, label in ((target, ":", "target"), (learned[-1], "-", "learned")):
        spectrum = measures.fourier_spectrum(values, spacing=1 / len(values))
        axis.plot(spectrum.frequencies[:30], spectrum.power[:30], style, color=_DARK, label=label)
    axis.set(xlabel="cycles per period", ylabel="power", yscale="log", ylim=(1e-8, 1))
    axis.legend(loc="upper right")
    centroid = float(measures.spectral_centroid(learned[-1], spacing=1 / len(target)))
    band = float(measures.bandwidth(learned[-1], spacing=1 / len(target)))
    _say(axis, f"centroid {centroid:.2f}\n95 % of the power below {band:.0f}", top=False, left=True)


def learned(axis: Axes, run: Run) -> None:
    outputs, target = _outputs(run)
    errors = measures.relative_error_by_frequency(outputs, target, floor=0.05)
    times = measures.learning_time(errors, torch.tensor(run.steps))
    for k in (1, 3, 5):
        (line,) = axis.plot(np.array(run.steps) + 1, errors[:, k], label=f"{k}: {float(times[k]):.0f}")
        axis.axvline(float(times[k]) + 1, color=line.get_color(), linewidth=0.6, linestyle=":")
    axis.axhline(0.2, color=_LIGHT, linestyle=":")
    axis.set(xscale="log", xlabel="step + 1", ylabel="relative error", ylim=(0, 2.2))
    axis.legend(title="frequency: learned at", loc="upper left", ncols=3)


def decay(axis: Axes, run: Run) -> None:
    learned, _ = _outputs(run)
    spectrum = measures.fourier_spectrum(learned[-1])
    f, power = torch.arange(len(spectrum.power), dtype=torch.float64), spectrum.power
    fit = measures.decay_exponent(f, power, band=(6, 60))
    axis.plot(f[1:], power[1:], color=_DARK)
    line = power[6:61].log().mean().exp() * (f / f[6:61].log().mean().exp()) ** -fit.exponent
    axis.plot(f[6:61], line[6:61], color=_ACCENT)
    axis.set(xscale="log", yscale="log", xlabel="cycles per period", ylabel="power")
    _say(axis, f"exponent {fit.exponent:.1f} ({fit.low:.1f} to {fit.high:.1f})")


def fourier_2d(axis: Axes, run: Run) -> None:
    spectrum = measures.fourier_spectrum_2d(run.outputs[-1].double().view(32, 32), spacing=(1 / 32, 1 / 32))
    shown = torch.fft.fftshift(spectrum.power, dim=0)[16 - 6 : 16 + 7, :7].clamp(min=1e-6)
    image = axis.imshow(shown.log10().T, origin="lower", extent=(-6.5, 6.5, -0.5, 6.5), cmap="magma", vmin=-5)
    axis.set(xlabel="$k_1$", ylabel="$k_2$")
    axis.figure.colorbar(image, ax=axis, label="log₁₀ power")
    centroid = float(measures.centroid_of(spectrum.radius.flatten(), spectrum.power.flatten()))
    band = float(measures.bandwidth_of(spectrum.radius.flatten(), spectrum.power.flatten()))
    axis.set_title(f"{axis.get_title()}: centroid {centroid:.1f}, bandwidth {band:.1f}")


def scattered(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        values = run.network(run.x).squeeze(1).double()
    found = measures.scattered_spectrum(run.x.double(), values, 4).abs().square()
    floor = float(values.var() / len(values))
    image = axis.imshow(
        found.clamp(min=1e-6).log10().T, origin="lower", extent=(-4.5, 4.5, -4.5, 4.5), cmap="magma"
    )
    axis.set(xlabel="$k_1$", ylabel="$k_2$")
    axis.figure.colorbar(image, ax=axis, label="log₁₀ power")
    axis.set_title(f"{axis.get_title()}: noise below {np.log10(floor):.1f}")


def circle(axis: Axes, run: Run) -> None:
    theta = torch.linspace(0, 2 * torch.pi, 181)[:-1]
    found = measures.circle_harmonics(theta, run.outputs[-1], 12)
    axis.bar(range(13), found.amplitude, color=_DARK)
    axis.plot([1, 4], [1, 0.5], "o", color=_ACCENT, markersize=3)
    axis.set(xlabel="harmonic", ylabel="amplitude")
    _say(axis, f"residual {float(found.residual):.1g}")


def projection(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        values = run.network(run.x).squeeze(1)
    along = torch.eye(10)[[0, 5]]
    frequencies = torch.linspace(0.05, 1, 40)
    found = measures.projected_spectrum(run.x, values, along, frequencies).abs()
    axis.plot(frequencies, found[0], color=_DARK, label="along $x_1$, in the target")
    axis.plot(frequencies, found[1], ":", color=_DARK, label="along $x_6$, not in it")
    axis.set(xlabel="cycles per unit", ylabel="|coefficient|", ylim=(0, 0.6))
    axis.legend()


def low_high(axis: Axes, run: Run) -> None:
    generator = torch.Generator().manual_seed(9)
    x = torch.randn(400, 10, generator=generator)
    y = torch.sin(2 * x[:, 0]) + 0.5 * torch.sin(x[:, 1] - x[:, 2])
    with torch.no_grad():
        learned = run.network(x).squeeze(1)
    deltas = np.geomspace(0.5, 4, 12)
    errors = [measures.low_high_error(x, learned, y, float(delta)) for delta in deltas]
    axis.plot(deltas, [e.low for e in errors], color=_DARK, label="low")
    axis.plot(deltas, [e.high for e in errors], ":", color=_DARK, label="high")
    axis.set(xlabel="δ", ylabel="relative error on new data", ylim=(0, None))
    axis.legend()


def lines(axis: Axes, run: Run) -> None:
    found = measures.line_spectra(run.network, run.x, lines=64, generator=torch.Generator().manual_seed(0))
    axis.plot(found.frequencies[1:], found.power.T[1:], color=_LIGHT, linewidth=0.3)
    axis.plot(found.frequencies[1:], found.power.mean(0)[1:], color=_DARK)
    axis.set(xscale="log", yscale="log", xlabel="cycles per unit", ylabel="power", ylim=(1e-14, 1))
    _say(
        axis, f"centroid {float(found.centroid.nanmean()):.2f}, bandwidth {float(found.bandwidth.mean()):.2f}"
    )


def token_maps(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        logits = run.network(run.grid).view(20, 4, 20)
    found = measures.cyclic_spectrum(logits.transpose(0, 1))
    axis.imshow(logits[:, 2].softmax(-1), cmap="magma", vmin=0, vmax=1)
    expected = measures.expected_output(logits[:, 2])
    axis.plot(expected, range(20), ".", color="white", markersize=2)
    axis.set(xlabel="output token", ylabel="key")
    line = float(measures.shift_equivariant_share(logits[:, 2]))
    axis.set_title(
        f"{axis.get_title()}: shift share {float(found.shift_share.mean()):.2f}, {line:.2f} on the line"
    )


def representations(axis: Axes, run: Run) -> None:
    with torch.no_grad():
        hidden = torch.tanh(run.network.layers[1](torch.tanh(run.network.layers[0](run.grid))))
    key, shift = torch.cartesian_prod(torch.arange(20), torch.arange(4)).T
    answer = (key + 3 * shift + 1) % 20
    gaps = {
        name: float(measures.cosine_gap(hidden, classes).gap)
        for name, classes in {"answer": answer, "key": key, "shift": shift}.items()
    }
    axis.bar(range(3), list(gaps.values()), color=[_DARK, _LIGHT, _LIGHT])
    axis.set_xticks(range(3), [f"same {name}" for name in gaps])
    axis.set(ylabel="cosine gap", ylim=(-0.1, 1))
    columns = run.network.layers[0].weight.detach().mT[:20]
    around = torch.cos(2 * torch.pi * torch.arange(20) / 20)
    _say(axis, f"ordinality of keys {float(measures.ordinality(columns, around)):.2f}")


def boolean(axis: Axes, run: Run) -> None:
    values = run.outputs[-1].double()
    weights = measures.degree_weights(values)
    axis.bar(range(9), weights, color=_DARK)
    axis.plot([1, 2], [1, 1], "o", color=_ACCENT, markersize=3)
    axis.set(xlabel="degree", ylabel="weight")
    influence = float(measures.total_influence(values))
    largest = float(measures.sensitivity(values).max())
    sets = int((measures.walsh_spectrum(values).abs() > 0.05).sum())
    lines = (f"total influence {influence:.2f}", f"largest sensitivity {largest:.1f}")
    _say(axis, "\n".join((*lines, f"coefficients above 0.05: {sets}")))


def sampled(axis: Axes, run: Run) -> None:
    def function(x: Tensor) -> Tensor:
        with torch.no_grad():
            return run.network(x.float()).squeeze(1).double()

    exact = float(measures.total_influence(run.outputs[-1].double()))
    counts = [2**k for k in range(6, 15)]
    for n in counts:
        found = measures.sampled_total_influence(
            function, 8, samples=n, generator=torch.Generator().manual_seed(n)
        )
        axis.errorbar(n, float(found.value), yerr=2 * float(found.standard_error), fmt="o", color=_DARK)
    axis.axhline(exact, color=_ACCENT, linestyle=":")
    axis.set(xscale="log", xlabel="samples", ylabel="total influence")


def kernel(axis: Axes, run: Run) -> None:
    before = measures.neural_tangent_kernel(run.start.double(), run.x.double())
    after = measures.neural_tangent_kernel(run.network.double(), run.x.double())
    run.network.float(), run.start.float()
    for K, style, label in ((before, ":", "before"), (after, "-", "after")):
        rank = float(measures.effective_rank(K))
        axis.plot(
            range(1, 201), measures.kernel_spectrum(K), style, color=_DARK, label=f"{label}: rank {rank:.0f}"
        )
    axis.set(xscale="log", yscale="log", ylim=(1e-9, 2), xlabel="mode", ylabel="share of the trace")
    axis.legend(loc="lower left")
    y = run.y.double()
    top = [float(measures.target_spectrum(K, y)[:10].sum()) for K in (before, after)]
    alignment = [float(measures.kernel_alignment(K, y)) for K in (before, after)]
    drift = float(measures.kernel_drift(before, after))
    _say(
        axis,
        f"drift {drift:.2f}\nalignment {alignment[0]:.2f} → {alignment[1]:.2f}\n"
        f"target in top 10 {top[0]:.2f} → {top[1]:.2f}",
    )


def curvature(axis: Axes, run: Run) -> None:
    batches = [(run.x, run.y)]
    loss = nn.MSELoss()
    found = measures.hessian_density(run.network, loss, batches, iterations=40, repeats=2, points=400)
    top = measures.hessian_eigenvalues(run.network, loss, batches, k=3)
    trace = measures.hessian_trace(run.network, loss, batches, samples=16)
    axis.plot(found.eigenvalues, found.density.clamp(min=1e-12), color=_DARK)
    axis.plot(top.values, [2e-6] * 3, "|", color=_ACCENT, markersize=8)
    axis.set(yscale="log", ylim=(1e-6, None), xlabel="eigenvalue", ylabel="density")
    _say(
        axis,
        f"largest {float(top.values[0]):.1f} (residual {float(top.residuals[0]):.0e})\n"
        f"trace {float(trace.value):.0f} ± {float(trace.standard_error):.0f}",
    )


def regions(axis: Axes, run: Run) -> None:
    start, end = torch.tensor([-1.0]), torch.tensor([1.0])
    found = measures.linear_pieces(run.network, start, end)
    with torch.no_grad():
        axis.plot(run.grid[:, 0], run.network(run.grid).squeeze(1), color=_DARK)
        at = 2 * found.breakpoints - 1
        axis.plot(at, run.network(at[:, None].float()).squeeze(1), ".", color=_ACCENT, markersize=3)
    axis.plot(run.x, run.y, "x", color=_LIGHT, markersize=3)
    axis.set(xlabel="x", ylabel="f(x)")
    places = 1 + int((found.breakpoints.diff() > 0.01).sum())
    _say(axis, f"{found.count} linear pieces\nkinks at {places} places", top=False)


def jacobian(axis: Axes, run: Run) -> None:
    found = measures.jacobian_norms(run.network, run.x)
    axis.hist(found.frobenius.numpy(), bins=np.linspace(0, 4, 30), color=_DARK)
    axis.set(xlabel="‖∂f/∂x‖ at a sample", ylabel="samples")
    _say(axis, f"mean {float(found.frobenius.mean()):.2f}")
