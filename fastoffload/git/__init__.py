"""Git: one way to call it, repositories of our own, and the user's work tree."""
