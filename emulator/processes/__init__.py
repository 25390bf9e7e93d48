"""Long-running child processes: started, watched, ended in order."""
