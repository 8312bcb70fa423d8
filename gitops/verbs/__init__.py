"""What each verb does once its intent has arrived: look, decide, or commit. No verb changes a machine by itself."""
