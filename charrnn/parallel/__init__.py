"""One training step shared out over processes."""

from charrnn.parallel.shards import auto_shards
from charrnn.parallel.team import Team

__all__ = ["Team", "auto_shards"]
