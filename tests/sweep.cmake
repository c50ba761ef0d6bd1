# Sweeps and merges, end to end. A scenario is a function of sweep.sh; 77: it cannot run here.
foreach(scenario points_are_the_cross_product jobs_and_shards_change_nothing a_finished_point_is_never_run_again
        killed_three_times_and_resumed_it_is_the_same interrupted_it_keeps_what_is_finished
        a_point_that_fails_is_recorded_and_the_rest_go_on a_crash_costs_one_point
        folders_of_runs_are_kept_if_asked_for a_folder_that_cannot_be_placed_is_said
        without_processes_nothing_is_run_and_nothing_left a_disk_that_is_full_is_said two_sweeps_do_not_share_a_folder
        other_engines_run_shards_and_a_merge mistakes_come_together_and_leave_nothing
        pictures_are_drawn_where_gnuplot_is)
    add_test(NAME sweep_${scenario}
        COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sweep.sh $<TARGET_FILE:numasim> ${scenario})
    set_tests_properties(sweep_${scenario} PROPERTIES LABELS scenario TIMEOUT 300 SKIP_RETURN_CODE 77
        ENVIRONMENT "UBSAN_OPTIONS=abort_on_error=1:print_stacktrace=1")
endforeach()

# What a sweep costs besides its runs, in time: `ctest -L sweep-cost`. CI leaves it out with all that is long.
find_package(Python3 COMPONENTS Interpreter)
if(Python3_Interpreter_FOUND)
    add_test(NAME sweep_cost
        COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/sweep_cost.py $<TARGET_FILE:numasim>)
    set_tests_properties(sweep_cost PROPERTIES LABELS "sweep-cost;long" TIMEOUT 1800 RUN_SERIAL ON)
endif()

# Three points of every grid that is shipped.
add_test(NAME sweep_shipped_grids
    COMMAND sh ${CMAKE_CURRENT_SOURCE_DIR}/grids.sh $<TARGET_FILE:numasim> ${CMAKE_SOURCE_DIR})
set_tests_properties(sweep_shipped_grids PROPERTIES LABELS scenario TIMEOUT 900)
