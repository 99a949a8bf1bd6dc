"""Django's storage of files in a folder, such that a file has its name only once it is whole.

Django's own copies into the final name, and moves uploads over from another disk, which copies as
well: a process that is killed then leaves a part of the file where all of it is looked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage
from django.utils._os import safe_join

from mppcqa.disk import whole_file


class WholeFiles(FileSystemStorage):
    """Files in a folder, written beside their name, flushed, and renamed.

    What is kept for good may lie in a second folder, of slower or larger disks
    (`MPPCQA_SECOND_STORE`), under the same name: it is read there as it is here.
    """

    def here(self, name: str) -> Path:
        """Where a file lies, or would lie, in the first folder."""
        return Path(super().path(name))

    def there(self, name: str) -> Path | None:
        """And in the second; None where there is no such folder."""
        second = (
            settings.MPPCQA_SECOND_STORE
            if str(self.location) == str(Path(settings.MEDIA_ROOT).absolute())
            else ""
        )
        return Path(safe_join(second, name)) if second else None

    def path(self, name: str) -> str:
        """Where a file is: in the second folder only if it is there and not in the first."""
        first, second = self.here(name), self.there(name)
        if second is None or first.exists() or not second.exists():
            return str(first)
        return str(second)

    def open(self, name: str, mode: str = "rb") -> File[Any]:
        """A file, wherever it lies."""
        try:
            return super().open(name, mode)
        except FileNotFoundError:
            return super().open(name, mode)  # it was on its way to the other folder

    def _save(self, name: str, content: File[Any]) -> str:
        while True:
            path = Path(self.path(name))
            try:
                with whole_file(path, fresh=True) as part:
                    with part.open("wb") as file:
                        for piece in content.chunks():
                            file.write(piece)
                    if self.file_permissions_mode is not None:
                        part.chmod(self.file_permissions_mode)
            except FileExistsError:
                # Taken since the caller asked for a free one.
                name = self.get_available_name(name)
            else:
                return path.relative_to(Path(self.location)).as_posix()
