# SPDX-License-Identifier: Apache-2.0
# tools/install-packages as root, with and without sudo, and with stale package lists. The system's
# tools are stand-ins: `cmake` alone is installed, apt-get logs how it is called.

mkdir bin
stand_in() {
  printf '#!/bin/sh\n%s\n' "$2" >"bin/$1"
  chmod +x "bin/$1"
}
stand_in dpkg-query '[ "$4" = cmake ] && echo installed'
stand_in apt-get 'echo "$*" >>calls; case $* in *update) touch fresh ;; *) [ -e fresh ] ;; esac'
stand_in id 'echo 0'
for tool in awk cat dirname env mktemp rm sh touch tr; do
  ln -s "$(command -v $tool)" bin/$tool
done
install_packages() {
  PATH=$PWD/bin "$SKEP_SOURCE/tools/install-packages" "$@" >out 2>&1 </dev/null
}
refused() {
  install_packages "$@" && exit 1
  cat out
  grep -q "as root, run: apt-get install --no-install-recommends g++-12 ninja-build libfmt-dev$" out
  test ! -e calls
}

refused --check build

stand_in id 'echo 1000'
refused build
stand_in sudo 'exit 1'
refused build

# The first install fails for want of lists, and is tried again after an update.
stand_in sudo '[ "$1" = -n ] || exec "$@"'
install_packages build
grep -c . calls | grep -qx 3
tail -n 1 calls | grep -q 'install --no-install-recommends g++-12 ninja-build libfmt-dev$'

stand_in id 'echo 0'
rm calls bin/sudo
install_packages build
grep -c . calls | grep -qx 1

rm fresh
stand_in apt-get 'echo "no network"; exit 100'
install_packages build && exit 1
grep -q 'no network' out
grep -q 'apt-get failed; as root, run: ' out

stand_in dpkg-query 'echo installed'
install_packages build test
test ! -s out
install_packages none && exit 1
grep -q 'has no group "none"' out
