# SPDX-License-Identifier: Apache-2.0
# What `make install` puts where, with DESTDIR respected, and that its readers accept it.

DESTDIR=$PWD/root cmake --install "$SKEP_BUILD" --prefix /usr >log
cd root/usr
test "$(find . -type f | sort | tr '\n' ' ')" = "./bin/skep \
./share/bash-completion/completions/skep \
./share/fish/vendor_completions.d/skep.fish \
./share/man/man1/skep.1 \
./share/zsh/site-functions/_skep "
bin/skep version
bash -n share/bash-completion/completions/skep

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
