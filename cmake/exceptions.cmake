# SPDX-License-Identifier: Apache-2.0
# Flags of single files and libraries of single folders, each with its reason.

# Merging the indirect jumps of the dispatch costs a third of the interpreter's speed.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  set_source_files_properties(src/engine/interpreter.cpp PROPERTIES COMPILE_OPTIONS -fno-gcse)
endif()
