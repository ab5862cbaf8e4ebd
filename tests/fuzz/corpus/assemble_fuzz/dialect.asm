; every form once
main: r0 = 1; w1 = -1 // comment
r2 = 0x1122334455667788 ll /* wide */
r3 = map[fd:3][0]+16
r4 = map[idx:1]
r5 = var[id:7,fd:3]
r6 = subprog[sub]
r1 = addr_space_cast(r1, 0, 1)
if w1 s<= -5 goto out
if r1 & 7 goto +1
may_goto out
gotol out
call bpf_ktime_get_ns#5
call kfunc[1]#12
call sub
callx r6
r0 = *(u8 *)skb[14]
r0 = *(u32 *)skb[r1 + -4]
lock *(u64 *)(r10 - 8) += r1
r1 = atomic_fetch_add((u32 *)(r10 - 8), r1)
r0 = cmpxchg32_32(r10 - 8, r0, r1)
r2 = xchg_64(r10 + -16, r2)
r1 = load_acquire((u16 *)(r10 - 8))
store_release((u8 *)(r10 - 8), w1)
r1 = bswap64 r1
r1 = (s16)r1
r1 s%= r2
*(u16 *)(fp - 2) = 0x7
out: exit # end
0000000000000008 <sub>:
  12: (b7) r0 = 5
  13:	95 00 00 00 00 00 00 00	exit
