"""What tests share: processes, disks that fail, random models and texts, and the table of what must never fail."""
