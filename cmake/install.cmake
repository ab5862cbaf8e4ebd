# SPDX-License-Identifier: Apache-2.0
# The program, its man page and shell completions; the program itself writes the latter.

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
