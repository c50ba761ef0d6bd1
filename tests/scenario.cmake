# Whole runs against what the field knows. The long form takes ten seeds: ctest -L long.
add_test(NAME numa0x COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/numa0x.sh $<TARGET_FILE:numasim> 3)
set_tests_properties(numa0x PROPERTIES LABELS scenario TIMEOUT 600)
add_test(NAME numa0x_ten_seeds COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/numa0x.sh $<TARGET_FILE:numasim> 10)
set_tests_properties(numa0x_ten_seeds PROPERTIES LABELS "scenario;long" TIMEOUT 3600)
add_test(NAME real_machines COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/real_machines.sh $<TARGET_FILE:numasim>
    ${CMAKE_SOURCE_DIR}/../shared/corpus)
set_tests_properties(real_machines PROPERTIES LABELS scenario TIMEOUT 900 SKIP_RETURN_CODE 77)
add_test(NAME readme COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/readme.sh $<TARGET_FILE:numasim> ${CMAKE_SOURCE_DIR})
set_tests_properties(readme PROPERTIES LABELS scenario TIMEOUT 900)
add_test(NAME host_memory_of_large_processes
    COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/host_memory.sh $<TARGET_FILE:numasim> ${CMAKE_SOURCE_DIR}/topologies)
set_tests_properties(host_memory_of_large_processes PROPERTIES LABELS scenario TIMEOUT 300 SKIP_RETURN_CODE 77)
