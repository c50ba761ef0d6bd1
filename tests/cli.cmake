# The command line, end to end. A scenario is a function of cli.sh; 77: it cannot run here.
foreach(scenario exit_codes errors_have_places_and_come_together policy_files_change_a_preset
        help_is_for_every_command lists_name_what_is_shipped folders_are_kept_or_replaced_by_rule
        names_are_the_bytes_that_they_are
        resolved_run_repeats_byte_by_byte jobs_change_nothing looking_changes_nothing
        forced_choice_of_the_same_is_the_same_run
        forced_choice_that_is_none_is_refused samples_are_as_many_as_memory_holds
        endless_work_needs_an_end tasks_that_wait_for_each_other_are_named
        a_refused_run_leaves_nothing
        disk_that_is_full_is_said interrupted_run_keeps_what_it_has
        interrupted_comparison_keeps_finished_runs a_crash_costs_one_run
        pictures_are_drawn_where_gnuplot_is)
    add_test(NAME cli_${scenario}
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/cli.sh $<TARGET_FILE:numasim> ${scenario})
    set_tests_properties(cli_${scenario} PROPERTIES LABELS scenario TIMEOUT 300 SKIP_RETURN_CODE 77
        ENVIRONMENT "UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1")
endforeach()

# What `numasim bench` measures of the whole simulator, with the probe and without.
add_executable(bench_whole ${CMAKE_CURRENT_SOURCE_DIR}/whole_run.c)
target_link_libraries(bench_whole PRIVATE ns_config)

file(GLOB core CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/sim/kernel/*.c ${CMAKE_SOURCE_DIR}/sim/workload/*.c
    ${CMAKE_SOURCE_DIR}/sim/run/*.c ${CMAKE_SOURCE_DIR}/models/*.c ${CMAKE_SOURCE_DIR}/models/*/*.c)
add_library(ns_noprobe OBJECT ${core})
target_link_libraries(ns_noprobe PRIVATE numasim_flags)
target_compile_definitions(ns_noprobe PRIVATE NUMASIM_NO_PROBE)
# Its objects come first, so the libraries below add only what is not in them.
add_executable(bench_noprobe ${CMAKE_CURRENT_SOURCE_DIR}/whole_run.c $<TARGET_OBJECTS:ns_noprobe>)
target_link_libraries(bench_noprobe PRIVATE ns_config)
foreach(program bench_whole bench_noprobe)
    target_compile_definitions(${program} PRIVATE SOURCE_DIR="${CMAKE_SOURCE_DIR}")
endforeach()
set_target_properties(bench_whole bench_noprobe PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
