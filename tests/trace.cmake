# Traces, end to end: a scenario is a function of trace.sh; 77: it cannot run here.
foreach(scenario json_and_text_show_the_same_legal_schedule
        perfetto_and_text_show_the_same_events trace_cmd_reports_what_the_text_says
        trace_dat_comes_back tracing_changes_no_result
        every_filter_leaves_a_whole_trace a_limit_is_said memory_stays_flat
        interrupted_run_closes_its_trace packed_is_the_same wrong_requests_make_no_folder)
    add_test(NAME trace_${scenario}
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/trace.sh $<TARGET_FILE:numasim> ${scenario})
    set_tests_properties(trace_${scenario} PROPERTIES LABELS scenario TIMEOUT 300
        SKIP_RETURN_CODE 77 ENVIRONMENT "UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1")
endforeach()
