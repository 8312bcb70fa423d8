"""Uploaded files: an upload URL is given out, bytes arrive, the upload is completed into a channel."""

import mimetypes
from dataclasses import dataclass

from lab.slack.wire import Json, RefusedError, new_id


@dataclass
class File:
    id: str
    name: str
    length: int
    alt_text: str
    title: str = ""
    data: bytes | None = None

    @property
    def content_type(self) -> str:
        guessed = mimetypes.guess_type(self.name)[0]
        return guessed or ("text/plain" if self._is_text() else "application/octet-stream")

    def _is_text(self) -> bool:
        try:
            (self.data or b"").decode()
        except UnicodeDecodeError:
            return False
        return True

    def wire(self, base_url: str) -> Json:
        url = f"{base_url}/files/{self.id}"
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.content_type,
            "filetype": self.name.rpartition(".")[2],
            "size": self.length,
            "alt_txt": self.alt_text,
            "url_private": url,
            "permalink": url,
        }


class Files:
    def __init__(self) -> None:
        self._files: dict[str, File] = {}

    def expect(self, name: str, length: int, alt_text: str) -> File:
        if length < 1:
            raise RefusedError("invalid_arguments", ["must be more than 0 [json-pointer:/length]"])
        file = File(new_id("F"), name, length, alt_text)
        self._files[file.id] = file
        return file

    def find(self, file_id: str) -> File:
        if file_id not in self._files:
            raise RefusedError("file_not_found")
        return self._files[file_id]

    def receive(self, file_id: str, data: bytes) -> File:
        file = self.find(file_id)
        if len(data) != file.length:
            raise RefusedError("file_upload_size_mismatch")
        file.data = data
        return file
