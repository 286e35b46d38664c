"""Named rewriting rules, one file a family; the docstring of a rule is the identity it applies."""
