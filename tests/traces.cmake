# Recorded traces: what we write is read back to the same bytes; samples of every dialect are fuzzed.
add_test(NAME trace_roundtrip COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/trace_roundtrip.sh $<TARGET_FILE:numasim>)
set_tests_properties(trace_roundtrip PROPERTIES LABELS scenario TIMEOUT 300)
add_test(NAME replay_traces COMMAND replay_trace ${CMAKE_CURRENT_SOURCE_DIR}/traces
    ${NUMASIM_SHARED}/corpus/numa-guest/mesh8/hackbench)
set_tests_properties(replay_traces PROPERTIES LABELS fuzz TIMEOUT 300)
# How near replays come to recordings: printed; the run times with recorded placement must be equal to 1 %.
add_test(NAME replay_accuracy COMMAND python3 ${CMAKE_CURRENT_SOURCE_DIR}/replay_accuracy.py $<TARGET_FILE:numasim>
    ${NUMASIM_SHARED}/corpus)
set_tests_properties(replay_accuracy PROPERTIES LABELS scenario TIMEOUT 300 SKIP_RETURN_CODE 77)
