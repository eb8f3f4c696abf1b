#!/bin/sh
# Unpack Debian's package of Prometheus into a folder, without installing it: no daemon, no root.
set -eu
target=$1
mkdir -p "$target/cache/archives/partial" "$target/lists/partial"
cd "$target"
here=$(pwd)
apt() {
	apt-get -qq -o Dir::Cache="$here/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}
# The lists of this machine may be missing or old; then our own are fetched, into this folder.
if ! apt download prometheus 2>/dev/null; then
	apt -o Dir::State::Lists="$here/lists" update
	apt -o Dir::State::Lists="$here/lists" download prometheus
fi
dpkg-deb -x prometheus_*.deb .
rm -rf prometheus_*.deb cache lists
./usr/bin/prometheus --version >/dev/null
