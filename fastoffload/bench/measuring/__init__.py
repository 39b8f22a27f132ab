"""What is measured: latency under load, throughput, losses, jobs that do nothing."""
