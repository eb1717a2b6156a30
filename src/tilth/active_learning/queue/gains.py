"""What a person's answer to a row is worth: rows that are set right, by the rows that are like it.

A row's label tells of the rows around it. With w(i, j) the cosine of rows i and j to the power of four, over each row's
nearest rows, and half of itself:

- A row *without* a label in force tells of the uncertain rows that no labeled row is as like: the sum over i of
  u(i) * max(0, w(i, j) - the best w(i, labeled)), u = (1 - margin)^2 being how unsure the model is. It is the gain of
  the strategy `uncertain_mass`, on the nearest rows alone.
- A label *in force* tells of row i by its share in all that does: w(i, j) / sum over labeled l of w(i, l). Were it
  wrong, the answer would set right what it tells: doubt * the sum over i of w(i, j) * that share. So a wrong label
  among many right ones harms little, and one that stands alone harms much.

Both are numbers of rows, so that they can be compared, and both are divided by the time that a person needs: what the
kind of question takes, and reading at 238 words a minute (Brysbaert 2019).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from tilth.learn import Neighbors

NEAREST = 32
_POWER = 4
_WORDS_A_MINUTE = 238
_ITSELF = 0.5
"""How far a row tells of itself. An answer is worth what it says of rows to come; of one that nothing else is like, it
is anybody's guess whether another one comes, and most of such rows are junk."""


def weights(neighbors: Neighbors) -> sparse.csr_array:
    """How much each row says about each other one, and of itself: symmetric, shape (rows, rows)."""
    one_way = neighbors.matrix(np.clip(neighbors.similarities, 0, 1).astype(np.float32) ** _POWER)
    both = one_way.maximum(one_way.T)
    both.setdiag(_ITSELF)
    return sparse.csr_array(both)


def newly_settled(edges: sparse.csr_array, labeled: np.ndarray, unsure: np.ndarray) -> np.ndarray:
    """How much a label of each row would newly settle of uncertain rows, shape (rows,); 0 of rows that are labeled.

    Args:
        edges: by `weights`.
        labeled: boolean, shape (rows,): rows whose label is in force.
        unsure: (1 - margin)^2 of each row, 0 of those that are labeled, shape (rows,).
    """
    known = edges @ sparse.diags_array(labeled.astype(np.float32))
    covered = known.max(axis=1).toarray().ravel() if len(labeled) else np.zeros(0)
    new = edges.copy()
    new.data = np.maximum(new.data - np.repeat(covered, np.diff(new.indptr)), 0)
    return np.where(labeled, 0, new.T @ unsure)


def dependent_rows(edges: sparse.csr_array, trust: np.ndarray) -> np.ndarray:
    """How many rows hang on the label of each row, shape (rows,): its share in what settles them, summed up.

    Args:
        edges: by `weights`.
        trust: weight of each row's label in force, 0 where there is none, shape (rows,).
    """
    neighbor_trust = edges @ trust
    own = np.where(trust > 0, 0, 1)  # of a row without a label: were it given one
    shares = edges.copy()
    line = np.repeat(np.arange(len(trust)), np.diff(edges.indptr))
    whole = neighbor_trust[line] + own[edges.indices] * edges.data
    shares.data = edges.data**2 * np.where(trust[edges.indices] > 0, trust[edges.indices], 1) / np.maximum(whole, 1e-9)
    return np.asarray(shares.sum(axis=0)).ravel()


def reading_seconds(texts: list[str]) -> np.ndarray:
    """What reading each text takes, shape (texts,)."""
    return np.array([60 * len(text.split()) / _WORDS_A_MINUTE for text in texts])
