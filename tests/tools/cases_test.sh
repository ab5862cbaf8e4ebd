# SPDX-License-Identifier: Apache-2.0
# skep-cases refuses what is no case, sees wrong expectations, and writes right ones when asked.

cases="$SKEP_BUILD/tests/skep-cases"
mkdir area

# refuse NAME WORDS: the case area/NAME.case fails with these words
refuse() {
  if "$cases" --filter "/$1.case" area >out; then
    echo "$1 passed"
    exit 1
  fi
  grep -qF "$2" out || { cat out; exit 1; }
}

printf -- '-- about\nx\n-- asm\nexit\n-- outcome\nr0 = 0\n' >area/unknown.case
refuse unknown 'area/unknown.case:5: unknown section "outcome"'

printf -- '-- about\nx\n-- asm\nexit\n-- result\nr0 = 0\n-- asm\nexit\n' >area/twice.case
refuse twice 'area/twice.case:7: section "asm" was given in line 3 already'

printf -- 'x\n-- about\nx\n' >area/before.case
refuse before 'area/before.case:1: expected a section such as "-- about", found "x"'

printf -- '-- asm\nexit\n-- result\nr0 = 0\n' >area/silent.case
refuse silent 'area/silent.case: section "about" is missing'

printf -- '-- about\nx\n-- result\nr0 = 0\n' >area/nothing.case
refuse nothing 'area/nothing.case: expected one section of "asm" and "hex"'

printf -- '-- about\nx\n-- asm\nexit\n' >area/open.case
refuse open 'area/open.case: neither "result" nor "error" is given; --rebase writes it'

printf -- '-- about\nx\n-- asm\nexit\n-- result\nr0 = 0 or so\n' >area/junk.case
refuse junk 'area/junk.case:5: expected a number, found "0 or so"'

printf -- '-- about\nx\n-- asm\nexit\n-- result\nr0 = 0\nr1 = 0\n' >area/more.case
refuse more 'area/more.case:5: section "result" takes one line'

printf -- '-- about\nx\n-- asm\nexit\n-- result\nr0 = 0\n-- linux\nperhaps\n' >area/verdict.case
refuse verdict 'area/verdict.case:7: expected "ok"'

printf -- '-- about\nx\n-- asm\nexit\n-- mem\n0\n-- result\nr0 = 0\n' >area/digit.case
refuse digit 'area/digit.case:6:2: expected two hex digits a byte, found end of line'

printf -- '-- about\nx\n-- asm\nexit\n-- mem\n00\n-- result\nr0 = 0\n-- mem after\n00 00\n' >area/longer.case
refuse longer 'area/longer.case: "mem" has 1 bytes and "mem after" 2'

printf -- '-- about\nx\n-- asm\nexit\n-- result\nr0 = 0\n-- error\nno\n' >area/both.case
refuse both 'area/both.case: a case has a "result" or an "error", not both'

printf -- '-- about\nx\n-- asm\nr0 = 1\nexit\n-- engines\nnone: nobody runs it\n-- result\nr0 = 1\n' >area/nobody.case
refuse nobody 'area/nobody.case: engine "none" is not known'

rm area/*
wrong='-- about
the second row is wrong
-- asm
r0 = 1
*(u64 *)(r1 + 8) = 2
exit
-- mem
0000000000000000  # first
0000000000000000  # second
-- result
r0 = 2
-- mem after
0000000000000000  # first
0300000000000000  # second
'
printf '%s' "$wrong" >area/wrong.case
refuse wrong 'checked: r0 = 0x1, expected 0x2'
grep -qF 'interpreter: mem+8: 02 00 00 00 00 00 00 00, expected 03 00 00 00 00 00 00 00' out
tail -n 1 out | grep -qx 'cases: 0 passed, 1 failed, 0 skipped'

# Rebased, it passes, and only the numbers have changed.
"$cases" --rebase --filter wrong area >out
printf '%s' "$wrong" | sed -e 's/r0 = 2/r0 = 0x1/' -e 's/^03/02/' | diff - area/wrong.case
"$cases" --filter wrong area >out

# Operations that no case executes are a failure of the whole run, and so is a run without cases.
! "$cases" area >out
grep -qF 'add64_imm is executed by no case' out
! "$cases" --filter none area >out
grep -qF 'no .case file was found' out
