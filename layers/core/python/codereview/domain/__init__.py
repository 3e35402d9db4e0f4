"""What a review is: values and pure decisions, without I/O."""
