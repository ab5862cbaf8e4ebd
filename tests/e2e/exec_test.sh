# SPDX-License-Identifier: Apache-2.0
# Running programs: results, memory, engines, limits, and how failures look.
printf 'r0 = *(u8 *)(r1 + 0)\nr0 += r2\n*(u8 *)(r1 + 1) = 7\nexit\n' >p.s
for engine in checked interpreter; do
  [ "$(skep exec -e $engine --mem '05 00 00' --show-mem p.s)" = "r0 = 0x8 (8)
mem+0000: 05 07 00" ]
done
printf '\005\000\000' >mem.bin
[ "$(skep exec --mem-file mem.bin p.s)" = "r0 = 0x8 (8)" ]
skep asm -o p.bin p.s
[ "$(skep exec -m 0500 p.bin)" = "r0 = 0x7 (7)" ]
skep exec -e interpreter --repeat 1000 --mem '05 00' p.s | grep -q 'ns a run, median of 9 batches'
skep exec --steps --mem '05 00' p.s 2>steps
grep -q '0: r0 = \*(u8 \*)(r1 +0) *; r0=0x5' steps
skep exec --json --show-mem --mem '05 00' p.s |
  grep -q '"engine":"checked","ok":true,"at":3,"r0":"0x7","executed":4,"mem":"05 07"'
printf 'call bpf_get_smp_processor_id\nexit\n' | skep exec | grep -qx 'r0 = 0x0 (0)'
# A filter for IPv4 over a frame.
printf 'ldh [12]\njeq #0x800, yes, no\nyes: ret #9\nno: ret #0\n' >ip.classic
skep exec --classic --mem "$(printf '00%.0s' 1 2 3 4 5 6 7 8 9 10 11 12)0800" ip.classic | grep -qx 'r0 = 0x9 (9)'

fails() { # fails CODE 'words' command...
  code=$1 words=$2
  shift 2
  status=0
  "$@" >out 2>err || status=$?
  [ "$status" -eq "$code" ] || { echo "status $status, not $code: $*"; cat out err; exit 1; }
  grep -qF -- "$words" err || { cat out err; exit 1; }
}
fails 1 'p.s: insn 0: read of 1 byte at address 0x0' skep exec p.s
fails 1 'insn 2: write of 1 byte at mem+1, past the 1 byte of mem' skep exec -m 05 p.s
fails 1 'used memory that is not its own' skep exec -e interpreter p.s
printf 'again:\ngoto again\nexit\n' >loop.s
for engine in checked interpreter; do
  fails 1 'the budget of 1000 instructions is used up' skep exec -e $engine --budget 1000 loop.s
  status=0
  timeout --foreground -s INT 0.5 skep exec -e $engine loop.s 2>err || status=$?
  grep -q 'insn 0: stopped' err || { cat err; exit 1; }
done
(skep exec loop.s 2>/dev/null & pid=$!; sleep 0.3; kill -INT $pid; status=0; wait $pid || status=$?; [ $status -eq 130 ])
fails 1 'helper 999 is not there' sh -c 'echo "call 999; exit" | skep exec'
fails 1 'map_fd must be resolved' sh -c 'echo "r1 = map[fd:3]; exit" | skep exec'
fails 1 'end with exit' sh -c 'echo "r0 = 1" | skep exec'
fails 1 'the program is empty' sh -c 'skep exec </dev/null'
fails 1 '--steps needs --engine checked' skep exec --steps -e interpreter p.s
fails 1 '--mem: 1:2: expected two hex digits' skep exec -m 0q p.s
fails 1 'not both' skep exec -m 00 -M mem.bin p.s
fails 2 '--engine takes one of' skep exec -e fast p.s
fails 1 '--budget takes a number' skep exec --budget many p.s
# Whatever the bytes are, there is an answer and no crash.
for seed in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  awk -v seed=$seed 'BEGIN { srand(seed); for (i = 0; i < 64; i++) printf "%02x ", int(rand() * 256) }' >junk
  status=0
  skep exec -e interpreter -n 1000 junk >/dev/null 2>&1 || status=$?
  [ "$status" -le 2 ] || { echo "status $status for:"; cat junk; exit 1; }
done
