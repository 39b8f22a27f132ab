"""How the commands of the Procfile are run in development."""
