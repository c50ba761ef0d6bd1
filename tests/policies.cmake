# Policies as a user has them: policies.sh says what each part shows.
foreach(part twins bad plugin hooks resolved planned replaced busy grids)
    add_test(NAME policies_${part} COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/policies.sh $<TARGET_FILE:numasim>
        ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR} ${part})
    set_tests_properties(policies_${part} PROPERTIES LABELS scenario TIMEOUT 600)
endforeach()
