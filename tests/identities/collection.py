"""Every identity of the table: those that errors are planted in (``problems``), and the further ones."""

from __future__ import annotations

from .further_matrices import FURTHER_MATRICES
from .further_models import FURTHER_MODELS
from .further_products import FURTHER_PRODUCTS
from .problems import PROBLEMS, Problem

ALL: list[Problem] = [*PROBLEMS, *FURTHER_MATRICES, *FURTHER_PRODUCTS, *FURTHER_MODELS]
