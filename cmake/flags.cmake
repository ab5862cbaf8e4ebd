# SPDX-License-Identifier: Apache-2.0
# How everything is compiled: the language, the warnings, and the few switches of the presets.

option(SKEP_WERROR "Warnings are errors" OFF)
option(SKEP_FUZZ "Build the libFuzzer targets (clang)" OFF)
set(SKEP_SANITIZE "" CACHE STRING "Sanitizers, as in -fsanitize=")

# The gates set this in the environment, so that they can run the README's own commands.
if(DEFINED ENV{SKEP_WERROR})
  set(SKEP_WERROR $ENV{SKEP_WERROR})
endif()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_CXX_SCAN_FOR_MODULES OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g -D_GLIBCXX_ASSERTIONS")

find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# Paths in messages are relative to the tree, whatever directory it stands in.
add_compile_options(-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)
# A member left out of an initializer has its default, so nothing is missing.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                    -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # SKEP_TRY is a GNU statement expression, marked so, and doctest counts with __COUNTER__.
  add_compile_options(-Wno-gnu-statement-expression -Wno-c2y-extensions)
else()
  # g++ 12 sees uninitialized values in every other optional; MSan and clang see the true ones.
  add_compile_options(-Wno-maybe-uninitialized)
endif()
if(SKEP_WERROR)
  add_compile_options(-Werror)
endif()

if(SKEP_SANITIZE)
  add_compile_options(-fsanitize=${SKEP_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer -g1)
  add_link_options(-fsanitize=${SKEP_SANITIZE})
  add_compile_definitions(SKEP_SANITIZED)
else()
  # The program runs on any machine with a C library, and carries only what it uses.
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-static-libstdc++ -static-libgcc -Wl,--gc-sections)
endif()

# clang-tidy runs beside each compilation, so that ninja repeats it for what changed and no more. The
# definition makes a change of the rules a change of every file.
if(CMAKE_CXX_CLANG_TIDY)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS .clang-tidy)
  file(MD5 .clang-tidy rules)
  add_compile_definitions(SKEP_TIDY_RULES_${rules})
endif()
