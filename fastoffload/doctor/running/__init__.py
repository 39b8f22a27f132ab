"""What blocks an application's event loop, found by running it."""

from fastoffload.doctor.running.attach import attach_text
from fastoffload.doctor.running.drive import drive
from fastoffload.doctor.running.options import DriveOptions, DriveResult

__all__ = ["DriveOptions", "DriveResult", "attach_text", "drive"]
