"""How fast a run trains: characters and seconds of its steps; evaluation, samples and saving are not counted."""


class Stopwatch:
    """Adds up steps. `earlier` are the seconds of earlier sessions of the same run."""

    def __init__(self) -> None:
        self.chars = 0
        self.elapsed = 0.0
        self.earlier = 0.0

    def add(self, chars: int, seconds: float) -> None:
        """Count one step."""
        self.chars += chars
        self.elapsed += seconds

    def restart(self) -> None:
        """Forget the steps of this session."""
        self.chars = 0
        self.elapsed = 0.0

    @property
    def chars_per_second(self) -> float:
        """The speed of this session; 0 before its first step."""
        return self.chars / self.elapsed if self.elapsed else 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training, earlier sessions included."""
        return self.earlier + self.elapsed
