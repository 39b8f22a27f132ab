"""What blocks an application's event loop, found by running it."""
