"""Where jobs run: claims, watches, the pool of processes, threads, and the janitor."""
