"""An application whose jobs do nothing, laid beside a copy of the project's engine."""
