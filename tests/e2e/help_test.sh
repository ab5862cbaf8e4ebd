# SPDX-License-Identifier: Apache-2.0
# Help, version, man page and completions, all from one table.
skep help | grep -q '  exec '
skep --help | cmp - "$(skep help >help.txt; echo help.txt)"
for command in asm disasm exec version completion help; do
  skep $command --help | grep -q "^usage: skep $command"
  skep help $command >/dev/null
done
skep version | grep -q '^skep [0-9]'
skep --version | grep -q '^engines: '
skep version --json | grep -q '"engines":\["interpreter","checked"\]'
status=0
skep >out 2>err || status=$?
[ $status -eq 2 ] && grep -q 'usage: skep COMMAND' err && [ ! -s out ]
# Every engine is a choice of exec.
for engine in $(skep version | sed -n 's/engines: //p'); do
  echo 'r0 = 0; exit' | skep exec --engine "$engine" >/dev/null
  skep exec --help | grep -q -- "--engine .*$engine"
done

skep completion bash >bash.sh
bash -n bash.sh
[ "$(bash -c '. ./bash.sh; COMP_WORDS=(skep exec --engine ch); COMP_CWORD=3; _skep; echo "${COMPREPLY[*]}"')" = checked ]
[ "$(bash -c '. ./bash.sh; COMP_WORDS=(skep dis); COMP_CWORD=1; _skep; echo "${COMPREPLY[*]}"')" = disasm ]
skep completion zsh >_skep
! command -v zsh >/dev/null || zsh -n _skep
skep completion fish >skep.fish
! command -v fish >/dev/null || fish -n skep.fish
status=0
skep completion tcsh 2>err || status=$?
[ $status -eq 2 ] && grep -q 'bash, zsh, fish' err

skep help --man >skep.1
grep -q '^\.TH SKEP 1' skep.1
if command -v man >/dev/null; then
  man --warnings -E UTF-8 -l skep.1 >page.txt 2>warnings
  [ ! -s warnings ] || { cat warnings; exit 1; }
  grep -q 'budget' page.txt
fi
