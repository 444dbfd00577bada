"""Version numbers: the order of upstream and package versions, ranges, and products. Pure."""
