# SPDX-License-Identifier: Apache-2.0
# Reads tools/layers.txt for the build and for the checker. Sets in the caller's scope:
#   LAYERS          folders under src/, lowest first
#   LAYERS_OUTSIDE  top folders that may include anything
#   MAY_<folder>    what it may include
#   HEADER_PREFIXES, HEADER_OWNERS   the third-party rule, two lists of equal length

# A macro, so that every `set` lands in the scope of the caller.
macro(read_layers file)
  set(LAYERS)
  set(LAYERS_OUTSIDE)
  set(HEADER_PREFIXES)
  set(HEADER_OWNERS)
  set(layers_part "")
  file(STRINGS ${file} layers_lines REGEX "^[^#]")
  foreach(layers_line IN LISTS layers_lines)
    if(layers_line MATCHES "^\\[(folders|headers)\\]$")
      set(layers_part ${CMAKE_MATCH_1})
    elseif(layers_part STREQUAL "folders" AND layers_line MATCHES "^([a-z]+): *\\*$")
      list(APPEND LAYERS_OUTSIDE ${CMAKE_MATCH_1})
    elseif(layers_part STREQUAL "folders" AND layers_line MATCHES "^([a-z]+):([a-z ]*)$")
      set(layers_folder ${CMAKE_MATCH_1})
      separate_arguments(layers_allowed UNIX_COMMAND "${CMAKE_MATCH_2}")
      foreach(layers_other IN LISTS layers_allowed)
        if(NOT layers_other IN_LIST LAYERS)
          message(FATAL_ERROR "${file}: ${layers_folder} may not include \"${layers_other}\": "
                              "it is unknown or stands further down, which would be a circle")
        endif()
      endforeach()
      list(APPEND LAYERS ${layers_folder})
      set(MAY_${layers_folder} ${layers_allowed})
    elseif(layers_part STREQUAL "headers" AND layers_line MATCHES "^([a-z]+) ([^ ]+)$")
      list(APPEND HEADER_OWNERS ${CMAKE_MATCH_1})
      list(APPEND HEADER_PREFIXES ${CMAKE_MATCH_2})
    else()
      message(FATAL_ERROR "${file}: cannot read the line \"${layers_line}\"")
    endif()
  endforeach()
endmacro()
