"""The commands: one file each, with its options, its call and its view; and their list."""

# In the order of the help. Each is a module of that name, with a function of that name and an
# EXAMPLE.
COMMANDS = (
    *("new", "add", "init", "update", "switch", "status"),
    *("strategies", "recipes", "choose", "doctor", "bench", "smoke"),
)
INTERNAL = ("smoke",)  # for work on the templates: run as any other, but not in the help
