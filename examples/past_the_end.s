# Reads eight bytes at offset 4, whatever the length of the memory: a classic mistake.
  r0 = *(u64 *)(r1 + 4)
  exit
