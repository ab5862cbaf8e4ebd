# SPDX-License-Identifier: Apache-2.0
# Type information from the command line, against what bpftool makes of the same file.
XDG_RUNTIME_DIR=$PWD/run && export XDG_RUNTIME_DIR
mkdir run
[ -z "$(skep btf show)" ]
[ "$(skep btf show --json)" = '[]' ]
skep btf help | grep -q 'SOURCE := '
fails() { # fails CODE 'words' command...
  code=$1 words=$2
  shift 2
  status=0
  "$@" >out 2>err || status=$?
  [ "$status" -eq "$code" ] || { echo "status $status, not $code: $*"; cat out err; exit 1; }
  grep -qF -- "$words" err || { cat out err; exit 1; }
}
skep map create /map type array key 4 value 8 entries 1 name map
fails 1 'the map has no BTF' skep btf dump map name map
fails 1 'No such file' skep btf show id 7
fails 1 'not BTF' sh -c 'head -c 100 /dev/zero >zeros; skep btf dump file zeros'
fails 2 'the only format is raw' skep btf dump file zeros format c
fails 2 'expected id, prog, map or file' skep btf dump
fails 2 'expected id' skep btf show name x

vmlinux=/sys/kernel/btf/vmlinux
command -v bpftool >/dev/null && [ -r $vmlinux ] || { echo "no bpftool or no BTF of the kernel"; exit 77; }
bpftool btf dump file $vmlinux >theirs
skep btf dump file $vmlinux >ours
cmp theirs ours
# The values are compared above; bpftool's JSON shows unsigned ones of 32 bits with their sign extended.
bpftool -j btf dump file $vmlinux | sed 's/"val":[0-9]*/"val":N/g' >theirs
skep btf dump -j file $vmlinux | sed 's/"val":[0-9]*/"val":N/g' >ours
cmp theirs ours
