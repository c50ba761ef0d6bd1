# Writes a header with the SHA-256 of all files that a list names:
#     cmake -DLIST=FILE -DROOT=DIR -DHEADER=FILE -P source_hash.cmake
file(STRINGS "${LIST}" files)
set(sums "")
foreach(file ${files})
    file(SHA256 "${ROOT}/${file}" sum)
    string(APPEND sums "${sum} ${file}\n")
endforeach()
string(SHA256 hash "${sums}")
file(WRITE "${HEADER}.new" "#pragma once\n#define NUMASIM_SOURCE_HASH \"${hash}\"\n")
file(COPY_FILE "${HEADER}.new" "${HEADER}" ONLY_IF_DIFFERENT)
