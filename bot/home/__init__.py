"""App Home: the fleet as one person sees it, kept current while they look."""
