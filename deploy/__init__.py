"""`python3 -m deploy HOST`: the files in this folder, filled in for every function."""
