"""Reading labelled images and keeping their vectors."""
