"""How an application is started, and a worker beside it: what init adds to Procfile and compose."""
