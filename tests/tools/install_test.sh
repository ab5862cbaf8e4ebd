# SPDX-License-Identifier: Apache-2.0
# What `make install` puts where, with DESTDIR respected, that its readers accept it, and that a
# program can embed what is installed, by CMake and by pkg-config.

DESTDIR=$PWD/root cmake --install "$SKEP_BUILD" --prefix /usr >log
cd root/usr
lib=$(dirname "$(find lib* -name libskep.a)")
test "$(find . -type f ! -path './include/*' | sort | tr '\n' ' ')" = "./bin/skep \
./$lib/cmake/skep/skep-config-version.cmake \
./$lib/cmake/skep/skep-config.cmake \
./$lib/libskep.a \
./$lib/pkgconfig/skep.pc \
./share/bash-completion/completions/skep \
./share/fish/vendor_completions.d/skep.fish \
./share/man/man1/skep.1 \
./share/zsh/site-functions/_skep "
diff -r "$SKEP_SOURCE/include" include
bin/skep version
bash -n share/bash-completion/completions/skep
! grep -rq "$SKEP_SOURCE" "$lib/cmake" "$lib/pkgconfig" || {
  echo "installed files name the source tree"
  exit 1
}

# The example, built as a user would, from another place and without the source tree.
expected='64 bytes: 2
100 bytes: 1'
installed=$PWD
embed=$SKEP_SOURCE/examples/embed
test "$(wc -l <"$embed/main.cpp")" -lt 60
# Built as the library was: a sanitizer's library needs the sanitizer in the program too.
compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' "$SKEP_BUILD/CMakeCache.txt")
sanitize=$(sed -n 's/^SKEP_SANITIZE:[A-Z]*=//p' "$SKEP_BUILD/CMakeCache.txt")
flags=${sanitize:+-fsanitize=$sanitize}
CXX=$compiler CXXFLAGS=$flags cmake -S "$embed" -B "$installed/../embed" \
  -DCMAKE_PREFIX_PATH="$installed" >log
cmake --build "$installed/../embed" >log
test "$("$installed/../embed/embed")" = "$expected"
if command -v pkg-config >/dev/null; then
  PKG_CONFIG_PATH=$installed/$lib/pkgconfig && export PKG_CONFIG_PATH
  pkg-config --exists skep
  # shellcheck disable=SC2046,SC2086
  $compiler $flags -std=c++23 "$embed/main.cpp" \
    $(pkg-config --define-variable=prefix="$installed" --cflags --libs skep) -o ../with-pkg-config
  test "$(../with-pkg-config)" = "$expected"
fi
# Every public header stands alone.
for header in include/skep/*.h; do
  printf '#include <skep/%s>\n' "$(basename "$header")" |
    "$compiler" -std=c++23 -Wall -Wextra -Wpedantic -Werror -Iinclude -x c++ -fsyntax-only -
done

command -v man >/dev/null || {
  echo "no man to show the page"
  exit 77
}
man --warnings -E UTF-8 -l share/man/man1/skep.1 >page 2>complaints
test -s page
test ! -s complaints || {
  cat complaints
  exit 1
}
