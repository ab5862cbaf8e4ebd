# SPDX-License-Identifier: Apache-2.0
# Maps of a machine from the command line, in text and JSON, and what is refused.
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

[ -z "$(skep map show)" ]
is '[]' skep map show --json
skep map create /counts type array key 4 value 8 entries 4 name counts flags 0
is '1: array  name counts  flags 0x0
	key 4B  value 8B  max_entries 4' skep map
is '{"id":1,"type":"array","name":"counts","flags":0,"bytes_key":4,"bytes_value":8,"max_entries":4}' \
  skep map -j show id 1
for map in 'id 1' 'pinned /counts' 'name counts'; do
  # shellcheck disable=SC2086
  skep map update $map key 1 0 0 0 value 0x2a 017 10 0 0 0 0 0
  # shellcheck disable=SC2086
  is 'key: 01 00 00 00  value: 2a 0f 0a 00 00 00 00 00' skep map lookup $map key 1 0 0 0
done
skep map update name counts key hex 02 00 00 00 value hex ff 10 0 0 0 0 0 0 exist
is '{"key":["0x02","0x00","0x00","0x00"],"value":["0xff","0x10","0x00","0x00","0x00","0x00","0x00","0x00"]}' \
  skep map lookup name counts key 2 0 0 0 -j
skep map dump name counts | grep -qx 'Found 4 elements'
is '{"key":null,"next_key":["0x00","0x00","0x00","0x00"]}' skep map getnext name counts --json
is 'key:
00 00 00 00
next key:
01 00 00 00' skep map getnext name counts key 0 0 0 0
fails 1 'no such element' skep map getnext name counts key 3 0 0 0
status=0
skep map lookup name counts key 9 0 0 0 >out || status=$?
[ $status -eq 1 ] && grep -qx 'Not found' out
status=0
skep map -j lookup name counts key 9 0 0 0 >out || status=$?
[ $status -eq 1 ] && [ "$(cat out)" = null ]
skep map pin name counts /again
is '1: array  name counts  flags 0x0
	key 4B  value 8B  max_entries 4' skep map list pinned /again
skep map freeze name counts
fails 1 'Operation not permitted' skep map update name counts key 1 0 0 0 value 0 0 0 0 0 0 0 0

# Other shapes.
skep map create /wide type hash key 4 value 40 entries 4 name wide
# shellcheck disable=SC2046
skep map update name wide key 7 0 0 0 value $(seq 40)
is 'key:
07 00 00 00
value:
01 02 03 04 05 06 07 08  09 0a 0b 0c 0d 0e 0f 10
11 12 13 14 15 16 17 18  19 1a 1b 1c 1d 1e 1f 20
21 22 23 24 25 26 27 28
Found 1 element' skep map dump name wide
# shellcheck disable=SC2046
fails 1 'File exists' skep map update name wide key 7 0 0 0 value $(seq 40) noexist
skep map delete name wide key 7 0 0 0
fails 1 'no such element' skep map delete name wide key 7 0 0 0
skep map create /cpus type percpu_array key 4 value 2 entries 1 name cpus
skep map update name cpus key 0 0 0 0 value 5 6
skep map dump name cpus | grep -qx 'value (CPU 00): 05 06'
skep map dump name cpus -j | grep -q '"values":\[{"cpu":0,"value":\["0x05","0x06"\]}'
skep map create /line type queue key 0 value 1 entries 2 name line
skep map enqueue name line value 1
skep map push name line value 2
fails 1 'Argument list too long' skep map push name line value 3
is 'value: 01' skep map peek name line
is 'value: 01' skep map dequeue name line
is '{"key":[],"value":["0x02"]}' skep map -j pop name line
fails 1 'the map is empty' skep map pop name line
[ "$(skep map -j pop name line)" = null ]
skep map create /outer type hash_of_maps key 4 value 4 entries 4 name outer inner_map name wide
skep map update name outer key 1 0 0 0 value pinned /wide
id=$(skep map show name wide | sed -n '1s/:.*//p')
is "key: 01 00 00 00  value: 0$id 00 00 00" skep map lookup name outer key 1 0 0 0

# What is refused, and with which status.
fails 2 'usage: skep map' skep map bogus
fails 2 'expected id, pinned or name' skep map dump
fails 2 'not "many"' skep map create /x type array key many value 8 entries 1 name x
fails 2 'no map type is called "sieve"' skep map create /x type sieve key 4 value 8 entries 1 name x
fails 2 'expected a byte of the key, not "256"' skep map lookup name counts key 256 0 0 0
fails 2 '1 more of the 4 bytes of the key' skep map lookup name counts key 1 0 0
fails 2 'unexpected "0"' skep map lookup name counts key 1 0 0 0 0
fails 1 'No such file' skep map dump id 99
fails 1 'there is no such map' skep map dump name nobody
fails 1 'is not a map' sh -c 'echo "r0 = 0; exit" >p.s && skep prog load p.s /p && skep map dump pinned /p'
fails 1 'Invalid argument' skep map create /x type array key 3 value 8 entries 1 name x
fails 1 'no name' skep map create /x type array key 4 value 8 entries 1 name sixteen_letters_
fails 1 'File exists' skep map create /counts type array key 4 value 8 entries 1 name x
skep map help | grep -q 'TYPE := one of hash array '

# The machine is a file that nobody else reads; another name is another machine.
[ "$(stat -c %a run/skep/default)" = 600 ] && [ "$(stat -c %a run/skep)" = 700 ]
[ -z "$(skep map show --machine lab)" ]
skep machine list --json | grep -q '"name":"default".*"mode":"0600".*"name":"lab"'
skep machine show lab | grep -q "^lab: $PWD/run/skep/lab  mode 0600"
skep machine remove lab
fails 1 'No such file' skep machine show lab
[ ! -e run/skep/lab ]
fails 1 'no name of a machine' skep map show --machine ../lab
fails 2 'usage: skep machine' skep machine bogus
skep machine help | grep -q remove
# Junk in the file is an error, not a crash.
head -c 100000 /dev/urandom >run/skep/junk
chmod 600 run/skep/junk
for command in map prog link btf; do
  status=0
  skep $command show --machine junk >out 2>err || status=$?
  [ $status -eq 1 ] || { cat out err; exit 1; }
done
