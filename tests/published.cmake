# Experiments after published results: their files. What comes out is for reference_published.
add_test(NAME published COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/published.sh $<TARGET_FILE:numasim> ${CMAKE_SOURCE_DIR})
set_tests_properties(published PROPERTIES LABELS scenario TIMEOUT 300)
