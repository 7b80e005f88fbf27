"""The version, alone in a file, so that modules can name it without importing the package's public names."""

__version__ = "0.2.0"
