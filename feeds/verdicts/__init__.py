"""From what several sources say about one product to one verdict, with its evidence. Pure."""
