"""The lab's object storage in a thread of its own, for the blocking clients."""

from lab.s3.faults import Fault
from lab.s3.server import S3Api
from lab.s3.settings import S3Settings
from tests.loop_thread import LoopThread


class RunningS3:
    def __init__(self, settings: S3Settings | None = None) -> None:
        self.api = S3Api(settings)
        self._loop = LoopThread()
        self.url = self._loop.call(self.api.start())

    def stop(self) -> None:
        self._loop.call(self.api.stop())
        self._loop.stop()

    def fault(self, kind: str, method: str = "*", times: int = 1) -> None:
        """Have the next answers fail."""
        self.api.faults.plan(Fault.model_validate({"kind": kind, "method": method, "times": times}))

    def asked(self, method: str) -> list[int]:
        """The status of each request of a method; 0 for an answer that was lost."""
        return [one.status for one in self.api.requests.requests if one.method == method]
