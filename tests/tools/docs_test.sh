# SPDX-License-Identifier: Apache-2.0
# tools/check-docs accepts true output, wildcards and scripts, and names file and line of the rest.

check_docs="$SKEP_SOURCE/tools/check-docs"
mkdir bin

cat >good.md <<'END'
A [link](good.md) and [another](https://example.org/x).
```console
$ echo one; echo two
one
two
$ seq 100
1
...
99
...
$ echo "took 17 ms"; echo end >&2
took ... ms
end
$ cat <<X
> a $((1 + 1))
> X
a 2
$ true
```
```sh
echo kept >file
grep -q kept file
```
```console
$ cat file
kept
```
```sh no-run
make demo   # installs and runs
git clone https://example.org/skep
```
END
"$check_docs" --build bin good.md >out || { cat out; exit 1; }
grep -q '^docs: 7 passed, 0 failed, 0 skipped$' out
grep -q '^docs: 2 commands not run' out

# refused TEXT MESSAGE: a file with that text fails with that message.
refused() {
  printf '%b' "$1" >bad.md
  if "$check_docs" --build bin bad.md >out; then
    echo "not refused: $1"
    exit 1
  fi
  grep -qF "$2" out || { echo "expected: $2"; cat out; exit 1; }
}
refused '```console\n$ echo a\nb\n```\n' 'bad.md:2: $ echo a'
refused '```console\n$ echo a\n```\n' 'bad.md:2: $ echo a'
refused '```console\n$ true\nb\n```\n' 'bad.md:2: $ true'
refused '```console\n$ seq 3\n1\n...\n2\n```\n' 'bad.md:2: $ seq 3'
refused '\n```sh\nfalse\n```\n' 'bad.md:3: the script ends with status 1'
refused '```sh no-run\nmake demo; rm x\n```\n' 'bad.md:2: "make demo; rm x" must run'
refused '```\n$ skep\n```\n' 'bad.md:1: shows a command unchecked'
refused '[x](none.md)\n' 'bad.md:1: a link to "none.md"'

printf '```console\n$ seq 3\n1\n$ echo x\ny\n$ seq 9\n...\n```\nend\n' >update.md
"$check_docs" --build bin --update update.md >out && exit 1
printf '```console\n$ seq 3\n1\n2\n3\n$ echo x\nx\n$ seq 9\n...\n```\nend\n' >expected.md
diff expected.md update.md
"$check_docs" --build bin update.md >out
