#!/bin/sh
# Run the Chromium that was unpacked into .chromium, with the libraries and the fonts beside it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../../.chromium
paths=
for folder in "$root"/usr/lib/*-linux-gnu "$root"/usr/lib/*-linux-gnu/pulseaudio "$root"/lib/*-linux-gnu; do
	paths=$paths${paths:+:}$folder
done
export LD_LIBRARY_PATH="$paths" FONTCONFIG_FILE="$here/fonts.conf"
exec "$root/usr/lib/chromium/chromium-headless-shell" "$@"
