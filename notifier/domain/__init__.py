"""Values that every other room speaks in: components, hosts, subscriptions, filters, messages, deliveries. Pure."""
