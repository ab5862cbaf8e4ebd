# SPDX-License-Identifier: Apache-2.0
# Programs of a machine from the command line: load in every form, show, dump, run.
XDG_RUNTIME_DIR=$PWD/run && export XDG_RUNTIME_DIR
mkdir run

fails() { # fails CODE 'words' command...
  code=$1 words=$2
  shift 2
  status=0
  "$@" >out 2>err || status=$?
  [ "$status" -eq "$code" ] || { echo "status $status, not $code: $*"; cat out err; exit 1; }
  grep -qF -- "$words" err || { cat out err; exit 1; }
}

is() { # is EXPECTED command...
  expected=$1
  shift
  got=$("$@") || { echo "failed: $*"; exit 1; }
  [ "$got" = "$expected" ] || { echo "$*: expected $expected, got $got"; exit 1; }
}

is '[]' skep prog show --json
skep map create /counts type array key 4 value 8 entries 2 name counts
cat >count.s <<'END'
r0 = 1
*(u32 *)(r10 -4) = r0
r2 = r10
r2 += -4
r1 = map[fd:0]
call bpf_map_lookup_elem
if r0 == 0 goto +2
r1 = 1
lock *(u64 *)(r0 +0) += r1
r0 = 7
exit
END
skep prog load count.s /count type sched_cls name count map idx 0 name counts
skep prog show >out
sed -n 1p out | grep -Eqx '1: sched_cls  name count  tag [0-9a-f]{16}  gpl'
grep -Eq "^	loaded_at 20[0-9-]+T[0-9:]+[+-][0-9]{4}  uid $(id -u)$" out
grep -Eq '^	xlated 9?[0-9]*B  not jited  map_ids 1$' out
tag=$(sed -n '1s/.*tag \([0-9a-f]*\).*/\1/p' out)
is "$(skep prog show id 1)" skep prog show tag "$tag"
is "$(skep prog show id 1)" skep prog list pinned /count
skep prog -j show | grep -q "^\[{\"id\":1,\"type\":\"sched_cls\",\"name\":\"count\",\"tag\":\"$tag\",\"gpl_compatible\":true,\"loaded_at\":1"

head -c 64 /dev/zero >packet
skep prog run name count data_in packet repeat 10 | grep -Eq '^Return value: 7, duration \(average\): [0-9]+ns$'
is 'key: 01 00 00 00  value: 0a 00 00 00 00 00 00 00' skep map lookup name counts key 1 0 0 0
skep prog run name count data_in packet data_out back >out
cmp packet back
skep prog run name count data_in packet data_out - | head -1 | grep -q '^0000000	0000 0000 '
skep prog -j run name count data_in packet data_out - | grep -q '^{"data_out":\["0x00",.*"retval":7,"duration":[0-9]*}$'

skep prog dump xlated name count | grep -q 'r1 = map\[id:1\]'
skep prog dump xlated name count | head -1 | grep -qx '   0: (b7) r0 = 1'
skep prog dump xlated name count opcodes | sed -n 2p | grep -qx '       b7 00 00 00 01 00 00 00'
skep prog -j dump xlated name count opcodes | grep -q '^\[{"disasm":"(b7) r0 = 1","opcodes":\["0xb7",'
skep prog dump xlated name count file raw
[ $(($(stat -c %s raw) % 8)) -eq 0 ]

# Hex and raw files, and a map by its id.
echo 'r0 = 3; exit' | skep asm >three.hex
echo 'r0 = 4; exit' | skep asm -o four.bin -
skep prog load three.hex /three
skep prog load four.bin /four
skep prog run pinned /three data_in packet | grep -q '^Return value: 3,'
skep prog run pinned /four data_in packet | grep -q '^Return value: 4,'
sed 's/fd:0/fd:1/' count.s >by_id.s
skep prog load by_id.s /by_id name by_id type sched_cls
skep prog pin name by_id /by_id_too
skep prog show pinned /by_id_too | grep -q 'map_ids 1$'

fails 1 'count.s: insn 4: cannot open map 0' skep prog load count.s /x
fails 1 'count.s:1:1' sh -c 'echo nonsense >count.s; skep prog load count.s /x'
fails 1 'the program is refused: Invalid argument' sh -c 'echo "call 44; exit" >x.s; skep prog load x.s /x'
grep -q 'bpf_xdp_adjust_head' err
fails 1 'Invalid argument' skep prog run name count
fails 1 'No such file' skep prog run name count data_in nowhere
fails 1 'No such file' skep prog load nowhere.s /x
fails 2 'no program type is called' skep prog load four.bin /x type sieve
fails 2 'expected xlated' skep prog dump
fails 2 'expected id, pinned, tag or name' skep prog run
fails 2 'usage: skep prog' skep prog bogus
skep prog help | grep -q 'TYPE := one of socket_filter'
