#!/usr/bin/env bash
# Installs Apptainer and what containers/build.sh needs, on Debian and as root. Where the machine's own suites lack Apptainer, it
# is taken from Debian's newest suite, by apt with lists of its own: the machine's settings and libraries stay as they are. The
# package brings that suite's C library beside its two programs; `apt-get remove apptainer` takes both away.
set -euo pipefail

die() { printf 'haven: error: %s\n' "$*" >&2; exit 2; }
[ "$(id -u)" = 0 ] || die "installing needs root: sudo $0"
command -v apt-get >/dev/null || die "this is for Debian: Apptainer's makers have packages for others"
export DEBIAN_FRONTEND=noninteractive
suite=sid libraries=usr/lib/$(uname -m)-linux-gnu

get() { apt-get -qq install -y --no-install-recommends "$@" >/dev/null; }
apt-get -qq update
get ca-certificates debootstrap squashfs-tools squashfuse uidmap
# apptainer build --fakeroot wants a range of user numbers for root too.
grep -q '^root:' /etc/subuid || usermod --add-subuids 2000000000-2000065535 --add-subgids 2000000000-2000065535 root
if command -v apptainer >/dev/null; then
  echo "haven: $(apptainer --version) is there"
  exit
fi
if apt-cache show apptainer >/dev/null 2>&1; then
  get apptainer
  echo "haven: $(apptainer --version) is installed"
  exit
fi

get patchelf
scratch=$(mktemp -d "${TMPDIR:-/tmp}/haven-apptainer.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
mirror=$("$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/mirror.sh")
mkdir -p "$scratch"/{lists,cache,libc}
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$scratch/sources.list"
newest=(-o "Dir::Etc::SourceList=$scratch/sources.list" -o Dir::Etc::SourceParts=/dev/null
  -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null
  -o "Dir::State::Lists=$scratch/lists" -o "Dir::Cache=$scratch/cache" -o APT::Sandbox::User=root)
cd "$scratch"
apt-get -qq "${newest[@]}" update
apt-get -qq "${newest[@]}" download apptainer libc6 >/dev/null

dpkg-deb -R apptainer_*.deb package
dpkg-deb -x libc6_*.deb libc
own=/$libraries/apptainer/libc
mkdir -p "package$own"
cp "libc/$libraries"/{ld-linux-*,libc,libm}.so.* "package$own/"
loader=$own/$(basename "package$own"/ld-linux-*)
for program in package/usr/bin/apptainer "package/$libraries/apptainer/bin/starter"; do
  patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$own" "$program"
done
sed -i -E 's/^(Version: .*)$/\1+libc/; s/ libc6 \([^)]*\),?//; s/, *$//' package/DEBIAN/control
dpkg-deb -Znone -b package apptainer.deb >/dev/null
get "$scratch/apptainer.deb"
echo "haven: $(apptainer --version) is installed, from Debian's suite $suite"
