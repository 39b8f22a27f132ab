"""The engine inside an application that exists: what it is, what it becomes, and the way back."""
