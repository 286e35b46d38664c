"""Code from expressions: a plan of linear algebra, passes over it, and one file a target library."""

from deqmath.codegen.build import register
from deqmath.codegen.companion import DerivativeOf
from deqmath.codegen.generate import generate
from deqmath.codegen.module import GeneratedModule

__all__ = ["DerivativeOf", "GeneratedModule", "generate", "register"]
