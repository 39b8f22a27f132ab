"""A project under smoke, and what it needs: programs, environments, servers, templates."""
