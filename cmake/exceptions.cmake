# SPDX-License-Identifier: Apache-2.0
# Flags of single files and libraries of single folders, each with its reason.

# Its handlers end in calls that must become jumps, which g++ does from -O2 on, in Debug builds too.
# The frame pointer is one of the registers it keeps values in; vectors would spill them; nothing is
# thrown through it.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set_source_files_properties(
    src/engine/interpreter.cpp
    PROPERTIES COMPILE_OPTIONS
               "-O2;-fomit-frame-pointer;-fno-tree-slp-vectorize;-fno-asynchronous-unwind-tables")
endif()
