"""`crtsh`: what Certificate Transparency tells of our names."""
