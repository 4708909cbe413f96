#!/bin/sh
# Installs a compiled program on a board as a service, or renews it: run it as root, beside ministate-app.service.
#
# A power cut at any moment leaves the old program or the new one, never a part of one: each file is written
# aside, synced, and renamed.
set -eu
LC_ALL=C
export LC_ALL

usage() {
  cat <<'TEXT'
Usage: install.sh NAME BINARY [ROOT]

  NAME     the name of the service, its user and its folder in /var/lib
  BINARY   what "npm run compile" built; BINARY.sha256 is checked if it is there
  ROOT     install into this folder (the mounted image of a board) and start nothing
TEXT
}

fail() {
  echo "install.sh: $1" >&2
  exit "${2:-1}"
}

# Plain "sync" covers the file and the directory that names it, with any coreutils and with busybox.
put() { # SOURCE DESTINATION MODE
  mkdir -p "$(dirname "$2")"
  cp "$1" "$2.new"
  chmod "$3" "$2.new"
  sync
  mv -f "$2.new" "$2"
  sync
}

sum_of() {
  sha256sum "$1" | cut -d ' ' -f 1
}

check_sum() {
  [ -f "$binary.sha256" ] || return 0
  wanted="$(cut -d ' ' -f 1 "$binary.sha256")"
  found="$(sum_of "$binary")"
  [ "$found" = "$wanted" ] && return 0
  fail "\"$binary\" is not what was built: its SHA-256 is $found, wanted $wanted. Copy it again"
}

# A program for another machine would only fail when it is started. Anything but ELF has no such number.
check_machine() {
  case "$(od -An -tx1 -N4 "$binary" | tr -d ' ')/$(od -An -tu1 -j18 -N1 "$binary" | tr -d ' ')/$(uname -m)" in
    7f454c46/183/aarch64 | 7f454c46/62/x86_64) ;;
    7f454c46/183/* | 7f454c46/62/*) fail "\"$binary\" is not for this machine, which is $(uname -m)" ;;
  esac
}

# Another program's user, or root, must not become the service's.
check_user() {
  taken="$(sed -n "s/^$name:.*:\\([^:]*\\):[^:]*\$/\\1/p" "$root/etc/passwd" 2>/dev/null || true)"
  [ -z "$taken" ] || [ "$taken" = "/var/lib/$name" ] ||
    fail "there is a user \"$name\" already, whose home is \"$taken\": take another name" 64
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
esac
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
  usage >&2
  exit 64
fi
name="$1"
binary="$2"
root="${3:-}"
here="$(dirname "$0")"

case "$name" in
  "" | [!a-z]* | *[!a-z0-9-]*) fail "\"$name\" can't be a user's name: use a-z, 0-9 and \"-\"" 64 ;;
esac
[ "${#name}" -le 31 ] || fail "\"$name\" is too long for a user's name: 31 characters at most" 64
[ -f "$binary" ] || fail "there is no file \"$binary\""
[ -f "$here/ministate-app.service" ] || fail "there is no \"$here/ministate-app.service\""
[ -z "$root" ] || [ -d "$root" ] || fail "there is no folder \"$root\""
command -v systemd-sysusers >/dev/null || fail "needs systemd: found no \"systemd-sysusers\""
check_sum
[ -n "$root" ] || check_machine
check_user

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
sed "s/ministate-app/$name/g" "$here/ministate-app.service" >"$work/unit"
echo "u $name - \"Service $name\" /var/lib/$name" >"$work/user"

put "$work/user" "$root/usr/local/lib/sysusers.d/$name.conf" 644
put "$work/unit" "$root/usr/local/lib/systemd/system/$name.service" 644
put "$binary" "$root/usr/local/bin/$name" 755
systemd-sysusers --root="${root:-/}" "$name.conf"
systemctl --root="${root:-/}" enable "$name.service"
sync

if [ -n "$root" ] || [ ! -d /run/systemd/system ]; then
  echo "Installed $name. It starts with the next boot."
  exit 0
fi
systemctl daemon-reload
systemctl restart "$name.service"
systemctl --no-pager --lines=5 status "$name.service"
