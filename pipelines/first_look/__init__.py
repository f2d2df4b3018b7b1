"""What people do with a file before it is a source: look at how it would be read, and let a first mapping be
guessed. Nothing here is part of a night, and nothing here writes anything but what it was asked for."""
