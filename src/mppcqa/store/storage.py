"""Django's storage of files in a folder, such that a file has its name only once it is whole.

Django's own copies into the final name, and moves uploads over from another disk, which copies as
well: a process that is killed then leaves a part of the file where all of it is looked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage

from mppcqa.disk import whole_file


class WholeFiles(FileSystemStorage):
    """Files in a folder, written beside their name, flushed, and renamed."""

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
