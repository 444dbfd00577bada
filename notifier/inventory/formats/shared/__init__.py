"""What several inventory formats have in common: how they name daemons, distributions, packages and images. Pure."""
