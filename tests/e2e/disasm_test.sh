# SPDX-License-Identifier: Apache-2.0
# Disassembling: forms of input, styles, and bytes that are no program.
printf 'if r1 == 5 goto out\nr2 = 0x1122334455667788 ll\nw0 = *(u32 *)(r10 - 8)\nout:\nexit\n' >p.s
skep asm p.s -o p.bin

[ "$(skep disasm p.bin)" = "   0: (15) if r1 == 0x5 goto pc+3
   1: (18) r2 = 0x1122334455667788
   3: (61) r0 = *(u32 *)(r10 -8)
   4: (95) exit" ]
[ "$(skep disasm --style llvm p.bin | tail -n 2)" = "   3: w0 = *(u32 *)(r10 - 0x8)
   4: exit" ]
[ "$(skep disasm --labels p.bin | head -n 1)" = "if r1 == 0x5 goto L4" ]
for options in '' '--labels' '--style llvm' '--style llvm --bytes' '--style llvm --labels' '--bytes'; do
  # shellcheck disable=SC2086 # the options are words
  skep disasm $options p.bin >text
  skep asm text | skep asm -f raw | cmp - p.bin
done
skep asm p.s | skep disasm --json >json
if command -v python3 >/dev/null; then
  python3 -c 'import json; rows = json.load(open("json")); assert rows[0]["target"] == 4, rows; assert rows[1]["operation"] == "imm64_value"'
fi
printf '3\n40 0 0 12\n21 0 1 2048\n6 0 0 1\n' | skep disasm --classic | grep -q 'ldh      \[12\]'
skep asm --big-endian -o big.bin p.s
skep disasm --big-endian big.bin >big.txt
skep disasm p.bin | cmp - big.txt

refused() { # refused 'words' BYTES
  if printf "$2" | skep disasm >out 2>err; then echo "accepted: $2"; exit 1; fi
  grep -qF -- "$1" err || { cat err; exit 1; }
  [ "$(wc -l <err)" -eq 1 ]
}
refused '3 bytes are not a whole number' 'b70000'
refused 'insn 0: opcode 0xff is not an instruction' 'ff00000000000000'
refused 'r11 does not exist' 'b70b000000000000'
refused 'second slot of the 64-bit immediate is missing' '1800000000000000'
refused 'standard input:1:5: expected two hex digits a byte, found end of text' '12 3'
