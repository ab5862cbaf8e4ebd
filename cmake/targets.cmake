# SPDX-License-Identifier: Apache-2.0
# The kinds of targets. All take their sources by glob: a new file needs no line anywhere.

# Globs below the source directory; sets `sources` and `tests` (the *_test.cpp among them).
macro(find_sources)
  set(sources)
  foreach(pattern IN ITEMS ${ARGN})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${pattern})
    list(APPEND sources ${found})
  endforeach()
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
endmacro()

# Target `layers`, part of every build: one run of the checker when any source changed.
function(add_layers_check)
  set(checked)
  foreach(top IN ITEMS include src ${LAYERS_OUTSIDE})
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${top}/*.h ${top}/*.def ${top}/*.cpp)
    list(APPEND checked ${found})
  endforeach()
  set(stamp ${CMAKE_BINARY_DIR}/layers.stamp)
  set(script ${CMAKE_SOURCE_DIR}/tools/check_layers.cmake)
  add_custom_command(
    OUTPUT ${stamp}
    COMMAND ${CMAKE_COMMAND} -D STAMP=${stamp} -P ${script}
    DEPENDS ${checked} ${script} tools/layers.txt cmake/layers.cmake
    COMMENT "Checking layers"
    VERBATIM)
  add_custom_target(layers ALL DEPENDS ${stamp})
endfunction()

# src/<folder> as library skep_<folder>; a folder without sources links as nothing.
function(add_folder folder)
  find_sources(src/${folder}/*.cpp)
  set(libraries ${MAY_${folder}})
  list(TRANSFORM libraries PREPEND skep_)
  if(sources)
    add_library(skep_${folder} STATIC ${sources})
    target_include_directories(skep_${folder} PUBLIC ${CMAKE_SOURCE_DIR}/src
                                                         ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(skep_${folder} PUBLIC ${libraries})
    add_dependencies(skep_${folder} layers)
  else()
    add_library(skep_${folder} INTERFACE)
    target_include_directories(skep_${folder} INTERFACE ${CMAKE_SOURCE_DIR}/src
                                                            ${CMAKE_SOURCE_DIR}/include)
    target_link_libraries(skep_${folder} INTERFACE ${libraries})
  endif()
endfunction()

function(link_all_folders target)
  set(libraries ${LAYERS})
  list(REVERSE libraries)
  list(TRANSFORM libraries PREPEND skep_)
  target_link_libraries(${target} PRIVATE ${libraries})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  add_dependencies(${target} layers)
endfunction()

# apps/<name> as the program of that name at the top of the build directory. All but main.cpp is a
# library, so that unit tests can reach it.
function(add_app name)
  find_sources(apps/${name}/*.cpp)
  if(NOT sources)
    return()
  endif()
  set(parts ${sources})
  list(FILTER parts EXCLUDE REGEX "/main\\.cpp$")
  list(FILTER sources INCLUDE REGEX "/main\\.cpp$")
  add_executable(${name} ${sources})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  target_compile_definitions(${name} PRIVATE SKEP_VERSION="${PROJECT_VERSION}")
  add_dependencies(everything ${name})
  if(parts)
    add_library(app_${name} STATIC ${parts})
    target_compile_definitions(app_${name} PRIVATE SKEP_VERSION="${PROJECT_VERSION}")
    link_all_folders(app_${name})
    target_link_libraries(${name} PRIVATE app_${name})
    set_property(GLOBAL APPEND PROPERTY app_parts app_${name})
  endif()
  link_all_folders(${name})
endfunction()

# What tests share: tests/support, but for the main program of doctest.
function(add_test_support)
  find_sources(tests/support/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/main\\.cpp$")
  if(sources)
    add_library(skep_test_support STATIC EXCLUDE_FROM_ALL ${sources})
    link_all_folders(skep_test_support)
    set(test_support skep_test_support PARENT_SCOPE)
  endif()
endfunction()

# A program beside the product, below tests/ of the build directory, made only when asked for.
function(add_side_program name)
  find_sources(${ARGN})
  if(NOT sources AND NOT tests)
    return()
  endif()
  get_property(app_parts GLOBAL PROPERTY app_parts)
  add_executable(${name} EXCLUDE_FROM_ALL ${sources} ${tests})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_dependencies(everything ${name})
  target_link_libraries(${name} PRIVATE ${app_parts} ${test_support})
  link_all_folders(${name})
endfunction()

# A side program that is part of target `tests` and closes with "name: P passed, F failed, S skipped".
function(add_test_program name)
  add_side_program(${name} ${ARGN})
  if(TARGET ${name})
    add_dependencies(tests ${name})
    set_property(GLOBAL APPEND_STRING PROPERTY test_list "$<TARGET_FILE:${name}>\n")
  endif()
endfunction()

# doctest's main comes from tests/support.
function(add_doctest_program name)
  add_test_program(${name} ${ARGN})
  if(TARGET ${name})
    string(REPLACE "skep-" "" title ${name})
    target_sources(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/main.cpp)
    target_compile_definitions(${name} PRIVATE SKEP_TEST_TITLE="${title}")
  endif()
endfunction()
