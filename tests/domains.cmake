# Scheduling domains against the oracle's kernels, and against its reference builder on 2000 random
# machines (tests/oracle_domains.py). Both pass as skipped where the oracle or Python is missing.
add_executable(tool_domains tool_domains.c)
target_link_libraries(tool_domains PRIVATE ns_config ns_report)
find_program(PYTHON3 python3)
if(PYTHON3)
    set(oracle_domains ${PYTHON3} ${CMAKE_CURRENT_SOURCE_DIR}/oracle_domains.py
        $<TARGET_FILE:tool_domains> ${NUMASIM_SHARED})
    add_test(NAME domains_golden COMMAND ${oracle_domains} golden)
    add_test(NAME domains_random COMMAND ${oracle_domains} random 2000)
    set_tests_properties(domains_golden PROPERTIES LABELS golden SKIP_RETURN_CODE 77 TIMEOUT 120)
    set_tests_properties(domains_random PROPERTIES LABELS scenario SKIP_RETURN_CODE 77 TIMEOUT 300)
else()
    message(STATUS "no python3: scheduling domains are not compared with the oracle")
endif()
