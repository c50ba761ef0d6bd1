# One program here; ./quickstart test runs the same script over gcc and clang, -O0 and -O2.
add_test(NAME determinism COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/determinism.sh $<TARGET_FILE:numasim>)
set_tests_properties(determinism PROPERTIES LABELS determinism TIMEOUT 600)
