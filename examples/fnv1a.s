# FNV-1a over the memory: r1 points to it, r2 is its length, the hash comes back in r0.
  r0 = 0xcbf29ce484222325 ll
  r3 = 0x100000001b3 ll
  r2 += r1                  # the end
next:
  if r1 >= r2 goto done
  r4 = *(u8 *)(r1 + 0)
  r0 ^= r4
  r0 *= r3
  r1 += 1
  goto next
done:
  exit
