# The last start of the Raspberry Pi: looks at what the cuts left with the command, and then opens it, which recovers it.
echo "rig: verify"
ministate verify /data/state
echo "rig: verify ended with $?"
ministate inspect /data/state
echo "rig: inspect ended with $?"
reader /data/state
echo "rig: reader ended with $?"
