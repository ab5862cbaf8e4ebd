# SPDX-License-Identifier: Apache-2.0
# Links of a machine from the command line.
XDG_RUNTIME_DIR=$PWD/run && export XDG_RUNTIME_DIR
mkdir run
[ -z "$(skep link show)" ]
[ "$(skep link show --json)" = '[]' ]
skep link help | grep -q 'skep link detach LINK'
fails() { # fails CODE 'words' command...
  code=$1 words=$2
  shift 2
  status=0
  "$@" >out 2>err || status=$?
  [ "$status" -eq "$code" ] || { echo "status $status, not $code: $*"; cat out err; exit 1; }
  grep -qF -- "$words" err || { cat out err; exit 1; }
}
fails 1 'cannot open link 5: No such file or directory' skep link show id 5
fails 1 'No such file' skep link detach pinned /none
fails 2 'expected id or pinned' skep link pin
fails 2 'usage: skep link' skep link bogus
skep map create /map type array key 4 value 8 entries 1 name map
fails 1 '/map is not a link' skep link detach pinned /map
