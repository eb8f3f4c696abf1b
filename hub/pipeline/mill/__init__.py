"""The mill: reads foreign bytes and runs foreign recipes, in the child process."""
