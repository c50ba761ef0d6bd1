# Recorded traces: what we write is read back to the same bytes; samples of every dialect are fuzzed.
add_test(NAME trace_roundtrip COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/trace_roundtrip.sh $<TARGET_FILE:numasim>)
set_tests_properties(trace_roundtrip PROPERTIES LABELS scenario TIMEOUT 300)
add_test(NAME replay_traces COMMAND replay_trace ${CMAKE_CURRENT_SOURCE_DIR}/traces
    ${NUMASIM_SHARED}/corpus/numa-guest/mesh8/hackbench)
set_tests_properties(replay_traces PROPERTIES LABELS fuzz TIMEOUT 300)
