"""What one can ask about exposure: lists, reports, plans, gates, trends, and the evidence."""
