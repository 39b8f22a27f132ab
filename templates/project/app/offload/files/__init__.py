"""Files: uploads into the store, what runs read and keep, artifacts out of it."""
