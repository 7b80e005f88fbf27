"""Measures how fast a run trains: characters and seconds of its steps, without evaluations, samples and saves."""


class Stopwatch:
    """Adds up the characters and seconds of steps.

    Attributes:
        chars: characters of this session.
        elapsed: seconds of this session.
        earlier: seconds of earlier sessions of the same run.
    """

    def __init__(self) -> None:
        self.chars = 0
        self.elapsed = 0.0
        self.earlier = 0.0

    def add(self, chars: int, seconds: float) -> None:
        """Add one step."""
        self.chars += chars
        self.elapsed += seconds

    def restart(self) -> None:
        """Forget the steps of this session."""
        self.chars = 0
        self.elapsed = 0.0

    @property
    def chars_per_second(self) -> float:
        """Characters per second of this session; 0 before its first step."""
        return self.chars / self.elapsed if self.elapsed else 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training, earlier sessions included."""
        return self.earlier + self.elapsed
