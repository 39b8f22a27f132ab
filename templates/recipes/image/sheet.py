"""A contact sheet: pictures in rows, each in the middle of its cell."""

from PIL import Image

GAP = 8  # pixels around each cell


class Sheet:
    """Pictures of up to `size` x `size` pixels, in `columns` from left to right."""

    def __init__(self, count: int, columns: int, size: int) -> None:
        self._columns, self._size, self._added = min(columns, count), size, 0
        rows = -(-count // self._columns)  # rounded up
        self.image = Image.new("RGB", (_extent(self._columns, size), _extent(rows, size)), "white")

    def add(self, picture: Image.Image) -> None:
        """Draw a picture into the next cell."""
        row, column = divmod(self._added, self._columns)
        left = GAP + column * (self._size + GAP) + (self._size - picture.width) // 2
        top = GAP + row * (self._size + GAP) + (self._size - picture.height) // 2
        self.image.paste(picture, (left, top))
        self._added += 1


def _extent(cells: int, size: int) -> int:
    return GAP + cells * (size + GAP)
