# SPDX-License-Identifier: Apache-2.0
# Assembling: what goes in and out, and every way to be wrong.
expect() { # expect CODE 'what standard error holds' command...
  code=$1 words=$2
  shift 2
  status=0
  "$@" >out 2>err || status=$?
  [ "$status" -eq "$code" ] || { echo "status $status, not $code: $*"; cat out err; exit 1; }
  grep -qF -- "$words" err || { echo "no \"$words\" from: $*"; cat err; exit 1; }
  [ "$(wc -l <err)" -le 2 ] || { echo "more than a line and a pointer:"; cat err; exit 1; }
}

printf 'r0 = 1\nexit\n' >one.s
[ "$(skep asm one.s)" = "b7 00 00 00 01 00 00 00
95 00 00 00 00 00 00 00" ]
[ "$(skep asm --big-endian one.s | head -n 1)" = "b7 00 00 00 00 00 00 01" ]
skep asm one.s -o one.bin
[ "$(wc -c <one.bin)" -eq 16 ]
skep asm --output=one2.bin <one.s
cmp one.bin one2.bin
skep asm --format raw one.s | cmp - one.bin
skep asm --format c one.s | grep -q '0x95,'
skep asm -f hex -o one.hex one.s
skep asm one.hex | cmp - one.hex
skep asm one.bin | cmp - one.hex

printf 'ldh [12]\njeq #0x800, ip, other\nip: ret #-1\nother: ret #0\n' >ip.classic
skep asm --classic --format decimal ip.classic | head -n 1 | grep -qx 4
skep asm --classic ip.classic | skep disasm --classic | grep -q 'jeq      #0x800'
skep asm --translate ip.classic | skep disasm | grep -q 'skb\[12\]'
printf 'ld [4]\njeq #0xc000003e, good, bad\ngood: ret #0x7fff0000\nbad: ret #0\n' >arch.classic
skep asm --translate --seccomp arch.classic | skep disasm | grep -q '(u32 \*)(r'

expect 1 'bad.s:2:6: expected' sh -c 'printf "exit\nr0 = q\n" >bad.s; exec skep asm bad.s'
expect 1 'standard input:1:1: expected an instruction' sh -c 'echo nonsense | skep asm'
expect 1 'cannot open missing.s: No such file or directory' skep asm missing.s
expect 1 'cannot create /nonexistent/x' skep asm -o /nonexistent/x one.s
expect 1 'cannot read .: Is a directory' skep asm .
expect 1 'add --classic' skep asm -f decimal one.s
expect 2 'unknown option --what' skep asm --what
expect 2 'takes one of hex|raw|c|decimal' skep asm --format xml one.s
expect 2 'unexpected argument "two.s"' skep asm one.s two.s
expect 2 'needs FILE behind it' skep asm -o
expect 2 'takes no value' skep asm --classic=yes one.s
expect 2 'unknown command "assemble"' skep assemble
status=0
skep asm one.s >/dev/full 2>err || status=$?
[ "$status" -eq 1 ] && grep -q 'cannot write to standard output' err
