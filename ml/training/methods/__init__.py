"""Ways of learning from a support set, each from its paper."""
