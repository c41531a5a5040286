"""Teacher and student: how they are loaded, built and counted."""
