"""Make ``tests.identities`` importable, after the installed deqmath, so that what is installed is what is tested."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
