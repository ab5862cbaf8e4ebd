# Is this Ethernet frame IPv4, TCP and from or to port 80? r0 = 1 for yes.
  r6 = r1
  r0 = 0
  if r2 < 38 goto out       # Ethernet, IPv4 without options, the two ports
  r3 = *(u16 *)(r6 + 12)
  r3 = be16 r3
  if r3 != 0x800 goto out   # IPv4
  r3 = *(u8 *)(r6 + 14)
  if r3 != 0x45 goto out    # no options
  r3 = *(u8 *)(r6 + 23)
  if r3 != 6 goto out       # TCP
  r3 = *(u16 *)(r6 + 34)
  r3 = be16 r3
  if r3 == 80 goto yes
  r3 = *(u16 *)(r6 + 36)
  r3 = be16 r3
  if r3 != 80 goto out
yes:
  r0 = 1
out:
  exit
