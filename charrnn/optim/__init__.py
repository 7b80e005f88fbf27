"""Update rules, gradient clipping and learning-rate schedules, all on flat vectors."""
