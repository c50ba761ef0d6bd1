# The files that tools/machines.py makes are what it would make of the data today.
add_test(NAME machines_made COMMAND python3 ${CMAKE_SOURCE_DIR}/tools/machines.py ${NUMASIM_SHARED} --check)
set_tests_properties(machines_made PROPERTIES LABELS "unit" TIMEOUT 60 SKIP_RETURN_CODE 77)
