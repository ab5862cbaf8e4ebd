# SPDX-License-Identifier: Apache-2.0
# The plugin for the public conformance runner: memory first, then options, program on standard input.
plugin() { skep-conformance "$@"; }
answer=$(echo 'b7 00 00 00 2a 00 00 00 95 00 00 00 00 00 00 00' | plugin)
[ "$answer" = 2a ]
for option in '' --interpret --checked; do
  # r0 = *(u64 *)(r1 + 0)
  answer=$(echo '79 10 00 00 00 00 00 00 95 00 00 00 00 00 00 00' | plugin "01  02  03  04  05  06  07  08  " $option)
  [ "$answer" = 807060504030201 ]
  # r0 = r2: the length
  [ "$(echo 'bf 20 00 00 00 00 00 00 95 00 00 00 00 00 00 00' | plugin "aa  bb  " $option)" = 2 ]
  # without memory r1 is 0
  [ "$(echo 'bf 10 00 00 00 00 00 00 95 00 00 00 00 00 00 00' | plugin $option)" = 0 ]
  # helper 5, then callx to it
  [ "$(echo '85 00 00 00 05 00 00 00 b7 00 00 00 02 00 00 00 95 00 00 00 00 00 00 00' | plugin $option)" = 2 ]
  [ "$(echo 'b7 02 00 00 05 00 00 00 8d 02 00 00 00 00 00 00 b7 00 00 00 02 00 00 00 95 00 00 00 00 00 00 00' | plugin $option)" = 2 ]
  for bad in '' 'zz' 'b7 00' 'ff 00 00 00 00 00 00 00' '05 00 ff ff 00 00 00 00' '79 10 00 00 00 00 00 00 95 00 00 00 00 00 00 00'; do
    if echo "$bad" | plugin $option >out 2>err; then echo "accepted: $bad"; exit 1; fi
    [ ! -s out ] && [ "$(wc -l <err)" -eq 1 ]
  done
done
if echo | plugin --turbo 2>err; then exit 1; fi
grep -q 'unknown option --turbo' err
