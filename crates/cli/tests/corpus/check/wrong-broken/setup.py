setup(
