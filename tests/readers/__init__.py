"""What we write, given to the programs that others read it with: `make readers`."""
