"""What blocks an application's event loop, found by running it."""

from fastoffload.doctor.running.attach import attach_text
from fastoffload.doctor.running.drive import drive
from fastoffload.doctor.running.options import DriveOptions

__all__ = ["DriveOptions", "attach_text", "drive"]
