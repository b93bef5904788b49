"""The files of the two datasets: what each is called, how it is read and written."""
