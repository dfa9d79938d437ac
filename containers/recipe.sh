#!/bin/sh
# What an image holds, on Debian as root; haven.def (Apptainer) and Dockerfile (Docker, Podman, Buildah) both call it:
#   recipe.sh install cpu|gpu|pytorch|gpaw     with the locks beside it
#   recipe.sh check DEVICE                     as any user, in the image made so
set -eu
locks=$(dirname "$0")
PATH=/opt/haven/bin:/usr/bin:/bin:/usr/sbin:/sbin LC_ALL=C.UTF-8

install() {
  lists=$1 build='' libraries=''
  export DEBIAN_FRONTEND=noninteractive
  case $lists in
    cpu) lists=run ;;
    pytorch) lists='run pytorch' libraries='g++ python3-dev' ;; # a network is compiled for the machine that runs it
    gpaw)
      lists=label libraries='libxc9 libopenblas0-pthread libfftw3-double3' build='g++ python3-dev libxc-dev libopenblas-dev libfftw3-dev'
      export CC=g++ GPAW_CONFIG="$locks/gpaw_siteconfig.py"
      ;;
  esac
  apt-get -qq update
  # shellcheck disable=SC2086 # lists of packages
  apt-get -qq install -y --no-install-recommends ca-certificates procps python3 python3-venv $libraries $build
  python3 -m venv /opt/haven
  [ ! -e /mnt/pip.conf ] || export PIP_CONFIG_FILE=/mnt/pip.conf
  for list in $lists; do
    /opt/haven/bin/pip install --no-cache-dir --progress-bar off --require-hashes -r "$locks/requirements-$list.txt"
  done
  # shellcheck disable=SC2086
  [ -z "$build" ] || apt-get -qq purge -y --auto-remove $build
  apt-get clean
  rm -rf /var/lib/apt/lists/*
  chmod -R a+rX /opt
}

check() {
  cd "$(mktemp -d -p /tmp)"
  if [ "$1" = gpaw ]; then
    cat >hydrogen.py <<'PY'
from ase import Atoms
from gpaw import GPAW

atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.74]], cell=[4, 4, 5])
atoms.center()
atoms.calc = GPAW(mode={"name": "pw", "ecut": 200}, txt=None)
assert -8 < atoms.get_potential_energy() < -5, atoms.get_potential_energy()
PY
    python3 hydrogen.py
    return
  fi
  dp --version
  [ "$1" != pytorch ] || python3 -c 'import torch; assert torch.version.cuda, "PyTorch is built for processors alone"'
  printf '%s\n' 'units lj' 'lattice fcc 0.8' 'region box block 0 3 0 3 0 3' 'create_box 1 box' 'create_atoms 1 box' \
    'mass 1 1' 'pair_style lj/cut 2.5' 'pair_coeff 1 1 1 1' 'velocity all create 1 1' 'fix 1 all nve' 'run 20' 'info styles pair' >in
  lmp -in in >out
  { grep -q 'Loop time' out && grep -wq deepmd out; } || { cat out; exit 1; }
}

"$@"
