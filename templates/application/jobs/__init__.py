"""The kinds of jobs: a folder each, found by the engine and listed nowhere."""
