#!/bin/sh
# Installs a compiled program on a board as a service, renews it, goes back to the program before, or uninstalls it:
# run it as root, beside checks.sh and ministate-app.service.
#
# A power cut at any moment leaves the old program or the new one, never a part of one: each file is written aside,
# synced, and renamed. However the script ends, nothing stays aside; after a power cut the next run cleans up.
set -eu
LC_ALL=C
export LC_ALL
# With the umask of a careful root, the service's user could not reach the folders made here.
umask 022

LOOKS=10 # a second apart, at a program that was just started
ROOM_KIB=1024 # what a card must have left beside the program

usage() {
  cat <<'TEXT'
Usage: install.sh NAME BINARY [ROOT]      install a program, or renew it
       install.sh --back NAME [ROOT]      go back to the program before; again: forward
       install.sh --restart NAME          start it again and watch whether it stays up
       install.sh --uninstall NAME [ROOT] remove all but the state

  NAME     the name of the service, its user and its folder in /var/lib
  BINARY   what "npm run compile" built; BINARY.sha256 is checked if it is there
  ROOT     work in this folder (the mounted image of a board) and start nothing

Exit codes: 0 done, 1 refused or failed, and the program is the one from before, 2 the program is in place
but could not be started or doesn't stay up, 64 wrong arguments.
TEXT
}

fail() {
  echo "install.sh: $1" >&2
  exit "${2:-1}"
}

same_file() { # A B
  [ -e "$1" ] && [ -e "$2" ] && [ "$(stat -L -c %d:%i "$1")" = "$(stat -L -c %d:%i "$2")" ]
}

sum_of() {
  sha256sum <"$1" | cut -d ' ' -f 1
}

check_sum() {
  if [ ! -f "$binary.sha256" ]; then
    echo "There is no \"$binary.sha256\": not checked whether the copy is whole."
    return 0
  fi
  wanted="$(cut -d ' ' -f 1 "$binary.sha256")"
  found="$(sum_of "$binary")"
  [ "$found" = "$wanted" ] && return 0
  fail "\"$binary\" is not what was built: its SHA-256 is $found, wanted $wanted. Copy it again"
}

check_writable() {
  for folder in "$program" "$unit" "$user"; do
    while [ ! -d "$folder" ]; do folder="$(dirname "$folder")"; done
    [ -w "$folder" ] || fail "can't write to \"$folder\": run this as root, and \
if it is mounted read-only, make it writable first (mount -o remount,rw …)"
  done
}

# If --back was interrupted between its two renames, NAME.before is missing: it gets its name again.
clean() {
  if [ -f "$program.before.new" ] && [ ! -e "$program.before" ] && ! same_file "$program.before.new" "$program"; then
    mv -f "$program.before.new" "$program.before" || true
  fi
  rm -f "$program.new" "$program.before.new" "$unit.new" "$user.new" || true
}

# Two scripts at once would rename each other's half-written files. The lock is on a folder: it ends with the script and
# leaves no file. Only the script that holds it may clean up.
lock() {
  check_writable
  mkdir -p "$(dirname "$program")" "$(dirname "$unit")" "$(dirname "$user")"
  exec 9<"$(dirname "$program")"
  flock -n 9 || fail "another installation is at work here: wait until it has ended"
  trap clean EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 141' PIPE
  trap 'exit 143' TERM
  clean
}

# A card that is completely full stops every program that writes to it. If df gives no number, cp finds out.
check_room() {
  needed=$(($(wc -c <"$binary") / 1024 + ROOM_KIB))
  free="$(df -Pk "$(dirname "$program")" | sed -n '2s/.* \([0-9]\{1,\}\)  *[0-9]*% .*/\1/p')"
  [ -n "$free" ] && [ "$free" -lt "$needed" ] || return 0
  if [ -f "$program.before" ] && ! same_file "$program.before" "$program" && ! same_file "$program.before" "$binary" &&
    [ $((free + $(wc -c <"$program.before") / 1024)) -ge "$needed" ]; then
    echo "Removing \"$program.before\", to make room."
    rm -f "$program.before"
    sync
    return 0
  fi
  fail "no room for \"$name\": it needs $needed KiB in \"$(dirname "$program")\", and $free KiB are free. \
Nothing was changed"
}

# A second name for a file, where the file system has that: it takes no room.
twin() { # FILE NAME
  ln "$1" "$2" 2>/dev/null || cp -p "$1" "$2"
}

# After an interrupted renewal both names can be of one file, and mv refuses to rename one to the other.
keep_before() {
  [ -f "$program" ] && ! same_file "$program" "$program.before" || return 0
  twin "$program" "$program.before.new"
  mv -f "$program.before.new" "$program.before"
  sync
}

# Plain "sync" covers the files and the directories that name them, with any coreutils and with busybox. The unit comes
# before the program: a program without a unit is somebody else's.
put_in_place() {
  new=yes
  if [ -f "$program" ] && [ "$(sum_of "$program")" = "$(sum_of "$binary")" ]; then new=no; fi
  if [ "$new" = yes ]; then
    check_room
    { cp "$binary" "$program.new" && chmod 755 "$program.new"; } ||
      fail "could not write \"$program.new\". Nothing was changed"
  fi
  echo "u $name - \"Service $name\" /var/lib/$name" >"$user.new"
  sed "s/ministate-app/$name/g" "$here/ministate-app.service" >"$unit.new"
  chmod 644 "$user.new" "$unit.new"
  sync
  mv -f "$user.new" "$user"
  mv -f "$unit.new" "$unit"
  sync
  [ "$new" = yes ] || return 0
  keep_before
  mv -f "$program.new" "$program"
  sync
}

install() {
  [ -f "$binary" ] || fail "there is no file \"$binary\""
  [ -r "$binary" ] || fail "\"$binary\" can't be read: run this as root"
  for tool in systemd-sysusers systemctl flock; do
    command -v "$tool" >/dev/null || fail "needs systemd and util-linux: found no \"$tool\""
  done
  check_sum
  check_machine
  check_name
  lock
  put_in_place
  { systemd-sysusers --root="${root:-/}" "$name.conf" && systemctl --root="${root:-/}" enable "$name.service"; } ||
    fail "\"$name\" is in place, but could not be enabled" 2
  sync
  start "Installed"
}

check_ours() {
  [ -f "$unit" ] || fail "there is no service \"$name\" of this script: \"$unit\" doesn't exist"
}

# The two programs change places, so that going back twice leads forward again. Only names are written.
go_back() {
  check_ours
  lock
  [ -f "$program.before" ] || fail "there is no program before: \"$program.before\" doesn't exist"
  ! same_file "$program.before" "$program" || fail "the program before is the one in place: a renewal was interrupted"
  if [ -f "$program" ]; then
    twin "$program" "$program.before.new"
    sync
  fi
  mv -f "$program.before" "$program"
  [ ! -f "$program.before.new" ] || mv -f "$program.before.new" "$program.before"
  sync
  start "Went back with"
}

# The unit last: it says that the rest is ours, for the run after a power cut.
uninstall() {
  check_ours
  lock
  if running; then systemctl stop "$name.service" || fail "could not stop \"$name\". Nothing was removed"; fi
  systemctl --root="${root:-/}" disable "$name.service" || fail "could not disable \"$name\". Nothing was removed"
  rm -f "$program" "$program.before" "$user"
  sync
  rm -f "$unit"
  sync
  if running; then
    systemctl daemon-reload
    systemctl reset-failed "$name.service" 2>/dev/null || true
  fi
  echo "Uninstalled $name. Its state, its user and your drop-ins are still there. To remove them too:"
  echo "  rm -r $root/var/lib/$name $root/etc/systemd/system/$name.service.d"
  echo "  userdel ${root:+--root $root }$name"
}

running() {
  [ "$offline" = no ] && [ -d /run/systemd/system ]
}

start() { # WHAT-WAS-DONE
  if running; then
    systemctl daemon-reload || fail "\"$name\" is in place, but systemd did not read its unit" 2
    restart
  else
    echo "$1 $name. It starts with the next boot."
  fi
}

look() {
  systemctl show --property=ActiveState --property=NRestarts "$name.service" | sort | tr '\n' ' '
}

# "systemctl restart" only says that the program was started once. systemd starts one that dies again and again, and the
# count of that is not set back by "restart": it may not change from here on.
restart() {
  systemctl cat "$name.service" >/dev/null 2>&1 || fail "there is no service \"$name\""
  since="$(date +%s)"
  systemctl restart "$name.service" || down "could not be started"
  first="$(look)"
  looks=0
  while :; do
    now="$(look)"
    case "$now" in ActiveState=active\ *) ;; *) down "does not stay up" ;; esac
    [ "$now" = "$first" ] || down "does not stay up"
    [ "$looks" -lt "$LOOKS" ] || break
    looks=$((looks + 1))
    sleep 1
  done
  systemctl --no-pager --lines=5 status "$name.service" || true
  echo "$name is running, and was not restarted in the first $LOOKS seconds."
}

down() { # WHAT
  echo "install.sh: \"$name\" $1. This is what systemd knows, and the end of its log:" >&2
  systemctl --no-pager --lines=0 status "$name.service" >&2 || true
  journalctl --sync 2>/dev/null || true
  journalctl --no-pager --lines=20 --since="@$since" --unit="$name.service" >&2 || true
  echo "install.sh: \"$name\" $1. Unless a drop-in says otherwise, systemd keeps trying. \
To end that: systemctl stop $name" >&2
  [ ! -f "$program.before" ] || echo "To go back to the program before: sh $0 --back $name" >&2
  exit 2
}

here="$(dirname "$0")"
for file in checks.sh ministate-app.service; do
  [ -f "$here/$file" ] || fail "there is no \"$here/$file\": copy the whole folder examples/board"
done
# shellcheck source=checks.sh
. "$here/checks.sh"
action=install
least=1
most=2
case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  --back) action=go_back; shift ;;
  --uninstall) action=uninstall; shift ;;
  --restart) action=restart; most=1; shift ;;
  *) least=2; most=3 ;;
esac
if [ $# -lt "$least" ] || [ $# -gt "$most" ]; then
  usage >&2
  exit 64
fi
name="$1"
shift
case "$name" in
  "" | [!a-z]* | *[!a-z0-9-]*) fail "\"$name\" can't be a user's name: use a-z, 0-9 and \"-\"" 64 ;;
esac
[ "${#name}" -le 31 ] || fail "\"$name\" is too long for a user's name: 31 characters at most" 64
if [ "$action" = install ]; then
  case "$1" in /*) binary="$1" ;; *) binary="./$1" ;; esac
  shift
fi
root=""
offline=no
if [ $# -eq 1 ]; then
  # Not "this machine": an unset variable would install here what was meant for an image.
  [ -n "$1" ] || fail "ROOT is empty: leave it out to install on this machine" 64
  [ -d "$1" ] || fail "there is no folder \"$1\""
  # systemd takes no path with ".." in it.
  root="$(CDPATH='' cd -P -- "$1" && pwd -P)"
  [ "$root" != / ] || root=""
  offline=yes
fi
program="$(inside /usr/local/bin)/$name"
unit="$(inside /usr/local/lib/systemd/system)/$name.service"
user="$(inside /usr/local/lib/sysusers.d)/$name.conf"
"$action"
