"""The bootstrap: statistics drawn anew from the sums over their samples, with a fixed seed.

Resampling rows would need the rows. What a resample changes is how much weight falls on each atom (see
`keras_fair.audit.atoms`) and what the means within the atoms are, and both can be drawn from sums:

    weight of an atom     Gamma(n + 1/2 or 0), scaled         a Dirichlet over atoms, as in Rubin's bootstrap
    a mean of 0/1 values  Beta(k + 1/2, n - k + 1/2)          never surer than the counts allow
    any other mean        m + s / sqrt(n) (1 + 1/n) t(n - 1)  wide enough for small groups

with `n` the effective size of the atom, `(sum w)^2 / sum w^2`. Several means of one atom are drawn with the
correlation that they have. A covariance is also scaled by a power of an inverse chi-square: where few samples
scatter little by chance, both the covariance and its error come out too small. A statistic is then put
together from its atoms as it was from the data. Drawing with Student's t and with the half counts is what
keeps the coverage at groups of 20, where resampling rows undercovers. Groups known as probabilities have no
atoms; their statistics are drawn jointly from Student's t with their linearised covariance.

Rubin, "The Bayesian bootstrap", Annals of Statistics 9 (1981).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from keras_fair.audit.atoms import Atoms, atoms_of, covariance_of
from keras_fair.audit.estimates import Groups, Selected
from keras_fair.language.nodes import Share, Statistic

__all__ = ["DRAWS", "draws_of"]

DRAWS = 4000
_FEWEST_DRAWS = 1000
_MOST_NUMBERS = 3e7  # numbers that are drawn at once


def draws_of(selected: Sequence[Selected], groups: Groups, seed: int) -> dict[Statistic, np.ndarray]:
    """Draws of statistics, jointly; NaN where a group is too small to say how it varies.

    Args:
        selected: the statistics, all of one table, each with some weight.
        groups: the groups of that table.
        seed: of the draws.

    Returns:
        For each statistic `(DRAWS,)`, fewer where there are very many atoms.
    """
    generator = np.random.default_rng(seed)
    atoms = atoms_of(selected, groups)
    if atoms is None:
        return _linearised(selected, groups, generator)
    atoms = _with_empty_events(atoms, [isinstance(selection.statistic, Share) for selection in selected])
    used = sorted({quantity for selection in selected for quantity in selection.quantities})
    count = len(atoms.size)
    draws = int(np.clip(_MOST_NUMBERS / max(count * (1 + len(used)), 1), _FEWEST_DRAWS, DRAWS))
    weights = _weights(atoms, selected, draws, generator)
    means = _means(atoms, used, groups.binary, draws, generator)
    drawn_values: dict[Statistic, np.ndarray] = {}
    for row, selection in enumerate(selected):
        members = atoms.members[row]
        total = weights[:, members].sum(axis=1)
        if isinstance(selection.statistic, Share):
            drawn_values[selection.statistic] = weights[:, members & atoms.event[row]].sum(axis=1) / total
            continue
        drawn = [
            np.sum(weights[:, members] * means[quantity][:, members], axis=1) / total
            for quantity in selection.quantities
        ]
        value = drawn[0]
        if len(drawn) > 1:
            size = float(atoms.effective[members].sum())
            value = (drawn[0] - drawn[1] * drawn[2]) * _scale_of_covariance(size, draws, generator)
        if atoms.effective[members].sum() < 2 and not selection.rate:
            value = np.full(draws, np.nan)
        drawn_values[selection.statistic] = value
    return drawn_values


def _with_empty_events(atoms: Atoms, shares: Sequence[bool]) -> Atoms:
    """The atoms, and an empty one where a share counts all or none of its samples: others may differ."""
    known = len(atoms.size)
    sources: list[int] = []
    flips: list[tuple[int, bool]] = []
    for row, share in enumerate(shares):
        inside = atoms.members[row]
        if not share or not inside.any():
            continue
        for side in (True, False):
            if not (inside & (atoms.event[row] == side)).any():
                sources.append(int(np.argmax(np.where(inside, atoms.first[:, 0], -1.0))))
                flips.append((row, side))
    if not sources:
        return atoms
    every = [*range(known), *sources]
    event, size, first, second = (
        atoms.event[:, every],
        atoms.size[every],
        atoms.first[every],
        atoms.second[every],
    )
    for place, (row, side) in enumerate(flips, start=known):
        event[row, place] = side
    scale = second[known:, 0, 0] / first[known:, 0]
    tiny = 1e-12  # of a sample
    size[known:], first[known:], second[known:] = 0.0, 0.0, 0.0
    first[known:, 0], second[known:, 0, 0] = tiny * scale, tiny * scale**2
    return Atoms(atoms.members[:, every], event, size, first, second)


def _weights(
    atoms: Atoms, selected: Sequence[Selected], draws: int, generator: np.random.Generator
) -> np.ndarray:
    """The weights of the atoms in each draw, `(draws, atoms)`."""
    counted = np.zeros(len(atoms.size), dtype=bool)
    for row, selection in enumerate(selected):
        if isinstance(selection.statistic, Share):
            counted |= atoms.members[row]
    shape = atoms.effective + np.where(counted, 0.5, 0.0)
    return generator.gamma(shape, size=(draws, len(shape))) * (atoms.second[:, 0, 0] / atoms.first[:, 0])


def _means(
    atoms: Atoms, used: Sequence[int], binary: Sequence[bool], draws: int, generator: np.random.Generator
) -> dict[int, np.ndarray]:
    """The means within atoms of some quantities, `(draws, atoms)` each."""
    if not used:
        return {}
    columns = [1 + quantity for quantity in used]
    n = np.maximum(atoms.effective, 1e-12)
    weight = atoms.first[:, 0]
    mean = atoms.first[:, columns] / weight[:, None]
    # sum w^2 (q - m)(r - m) / (sum w)^2 n / (n - 1)
    cross = atoms.second[:, columns][:, :, columns]
    with_one = atoms.second[:, 0, columns]
    square = atoms.second[:, 0, 0]
    centred = (
        cross
        - mean[:, :, None] * with_one[:, None, :]
        - mean[:, None, :] * with_one[:, :, None]
        + mean[:, :, None] * mean[:, None, :] * square[:, None, None]
    )
    freedom = np.maximum(n - 1, 0.0)
    several = freedom >= 1 - 1e-9
    error = centred / weight[:, None, None] ** 2 * (n / np.maximum(freedom, 1e-9))[:, None, None]
    error[~several] = _pooled(centred, weight, n)[None] / n[~several, None, None]
    spread = np.sqrt(np.maximum(np.diagonal(error, axis1=1, axis2=2), 0.0))
    normal = generator.standard_normal((draws, *mean.shape))
    if len(used) > 1:
        normal = np.einsum("aij,daj->dai", _root_of_correlation(error, spread), normal)
    freedom = np.maximum(freedom, 1.0)
    spread = spread * (1 + 1 / np.maximum(n, 1.0))[:, None]
    heavy = np.sqrt(freedom / np.maximum(generator.chisquare(freedom, size=(draws, len(freedom))), 1e-300))
    means = {}
    for place, quantity in enumerate(used):
        if binary[quantity]:
            ones, zeros = n * mean[:, place], n * (1 - mean[:, place])
            chances = np.maximum(ones, 0.0) + 0.5, np.maximum(zeros, 0.0) + 0.5
            beta = np.sort(generator.beta(*chances, size=(draws, len(n))), axis=0)
            ranks = np.argsort(np.argsort(normal[:, :, place], axis=0), axis=0)
            means[quantity] = np.take_along_axis(beta, ranks, axis=0)
        else:
            means[quantity] = mean[:, place] + spread[:, place] * normal[:, :, place] * heavy
    return means


def _scale_of_covariance(size: float, draws: int, generator: np.random.Generator) -> np.ndarray:
    """`(n/(n-1))^2 ((n-1)/chi2(n-1))^p` with `p = 3.5/sqrt(n)`, at most 0.8: chosen by measured coverage."""
    freedom = max(size - 1, 1.0)
    power = min(0.8, 3.5 / np.sqrt(size))
    return (size / freedom) ** 2 * (freedom / generator.chisquare(freedom, size=draws)) ** power


def _pooled(centred: np.ndarray, weight: np.ndarray, n: np.ndarray) -> np.ndarray:
    """The covariance of single samples within atoms, all atoms together."""
    freedom = np.maximum(n - 1, 0.0).sum()
    if not freedom > 0:
        return np.zeros(centred.shape[1:])
    alone = centred * (n / weight)[:, None, None] ** 2
    return alone.sum(axis=0) / freedom


def _root_of_correlation(error: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """The symmetric root of the correlation of each atom. Unlike other roots, it changes little when the sums
    change little."""
    scale = np.where(spread > 0, spread, 1.0)
    correlation = error / (scale[:, :, None] * scale[:, None, :])
    values, vectors = np.linalg.eigh((correlation + correlation.transpose(0, 2, 1)) / 2)
    scaled = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    return scaled @ vectors.transpose(0, 2, 1)


def _linearised(
    selected: Sequence[Selected], groups: Groups, generator: np.random.Generator
) -> dict[Statistic, np.ndarray]:
    values, covariance, effective = covariance_of(selected, groups)
    roots, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    normal = generator.standard_normal((DRAWS, len(values)))
    freedom = max(float(np.min(effective)) - 1, 1.0)
    heavy = np.sqrt(freedom / generator.chisquare(freedom, size=(DRAWS, 1)))
    drawn = values + heavy * (normal @ ((vectors * np.sqrt(np.maximum(roots, 0.0))) @ vectors.T))
    drawn_values = {}
    for row, selection in enumerate(selected):
        column = drawn[:, row]
        if isinstance(selection.statistic, Share):
            column = np.clip(column, 0.0, 1.0)
        drawn_values[selection.statistic] = column if effective[row] >= 2 else np.full(DRAWS, np.nan)
    return drawn_values
