"""Commands behind the make targets, and what they share with the emulator."""
