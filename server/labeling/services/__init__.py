"""What may be done to the queue and to labels, one module an idea. Each function is one transaction."""
