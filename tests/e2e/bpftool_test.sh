# SPDX-License-Identifier: Apache-2.0
# The same words to bpftool on Linux and to skep on the machine have the same output, but for ids and
# for what only /proc tells.
command -v bpftool >/dev/null || { echo "no bpftool"; exit 77; }
if [ "${1-}" != inside ]; then
  [ "$(id -u)" -eq 0 ] || { echo "bpftool needs root"; exit 77; }
  unshare -m sh -c 'mount -t bpf bpf /sys/fs/bpf' 2>/dev/null || { echo "cannot mount a bpf filesystem"; exit 77; }
  exec unshare -m sh -eu "$SKEP_SOURCE/tests/e2e/bpftool_test.sh" inside
fi
mount -t bpf bpf /sys/fs/bpf
XDG_RUNTIME_DIR=$PWD/run && export XDG_RUNTIME_DIR
mkdir run

# What differs by nature.
plain() {
  sed -E 's/^[0-9]+: /N: /; s/"id":[0-9]+/"id":N/; s/  memlock [0-9]+B//; s/,"bytes_memlock":[0-9]+//
    s/,"frozen":[01]//; /^	frozen$/d; s/duration( \(average\))?: [0-9]+ns/duration/
    s/"duration":[0-9]+/"duration":N/; /^Error: empty map$/d; /^$/d'
}
same() { # same words...
  words="$*"
  their_status=0 our_status=0
  bpftool "$@" >theirs 2>their_error || their_status=$?
  skep "$@" >ours 2>our_error || our_status=$?
  plain <theirs >theirs.plain
  plain <ours >ours.plain
  cmp -s theirs.plain ours.plain || {
    echo "$words:"
    diff theirs.plain ours.plain
    exit 1
  }
  [ $((their_status != 0)) -eq $((our_status != 0)) ] || {
    echo "$words: status $their_status there, $our_status here"
    cat their_error our_error
    exit 1
  }
}
# bpftool wants -j in front of the object, skep takes it anywhere behind.
both() { # both words...: in text and in JSON
  same "$@"
  object=$1
  shift
  bpftool -j "$object" "$@" >theirs 2>/dev/null || true
  skep "$object" -j "$@" >ours 2>/dev/null || true
  plain <theirs >theirs.plain
  plain <ours >ours.plain
  grep -q '^{"error":' theirs.plain || cmp -s theirs.plain ours.plain || {
    echo "-j $object $*:"
    diff theirs.plain ours.plain
    exit 1
  }
}

bpf=/sys/fs/bpf
same map create $bpf/h type hash key 4 value 8 entries 3 name tests flags 1
same map update pinned $bpf/h key 1 0 0 0 value hex 2a 00 00 00 00 00 00 0f
both map show pinned $bpf/h
both map dump pinned $bpf/h
both map lookup pinned $bpf/h key 1 0 0 0
both map lookup pinned $bpf/h key 0x1 0 0 0
both map lookup pinned $bpf/h key 2 0 0 0
both map getnext pinned $bpf/h
both map getnext pinned $bpf/h key 1 0 0 0
same map update pinned $bpf/h key 1 0 0 0 value 1 1 1 1 1 1 1 1 noexist
same map update pinned $bpf/h key 1 0 0 0 value 1 1 1 1 1 1 1 1 exist
same map update pinned $bpf/h key 1 0 0 value 1 1 1 1 1 1 1 1
same map delete pinned $bpf/h key 1 0 0 0
same map delete pinned $bpf/h key 1 0 0 0
both map dump pinned $bpf/h
same map create $bpf/c type percpu_array key 4 value 5 entries 2 name cpus
same map update pinned $bpf/c key 1 0 0 0 value 1 2 3 4 5
both map dump pinned $bpf/c
both map lookup pinned $bpf/c key 1 0 0 0
same map create $bpf/q type queue key 0 value 4 entries 2 name q
same map enqueue pinned $bpf/q value 1 0 0 0
same map push pinned $bpf/q value 2 0 0 0
same map push pinned $bpf/q value 3 0 0 0
both map peek pinned $bpf/q
same map pop pinned $bpf/q
both map dequeue pinned $bpf/q
same map pop pinned $bpf/q
same map create $bpf/big type array key 4 value 40 entries 2 name big
both map dump pinned $bpf/big
same map freeze pinned $bpf/big
both map show pinned $bpf/big
same map update pinned $bpf/big key 0 0 0 0 value 1
same map create $bpf/o type hash_of_maps key 4 value 4 entries 2 name outer inner_map pinned $bpf/h
same map update pinned $bpf/o key 1 0 0 0 value pinned $bpf/h
same map create $bpf/h type hash key 4 value 8 entries 3 name tests
same map create $bpf/bad type array key 5 value 8 entries 3 name bad
same map show id 0
both link show
