"""What a name or an expression is, as far as the code alone tells.

In layers, each a class on top of the one before: names, annotations, classes, arguments, branches,
calls, expressions. `Resolver` in expressions is what others use.
"""
