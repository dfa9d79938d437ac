# What GPAW links with; read while it is compiled, through GPAW_CONFIG. Serial: labels run one a core.
fftw = True
mpi = False
libraries = ["xc", "openblas", "fftw3"]
