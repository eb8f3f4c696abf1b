#!/bin/sh
# Unpack Debian packages into a folder, without installing them: no daemon, no root.
#
#   fetch.sh FOLDER PACKAGE...            these alone
#   fetch.sh --needs FOLDER PACKAGE...    and the libraries they need, whatever this machine has of them
set -eu
needs=
if [ "$1" = --needs ]; then
	needs=yes
	shift
fi
mkdir -p "$1/cache/archives/partial" "$1/lists/partial"
cd "$1"
shift
here=$(pwd)
status=/var/lib/dpkg/status
lists=

apt() {
	apt-get -qq -o Dir::Cache="$here/cache" -o Dir::State::status="$status" ${lists:+-o Dir::State::Lists="$lists"} \
		-o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}

# What every Debian has, so that only the rest is fetched. Their own needs are left out: they are met.
# The two at the end are for desktops, and need half a desktop.
base() {
	awk 'BEGIN { RS = ""; FS = "\n" }
		/\nEssential: yes/ || /\nPriority: required/ || /^Package: (libc6|libgcc-s1)\n/ {
			for (i = 1; i <= NF; i++)
				if ($i ~ /^(Package|Status|Version|Architecture|Multi-Arch|Provides):/) print $i
			print ""
		}' /var/lib/dpkg/status
	for package in x11-utils xdg-utils; do
		printf 'Package: %s\nStatus: install ok installed\nArchitecture: all\nMulti-Arch: foreign\nVersion: 99\n\n' $package
	done
}

download() {
	rm -f ./*.deb
	packages=$*
	if [ "$needs" ]; then
		base >base
		status=$here/base
		packages=$(apt --simulate --no-install-recommends install "$@" | awk '$1 == "Inst" { print $2 }')
		test "$packages"
	fi
	apt download $packages
}

# The lists of this machine may be missing or old; then our own are fetched, into this folder.
# One of its other sources may be away: what counts is whether the packages come.
if ! (download "$@") 2>/dev/null; then
	lists=$here/lists
	apt update || true
	(download "$@")
fi
for package in *.deb; do
	dpkg-deb -x "$package" .
done
rm -rf ./*.deb cache lists base
