"""The kinds of jobs: a folder each. The engine finds them; they are listed nowhere."""
