# SPDX-License-Identifier: Apache-2.0
# Misuse that must not build, first of all a Result that is dropped. Each piece is compiled twice, as
# it should be written and as it should not.

compiler=${CXX:-g++-12}
command -v "$compiler" >/dev/null || {
  echo "no $compiler"
  exit 77
}

compiles() {
  {
    echo '#include "base/error.h"'
    echo 'skep::Result<int> half(int number);'
    echo 'skep::Status look(int number);'
    echo "$1"
  } >piece.cpp
  "$compiler" -std=c++23 -fsyntax-only -Werror=unused-result -I "$SKEP_SOURCE/src" -I "$SKEP_SOURCE/include" piece.cpp 2>out
}

# refused GOOD BAD MESSAGE
refused() {
  compiles "$1" || {
    echo "does not compile: $1"
    cat out
    exit 1
  }
  if compiles "$2"; then
    echo "compiles, but must not: $2"
    exit 1
  fi
  grep -q "$3" out || {
    echo "expected: $3"
    cat out
    exit 1
  }
}

refused 'int f() { return half(4).value_or(0); }' 'void f() { half(4); }' 'unused-result'
refused 'bool f() { return look(4).has_value(); }' 'void f() { look(4); }' 'unused-result'
refused 'skep::Status f() { return skep::in("x", look(4)); }' 'void f() { skep::in("x", look(4)); }' \
  'unused-result'
refused 'skep::Status f() { SKEP_TRY(look(4)); return {}; }' 'void f() { SKEP_TRY(look(4)); }' 'return'
refused 'skep::Status f() { return skep::fail(skep::Code::io, "{}", 1); }' \
  'skep::Status f() { return skep::fail(skep::Code::io, "{} {:z}", 1); }' 'format'
