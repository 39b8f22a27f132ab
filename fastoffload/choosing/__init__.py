"""Which strategy fits: questions, rules, and what a benchmark measured."""
