"""What GPAW links with; its compilation reads this through GPAW_CONFIG. Serial: a core a frame."""

fftw = True
mpi = False
libraries = ["xc", "openblas", "fftw3"]
