#!/bin/busybox sh
# The first program of the emulated board: finds its disks, mounts them, and becomes what the kernel's command line
# asks for: rig.fs=ext4 rig.options=noatime rig.run=PROGRAM,ARGUMENT,ARGUMENT
# rig.run=console: a shell on the serial console, for a person.
# rig.neighbour=yes: another program syncs its own file all the time, so that the file system commits between the
# program's calls. rig.restart=SECONDS: the program is killed and started again.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod "/modules/$module.ko" || echo "rig: no module $module"; done

setting() { tr ' ' '\n' </proc/cmdline | sed -n "s/^rig\.$1=//p"; }
# A disk's name depends on the order in which the kernel finds it; its serial does not.
disk() {
  for block in /sys/block/vd*; do
    [ -e "$block/serial" ] && [ "$(cat "$block/serial")" = "$1" ] && echo "/dev/${block##*/}" && return
  done
}
port() {
  for entry in /sys/class/virtio-ports/*; do
    [ -e "$entry/name" ] && [ "$(cat "$entry/name")" = "$1" ] && echo "/dev/${entry##*/}" && return
  done
}

programs=$(disk programs)
if [ -n "$programs" ]; then
  mount -t ext4 -o ro "$programs" /board || echo "rig: no programs"
else
  # A Raspberry Pi has one card, for programs and data, and finds it some seconds after the start.
  for second in 1 2 3 4 5 6 7 8 9 10; do [ -b /dev/mmcblk0 ] || sleep 1; done
  mount -t ext4 -o noatime /dev/mmcblk0 /board || echo "rig: no card"
fi
for folder in proc sys dev; do mount --bind "/$folder" "/board/$folder"; done
mount -t tmpfs tmpfs /board/tmp
data=$(disk data)
said=$(port said)
[ -z "$data" ] || ln -s "$data" /dev/rig-data
[ -z "$said" ] || ln -s "$said" /dev/rig-said
if [ "$(setting fs)" != none ]; then
  mount -t "$(setting fs)" -o "$(setting options)" "$data" /board/data || echo "rig: mount failed"
fi
echo "rig: Linux $(uname -r), $(setting fs), runs $(setting run)"
export HOME=/tmp PATH=/bin DENO_DIR=/tmp/deno NO_COLOR=1
if [ "$(setting neighbour)" = yes ]; then
  while :; do
    dd if=/dev/urandom of=/board/data/neighbour bs=1k count=1 oflag=append conv=notrunc,fsync 2>/dev/null
    # Not all the time: the program has to get somewhere too.
    usleep 30000
  done &
fi
if [ "$(setting run)" = console ]; then
  echo "\"ministate\" and \"telemetry\" are there, and busybox's commands. /data is on the card."
  echo "The same under Deno: \"deno run -A /lib/ministate.js\", \"deno run -A /lib/telemetry.js\"."
  echo "\"exit\" switches the board off. Ctrl-A and then X pulls the plug."
  # With its own terminal, so that Ctrl-C ends a program and not the board.
  setsid cttyhack chroot /board /bin/busybox sh -c "cd /data && exec /bin/busybox sh -l"
  sync
  poweroff -f
fi
while :; do
  (exec chroot /board $(setting run | tr ',' ' ')) &
  program=$!
  restart=$(setting restart)
  # Not from the start: a runtime may take longer to get going than the program is to run.
  [ "$restart" = never ] || {
    until [ -e /board/tmp/begun ]; do usleep 50000; done
    rm /board/tmp/begun
    sleep "$restart"
    kill -9 $program
  } &
  wait $program
  code=$?
  # 137 is the kill.
  [ $code = 137 ] || break
done
echo "rig: ended with $code"
sync
poweroff -f
