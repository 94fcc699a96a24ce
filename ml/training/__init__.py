"""Training: one loop, small learners, networks and the images they see."""
