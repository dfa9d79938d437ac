#!/usr/bin/env bash
# Builds the Apptainer images: containers/build.sh [cpu] [gpu] [pytorch] [gpaw] [--from debian:bookworm-slim] [--to FOLDER] [--unpacked]
# Without --from, Debian's own packages make the base (debootstrap, from the mirror in this machine's apt settings), so that no
# image registry is needed. With --unpacked each image is a folder of that name, from which tasks start faster. Needs apptainer,
# squashfs-tools, and root, or a range in /etc/subuid for the user.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"

die() { printf 'haven: error: %s\n' "$*" >&2; exit 2; }
images=() base='' folder=$PWD unpacked=''
while [ $# -gt 0 ]; do
  case $1 in
    cpu | gpu | pytorch | gpaw) images+=("$1") ;;
    --from) base=${2:?--from needs an image} && shift ;;
    --to) folder=${2:?--to needs a folder} && shift ;;
    --unpacked) unpacked=yes ;;
    *) die "there is no image '$1': choose cpu, gpu, pytorch, gpaw" ;;
  esac
  shift
done
[ "${#images[@]}" != 0 ] || images=(cpu gpaw)
command -v apptainer >/dev/null || die "Apptainer is not installed: sudo containers/install_apptainer.sh does it on Debian"
[ -d "$folder" ] && [ -w "$folder" ] || die "no folder $folder to write to: make it, or name another with --to"

if [ -n "$base" ]; then
  arguments=(--build-arg bootstrap=docker --build-arg "base=$base")
else
  command -v debootstrap >/dev/null || die "debootstrap is not installed: install it, or name a base image with --from"
  archive=$(./mirror.sh) || die "name a base image with --from"
  arguments=(--build-arg bootstrap=debootstrap --build-arg "mirror=$archive")
fi

# pip in the image asks the index this machine's pip asks, and trusts the same certificates; nothing of it stays in the image.
scratch=$(mktemp -d "${TMPDIR:-/tmp}/haven-image.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
{
  echo '[global]'
  index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || :)}
  [ -z "$index" ] || echo "index-url = $index"
  authorities=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
  [ ! -e "$authorities" ] || { cp "$authorities" "$scratch/authorities.crt" && echo 'cert = /mnt/authorities.crt'; }
} >"$scratch/pip.conf"
chmod -R a+rX "$scratch"

for image in "${images[@]}"; do
  case $image in
    gpaw) name=gpaw ;;
    *) name=haven-$image ;;
  esac
  # zstd packs in a fraction of the default's time, and unpacks faster where the tasks run
  apptainer build --fakeroot --force --mksquashfs-args '-comp zstd -Xcompression-level 6' --bind "$scratch:/mnt" "${arguments[@]}" --build-arg "device=$image" "$scratch/$name.sif" haven.def
  rm -rf "${folder:?}/$name.sif"
  if [ -n "$unpacked" ]; then
    apptainer build --fakeroot --sandbox "$folder/$name.sif" "$scratch/$name.sif"
  else
    mv "$scratch/$name.sif" "$folder/$name.sif"
  fi
  printf 'haven: %s/%s.sif is built\n' "$folder" "$name"
done
