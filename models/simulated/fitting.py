"""Logistic regression by Newton's method and its measures, in plain Python: no tool's version changes a digit."""

from __future__ import annotations

import math
from collections.abc import Sequence

RIDGE = 1.0
"""Weight of the penalty on standardised weights; keeps a feature that says nothing near zero."""

_STEPS = 12


def fit(rows: Sequence[Sequence[float]], labels: Sequence[int]) -> tuple[float, list[float]]:
    """Return intercept and weights for rows as they are, standardisation folded back."""
    means = [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]
    deviations = [
        math.sqrt(math.fsum((value - mean) ** 2 for value in column) / len(rows)) or 1.0
        for column, mean in zip(zip(*rows, strict=True), means, strict=True)
    ]
    scaled = [
        [1.0, *((value - mean) / spread for value, mean, spread in zip(row, means, deviations, strict=True))]
        for row in rows
    ]
    solution = [0.0] * len(scaled[0])
    for _ in range(_STEPS):
        solution = _newton(scaled, labels, solution)
    weights = [weight / spread for weight, spread in zip(solution[1:], deviations, strict=True)]
    return solution[0] - math.fsum(map(_product, zip(weights, means, strict=True))), weights


def sigmoid(log_odds: float) -> float:
    """Turn log-odds into a probability."""
    return 1.0 / (1.0 + math.exp(-max(-700.0, min(700.0, log_odds))))


def auc(scores: Sequence[float], labels: Sequence[int]) -> float:
    """Return how often a positive is scored above a negative; ties count half."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    ranks = [0.0] * len(scores)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and scores[order[end]] == scores[order[start]]:
            end += 1
        for index in order[start:end]:
            ranks[index] = (start + 1 + end) / 2
        start = end
    positives = sum(labels)
    above = math.fsum(rank for rank, label in zip(ranks, labels, strict=True) if label)
    return (above - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))


def log_loss(scores: Sequence[float], labels: Sequence[int]) -> float:
    """Return the mean negative log-likelihood."""
    return -math.fsum(
        math.log(score if label else 1.0 - score) for score, label in zip(scores, labels, strict=True)
    ) / len(labels)


def calibration(scores: Sequence[float], labels: Sequence[int], bins: int = 5) -> list[dict[str, float]]:
    """Return mean score and rate of the label by fifths of the score, the lowest first."""
    order = sorted(range(len(scores)), key=scores.__getitem__)
    found: list[dict[str, float]] = []
    for number in range(bins):
        part = order[number * len(order) // bins : (number + 1) * len(order) // bins]
        found.append(
            {
                "people": len(part),
                "mean_score": round(math.fsum(scores[index] for index in part) / len(part), 4),
                "rate": round(sum(labels[index] for index in part) / len(part), 4),
            }
        )
    return found


def _newton(rows: Sequence[Sequence[float]], labels: Sequence[int], at: Sequence[float]) -> list[float]:
    size = len(at)
    gradient = [0.0, *(-RIDGE * weight for weight in at[1:])]
    curvature = [[RIDGE if row == column and row else 0.0 for column in range(size)] for row in range(size)]
    for row, label in zip(rows, labels, strict=True):
        score = sigmoid(math.fsum(map(_product, zip(row, at, strict=True))))
        error, spread = label - score, score * (1.0 - score)
        for first in range(size):
            gradient[first] += error * row[first]
            weighted = spread * row[first]
            line = curvature[first]
            for second in range(first, size):
                line[second] += weighted * row[second]
    for first in range(size):
        for second in range(first):
            curvature[first][second] = curvature[second][first]
    return [value + step for value, step in zip(at, _solve(curvature, gradient), strict=True)]


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve by elimination; the matrix is symmetric and positive definite, so no pivot is zero."""
    size = len(right)
    table = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for pivot in range(size):
        for row in range(pivot + 1, size):
            factor = table[row][pivot] / table[pivot][pivot]
            for column in range(pivot, size + 1):
                table[row][column] -= factor * table[pivot][column]
    found = [0.0] * size
    for row in reversed(range(size)):
        known = math.fsum(table[row][column] * found[column] for column in range(row + 1, size))
        found[row] = (table[row][size] - known) / table[row][row]
    return found


def _product(pair: tuple[float, float]) -> float:
    return pair[0] * pair[1]
