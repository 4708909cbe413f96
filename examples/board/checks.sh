# What install.sh checks before it touches anything: that the program can run on the board's system, and that the name is
# free. Read by install.sh, with $root, $offline, $name, $binary, $program and $unit set there.
# shellcheck shell=sh disable=SC2154

# Follows links as the board would: an absolute one starts at ROOT. Otherwise it would lead out of a mounted image,
# into the machine on which the script runs. Parts that don't exist stay as they are.
inside() { # PATH
  rest="$1"
  path=""
  links=0
  while [ -n "$rest" ]; do
    part="${rest%%/*}"
    case "$rest" in */*) rest="${rest#*/}" ;; *) rest="" ;; esac
    case "$part" in
      "" | .) ;;
      ..) path="${path%/*}" ;;
      *)
        if [ -L "$root$path/$part" ]; then
          links=$((links + 1))
          [ "$links" -le 40 ] || fail "\"$root$1\" is a circle of links"
          target="$(readlink "$root$path/$part")"
          case "$target" in /*) path="" ;; esac
          rest="$target/$rest"
        else
          path="$path/$part"
        fi
        ;;
    esac
  done
  echo "$root$path"
}

# A number of at most four bytes in the program's headers, least byte first.
number() { # OFFSET COUNT
  value=0
  factor=1
  for byte in $(od -An -v -tu1 -j"$1" -N"$2" "$binary"); do
    value=$((value + byte * factor))
    factor=$((factor * 256))
  done
  echo "$value"
}

# The program that Linux starts to load this one, which differs between glibc and musl. A static program has none.
interpreter() {
  header="$(number 32 4)"
  size="$(number 54 2)"
  count="$(number 56 2)"
  while [ "$count" -gt 0 ]; do
    if [ "$(number "$header" 4)" -eq 3 ]; then
      dd if="$binary" bs=1 skip="$(number $((header + 8)) 4)" count="$(number $((header + 32)) 2)" 2>/dev/null |
        tr -d '\000'
      return 0
    fi
    header=$((header + size))
    count=$((count - 1))
  done
}

# A program that can't run here would only fail when it is started.
check_machine() {
  [ "$(number 0 4)" -eq 1179403647 ] ||
    fail "\"$binary\" is not a program: it is no ELF file. BINARY is what \"npm run compile\" wrote"
  case "$(number 4 1)/$(number 5 1)/$(number 18 2)" in
    2/1/183) machine=aarch64 ;;
    2/1/62) machine=x86_64 ;;
    *) fail "\"$binary\" is for a machine that is neither 64-bit Arm nor x86-64" ;;
  esac
  [ "$offline" = yes ] || [ "$machine" = "$(uname -m)" ] ||
    fail "\"$binary\" is not for this machine: it is for $machine, and this is $(uname -m)"
  loader="$(interpreter)"
  [ -z "$loader" ] || [ -e "$(inside "$loader")" ] || refuse_loader
}

refuse_loader() {
  for other in /lib/ld-linux-aarch64.so.1 /lib64/ld-linux-x86-64.so.2 /lib/ld-musl-aarch64.so.1 \
    /lib/ld-musl-x86_64.so.1 /lib/ld-linux-armhf.so.3 /lib/ld-linux.so.3 /lib/ld-linux.so.2; do
    [ ! -e "$(inside "$other")" ] || break
    other=""
  done
  case "$other" in
    *linux-aarch64*) why="this system wants --target aarch64-unknown-linux-gnu" ;;
    *linux-x86-64*) why="this system wants --target x86_64-unknown-linux-gnu" ;;
    *musl-aarch64*) why="this system wants --target aarch64-unknown-linux-musl" ;;
    *musl-x86_64*) why="this system wants --target x86_64-unknown-linux-musl" ;;
    "") why="no other loader was found either. Is this the root of a board's system, and is it mounted?" ;;
    *) why="this system has 32 bits, even if its kernel has 64. Put the 64-bit edition on the board" ;;
  esac
  fail "\"$binary\" can't run on the system in \"${root:-/}\": it needs \"$loader\", which isn't there; $why"
}

# Another program's service, command, user or group, or root, must not become the service's.
check_name() {
  for other in etc/systemd/system run/systemd/system usr/lib/systemd/system lib/systemd/system; do
    other="$root/$other/$name.service"
    [ -e "$other" ] || [ -L "$other" ] || continue
    [ "$(readlink "$other" || true)" != /dev/null ] ||
      fail "\"$name\" is masked by \"$other\": run systemctl unmask $name" 64
    grep -q "^ExecStart=/usr/local/bin/$name\$" "$other" 2>/dev/null ||
      fail "there is a service \"$name\" already, \"$other\": take another name" 64
  done
  for other in etc/init.d bin sbin usr/bin usr/sbin; do
    [ ! -e "$root/$other/$name" ] || fail "there is \"$root/$other/$name\" already: take another name" 64
  done
  [ -e "$unit" ] || [ ! -e "$program" ] ||
    fail "there is \"$program\" already, which this script did not install: take another name" 64
  home="$(sed -n "s/^$name:.*:\\([^:]*\\):[^:]*\$/\\1/p" "$root/etc/passwd" 2>/dev/null || true)"
  [ -z "$home" ] || [ "$home" = "/var/lib/$name" ] ||
    fail "there is a user \"$name\" already, whose home is \"$home\": take another name" 64
  [ -n "$home" ] || ! grep -q "^$name:" "$root/etc/group" 2>/dev/null ||
    fail "there is a group \"$name\" already: take another name" 64
}
