# The historic pathologies of scheduling: old rule and today's (results/experiments/pathologies.md).
add_test(NAME pathologies COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/pathologies.sh $<TARGET_FILE:numasim>)
set_tests_properties(pathologies PROPERTIES LABELS scenario TIMEOUT 300)
