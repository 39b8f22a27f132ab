"""What can be seen of the engine from outside: logs, metrics, traces, a loop that stands still."""
