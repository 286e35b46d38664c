"""deqmath: the mathematics of implicit neural networks, derived, checked, generated and certified.

Public names are listed once, here, and imported on first use, so that ``import deqmath`` and
``deqmath --help`` stay fast.
"""
