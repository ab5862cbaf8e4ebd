# SPDX-License-Identifier: Apache-2.0
# The layers checker sees each kind of breach when it is planted, and names file, line and rule.

mkdir -p tools src/isa src/engine apps/skep
cp "$SKEP_SOURCE/tools/layers.txt" tools/
spdx='// SPDX-License-Identifier: Apache-2.0'
printf '%s\n#include "base/error.h"\n#include "isa/ops.h"\n' "$spdx" >src/isa/print.cpp
printf '%s\n#include "engine/step.h"\n#include <asmjit/x86.h>\n' "$spdx" >src/engine/jit.cpp
printf '%s\n#include "engine/step.h"\n' "$spdx" >apps/skep/main.cpp
printf '%s\n#include <doctest/doctest.h>\n#include "tests/support/skip.h"\n' "$spdx" \
  >src/isa/print_test.cpp

check() {
  cmake -D ROOT="$PWD" -P "$SKEP_SOURCE/tools/check_layers.cmake" >out 2>&1
}

# refused FILE LINES MESSAGE: with the lines added to a sound tree, the checker fails and says so.
refused() {
  mkdir -p "$(dirname "$1")"
  [ ! -e "$1" ] || cp "$1" saved
  printf '%b' "$2" >>"$1"
  if check; then
    echo "not refused: $2 in $1"
    exit 1
  fi
  grep -qF "$3" out || {
    echo "expected: $3"
    cat out
    exit 1
  }
  rm "$1"
  [ ! -e saved ] || mv saved "$1"
}

check || {
  cat out
  exit 1
}
refused src/isa/print.cpp '#include "object/spec.h"\n' \
  'src/isa/print.cpp:4: isa/ may not include "object/spec.h"; tools/layers.txt allows: base'
refused src/isa/print.cpp '#include "tests/support/skip.h"\n' \
  'src/isa/print.cpp:4: isa/ may not include "tests/support/skip.h"'
refused src/isa/print_test.cpp '#  include "object/spec.h"\n' 'src/isa/print_test.cpp:4: isa/ may not'
refused src/isa/print.cpp '#include "ops.h"\n' 'src/isa/print.cpp:4: "ops.h" is not folder/file.h'
refused src/isa/print.cpp '#include <fmt/format.h>\n' \
  'src/isa/print.cpp:4: <fmt/format.h> belongs to: base; see [headers] in tools/layers.txt'
refused apps/skep/main.cpp '#include <doctest/doctest.h>\n' 'main.cpp:3: <doctest/doctest.h> belongs'
refused src/isa/print.cpp '// caf\0303\0251\n' 'src/isa/print.cpp:4: a byte that is not ASCII'
refused include/skep/x.h "$spdx\\n#include \"isa/ops.h\"\\n" \
  'include/skep/x.h:2: "isa/ops.h": a public header may include only skep/'
refused src/isa/bare.h '#pragma once\n' 'src/isa/bare.h:1: the first line must be'
refused src/misc/x.cpp "$spdx\\n" 'src/misc: a folder that tools/layers.txt does not name'
rm -rf src/misc
refused src/loose.cpp "$spdx\\n" 'src/loose.cpp: a source outside the folders'
refused tools/layers.txt '[folders]\nnewer: newest\n' 'newer may not include'
check
