# The fuzz targets without a fuzzer (label fuzz): all our samples and those of the shared data, damaged a
# few times each. See tests/fuzz/replay.c.
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_*.c)
foreach(source ${fuzz_sources})
    get_filename_component(name ${source} NAME_WE)
    string(REGEX REPLACE "^fuzz_" "replay_" name ${name})
    add_executable(${name} ${source} fuzz/replay.c)
    target_link_libraries(${name} PRIVATE ns_config)
    add_test(NAME ${name} COMMAND ${name} ${CMAKE_SOURCE_DIR}/topologies ${CMAKE_SOURCE_DIR}/workloads
        ${CMAKE_SOURCE_DIR}/tests/bad ${CMAKE_SOURCE_DIR}/results/experiments ${CMAKE_SOURCE_DIR}/tests/import ${CMAKE_SOURCE_DIR}/tests/scripts
        ${NUMASIM_SHARED}/corpus/lscpu
        ${NUMASIM_SHARED}/corpus/sysfs ${NUMASIM_SHARED}/corpus/numactl ${NUMASIM_SHARED}/corpus/hwloc-xml
        ${NUMASIM_SHARED}/corpus/rt-app)
    set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 300)
endforeach()
