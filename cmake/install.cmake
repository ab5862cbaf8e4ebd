# SPDX-License-Identifier: Apache-2.0
# The library for embedding; the program, its man page and shell completions, which it writes itself.

include(CMakePackageConfigHelpers)

# One archive of all folders: who embeds links this and nothing else.
set(objects)
foreach(folder IN LISTS LAYERS)
  get_target_property(kind skep_${folder} TYPE)
  if(kind STREQUAL "STATIC_LIBRARY")
    list(APPEND objects $<TARGET_OBJECTS:skep_${folder}>)
  endif()
endforeach()
add_library(libskep STATIC ${objects})
set_target_properties(libskep PROPERTIES OUTPUT_NAME skep LINKER_LANGUAGE CXX)
install(TARGETS libskep ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/skep DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/skep)
configure_package_config_file(
  cmake/skep-config.cmake.in skep-config.cmake
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR)
# Until 1.0 each minor version may differ.
write_basic_package_version_file(skep-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/skep-config.cmake ${CMAKE_BINARY_DIR}/skep-config-version.cmake
        DESTINATION ${package_dir})

# The tree may be moved after it is installed, so that the prefix is told from where the file lies.
cmake_path(RELATIVE_PATH CMAKE_INSTALL_PREFIX
           BASE_DIRECTORY ${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig
           OUTPUT_VARIABLE SKEP_PREFIX_FROM_PC)
configure_file(cmake/skep.pc.in skep.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/skep.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

if(NOT TARGET skep)
  return()
endif()

set(pages_dir ${CMAKE_BINARY_DIR}/share)
set(pages)

# Runs the program and keeps what it prints as build/share/<path>, installed in the same place.
function(add_page path)
  set(page ${pages_dir}/${path})
  get_filename_component(folder ${path} DIRECTORY)
  file(MAKE_DIRECTORY ${pages_dir}/${folder})
  add_custom_command(OUTPUT ${page} COMMAND skep ${ARGN} > ${page} DEPENDS skep VERBATIM)
  set(pages ${pages} ${page} PARENT_SCOPE)
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/${folder})
endfunction()

add_page(man/man1/skep.1 help --man)
add_page(bash-completion/completions/skep completion bash)
add_page(zsh/site-functions/_skep completion zsh)
add_page(fish/vendor_completions.d/skep.fish completion fish)
add_custom_target(pages ALL DEPENDS ${pages})

install(TARGETS skep)
