# Expected against simulated: one test a table of results/reference/. A row that leaves its tolerance fails.
foreach(table convergence decisions levels mlc numa replay theory servers stream)
    add_test(NAME reference_${table} COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/reference.py ${table}
        $<TARGET_FILE:numasim> ${NUMASIM_SHARED})
    set_tests_properties(reference_${table} PROPERTIES LABELS "scenario;reference" TIMEOUT 600 SKIP_RETURN_CODE 77)
endforeach()
# Published results: where their rows stand, and that what is outside says why. One seed; the table has three.
add_test(NAME reference_published COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/reference.py published
    $<TARGET_FILE:numasim> ${NUMASIM_SHARED} --seeds=1)
set_tests_properties(reference_published PROPERTIES LABELS "reference;long" TIMEOUT 1800 SKIP_RETURN_CODE 77)
# Seconds to minutes, as busy as the machine is: not for CI.
add_test(NAME reference_oracle COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/reference.py oracle
    $<TARGET_FILE:numasim> ${NUMASIM_SHARED})
set_tests_properties(reference_oracle PROPERTIES LABELS "reference;long" TIMEOUT 1800 SKIP_RETURN_CODE 77)
add_test(NAME reference_guest COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/reference.py guest
    $<TARGET_FILE:numasim> ${NUMASIM_SHARED})
set_tests_properties(reference_guest PROPERTIES LABELS "reference;long" TIMEOUT 1800 SKIP_RETURN_CODE 77)
# Programmable policies: what theory knows; and all six experiments, a minute or two.
add_test(NAME reference_policies COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/reference.py policies
    $<TARGET_FILE:numasim> ${NUMASIM_SHARED} --only=shares,waiting)
set_tests_properties(reference_policies PROPERTIES LABELS "scenario;reference" TIMEOUT 600)
add_test(NAME reference_policies_all COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/reference.py policies
    $<TARGET_FILE:numasim> ${NUMASIM_SHARED})
set_tests_properties(reference_policies_all PROPERTIES LABELS "reference;long" TIMEOUT 1800)
