"""The sample: rows in, a long computation, rows and a PDF out. Delete the folder as you like."""
